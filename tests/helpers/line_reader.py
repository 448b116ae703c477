"""A plain reader of single lines, which shares no code with what it checks."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from typing import Any

PER_MS = {"ns": 1e-6, "us": 1e-3, "µs": 1e-3, "μs": 1e-3, "ms": 1, "s": 1e3}
IDS = r"[0-9]+|[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}|[0-9a-fA-F]{16,}|[0-9A-Z]{26}|[A-Za-z]+[-_][0-9]+"


def read_line(line: str, fields: dict[str, Any]) -> dict[str, Any] | None:
    """The core fields of a line, by the entries that dbt_project.yml may have; None if it is no JSON object."""
    try:
        content = json.loads(line)
    except ValueError:
        return None
    if not isinstance(content, dict):
        return None
    found = {name: first(content, entries) for name, entries in fields.items()}
    method, path = found.get("method", ("", ""))[0], found.get("path", ("", ""))[0]
    return {
        "event_at": moment(found["event_at"][0]),
        "status_code": int(match[0]) if (match := re.match(r"[1-5]\d\d(?= |$)", found["status_code"][0])) else None,
        "latency_ms": milliseconds(*found["latency_ms"]),
        "method": method.split(" ")[0].upper() if re.fullmatch(r"[A-Za-z]+( \S+.*)?", method) else None,
        "route": route(path.split(" ")[1] if re.match(r"[A-Za-z]+ \S", path) else path),
    }


def first(content: Any, entries: Any) -> tuple[str, str]:
    """Text and unit of the first entry with a value."""
    for entry in entries if isinstance(entries, list) else [entries]:
        path, unit = (entry["path"], entry.get("unit", "ms")) if isinstance(entry, dict) else (entry, "ms")
        value = content
        for quoted, plain, index in re.findall(r'"([^"]+)"|([^.\[\]"]+)|\[(\d+)\]', path):
            try:
                value = value[int(index)] if index else value[quoted or plain]
            except (KeyError, IndexError, TypeError):
                value = None
        if value not in (None, "", "-") and not isinstance(value, dict | list):
            return str(value), unit
    return "", "ms"


def moment(text: str) -> str | None:
    if re.fullmatch(r"\d+(\.\d+)?", text):
        seconds = float(text)
        while seconds >= 1e11:
            seconds /= 1000
        return f"{datetime.fromtimestamp(seconds, UTC):%FT%T.%fZ}"
    text = text.removesuffix(" UTC")
    if text[:1] + text[-1:] == "[]":
        text = text[1:-1]
    if re.fullmatch(r"\d\d/.*", text):
        return f"{datetime.strptime(text, '%d/%b/%Y:%H:%M:%S %z').astimezone(UTC):%FT%T.%fZ}"
    try:
        at = datetime.fromisoformat(re.sub(r"([.,]\d{6})\d+", r"\1", text).replace(",", "."))
    except ValueError:
        return None
    return f"{(at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC):%FT%T.%fZ}"


def milliseconds(text: str, unit: str) -> float | None:
    match = re.fullmatch(r"([0-9.eE+-]+) ?([nuµμm]?s)?", text)
    return float(match[1]) * PER_MS[match[2] or unit] if match else None


def route(path: str) -> str | None:
    match = re.match(r"(?:[a-zA-Z]+://[^/?#]*)?(/[^?#]*)?", path)
    if not path or not match or (not match[0]):
        return None
    found = match[1] or "/"
    for _ in range(2):  # two ids in a row share a slash
        found = re.sub(rf"/(?:{IDS})(?=/|$)", "/:id", found)
    return found
