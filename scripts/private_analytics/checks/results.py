"""What a check found. Only `ok` is ok: what could not be looked at is `unknown`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass

OK, FAILED, UNKNOWN = "ok", "failed", "unknown"


@dataclass(frozen=True)
class Result:
    """One thing that was looked at; `advice` says what to do about it."""

    name: str
    status: str
    detail: str
    advice: str = ""


def is_ok(results: Iterable[Result]) -> bool:
    return all(result.status == OK for result in results)


def as_json(check: str, place: str, as_of: str, results: list[Result]) -> dict:
    return {
        "check": check,
        "place": place,
        "as_of": as_of,
        "ok": is_ok(results),
        "results": [asdict(result) for result in results],
    }


def as_lines(results: list[Result]) -> list[str]:
    """A line for each result and one for what to do; the same advice is given once, after all that it is for."""
    width = max(len(result.name) for result in results)
    lines = [f"{result.status:8}{result.name:{width}}  {result.detail}" for result in results]
    return lines + list(dict.fromkeys(f"{result.status:8}{result.advice}" for result in results if result.advice))
