"""What a value can be read as. docs/rules.md has the same rules for the models."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from .flatten import Value

MS = {"s": 1e3, "ms": 1.0, "us": 1e-3, "ns": 1e-6}
METHODS = {"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE", "CONNECT"}
COMMON_STATUSES = {*range(200, 209), *range(300, 309), *range(400, 432), 444, 451, 499, *range(500, 512), *range(520, 528)}

NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?", re.ASCII)
ISO = re.compile(r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d)(:\d\d)?(?:[.,](\d+))?( UTC| ?(?:Z|[+-]\d\d:?(?:\d\d)?))?", re.ASCII)
ACCESS_LOG_TIME = r"(\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4})"
ACCESS_LOG = re.compile(rf"{ACCESS_LOG_TIME}|\[{ACCESS_LOG_TIME}\]", re.ASCII)
STATUS = re.compile(r"(?:HTTP(?:/[\d.]+)? )?([1-5]\d\d)(\.0+)?( [A-Z][A-Za-z' -]*| \([A-Z][A-Za-z' -]*\))?", re.ASCII)
REQUEST_LINE = re.compile(r"([A-Za-z]+) (\S+)( HTTP/[\d.]+)?", re.ASCII)
URL = re.compile(r"(?:[A-Za-z][A-Za-z0-9+.-]*://[^/?#\s]*)?(/[^?#\s]*)?(?:[?#]\S*)?")
LATENCY = re.compile(r" *(\S*?) ?(?:([nuµμm])?s(?:ecs?)?|(nano|micro|milli)?seconds?|(nano|micro|milli)s)")
DURATION = re.compile(
    r"PT(?=\d)(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?"
    r"|(\d+):([0-5]\d):([0-5]\d(?:\.\d+)?)"
    r"|(?:(\d+)h)?(\d+)m(\d+(?:\.\d+)?)s",
    re.ASCII,
)
PREFIXES = {"nano": "n", "micro": "u", "milli": "m", "µ": "u", "μ": "u"}
SOURCE_FILE = re.compile(r".*\.(py|go|js|ts|mjs|rb|java|php|rs|cs|kt|log|so|jar)(:\d+)*")
USER_AGENT = re.compile(r"(?!HTTP/)(Mozilla/\d|[\w.-]+/v?\d+(\.\d+)*)(\s.*)?", re.DOTALL)


@dataclass(frozen=True)
class Latency:
    """A number; `unit` where the value itself says it."""

    number: float
    unit: str | None = None

    def in_ms(self, unit: str) -> float:
        return self.number * MS[self.unit or unit]


def number(value: Value) -> float | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, str):
        value = float(value) if len(value) < 40 and NUMBER.fullmatch(value) else math.nan
    return float(value) if math.isfinite(value) else None


def as_time(value: Value) -> float | None:
    """Seconds since 1970, of a time from 2000 to 2099."""
    found = number(value)
    if found is not None:
        size = abs(found)
        found = found / (1 if size < 1e11 else 1e3 if size < 1e14 else 1e6 if size < 1e17 else 1e9)
    elif isinstance(value, str) and len(value) < 50:
        try:
            if match := ISO.fullmatch(value):
                day, minute, second, fraction, offset = match.groups()
                zone = "+00:00" if (offset or "").strip() in ("", "Z", "UTC") else offset.strip()
                text = f"{day}T{minute}{second or ':00'}.{(fraction or '0')[:6]:0<6}{zone}"
                found = datetime.fromisoformat(text).timestamp()
            elif match := ACCESS_LOG.fullmatch(value):
                found = datetime.strptime(match[1] or match[2], "%d/%b/%Y:%H:%M:%S %z").timestamp()
        except ValueError:
            return None
    return found if found is not None and 946684800 <= found < 4102444800 else None


def as_status(value: Value) -> int | None:
    match = None if isinstance(value, bool) else STATUS.fullmatch(str(value))
    return int(match[1]) if match else None


def as_method(value: Value) -> str | None:
    if not isinstance(value, str):
        return None
    match = REQUEST_LINE.fullmatch(value)
    method = (match[1] if match else value).upper()
    return method if method in METHODS else None


def as_path(value: Value) -> str | None:
    """The path, without host and query."""
    if not isinstance(value, str):
        return None
    if match := REQUEST_LINE.fullmatch(value):
        value = match[2]
    match = URL.fullmatch(value)
    if not match or value[:1] in ("", "?", "#"):
        return None
    return match[1] or "/"


def as_latency(value: Value) -> Latency | None:
    found, unit = number(value), None
    if found is None and isinstance(value, str) and len(value) < 40:
        if match := DURATION.fullmatch(value):
            found, unit = sum(float(part or 0) * size for part, size in zip(match.groups(), 3 * (3600, 60, 1), strict=True)), "s"
        elif match := LATENCY.fullmatch(value):
            prefix = match[2] or match[3] or match[4] or ""
            found, unit = number(match[1]), PREFIXES.get(prefix, prefix) + "s"
    return Latency(found, unit) if found is not None and found >= 0 else None


def as_user_agent(value: Value) -> str | None:
    return value if isinstance(value, str) and USER_AGENT.fullmatch(value) else None


def as_text(value: Value) -> str | None:
    return str(value) if isinstance(value, str) or (isinstance(value, int) and not isinstance(value, bool)) else None


READERS: dict[str, Callable[[Value], object]] = {
    "event_at": as_time,
    "status_code": as_status,
    "latency_ms": as_latency,
    "method": as_method,
    "path": as_path,
    "user_agent": as_user_agent,
}


def reader(field: str) -> Callable[[Value], object]:
    return READERS.get(field, as_text)
