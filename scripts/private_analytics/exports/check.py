"""`check exports`: whether the days of each log group arrive, for a person in a hurry and for a monitor."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from . import days, plan, status, world
from .calls import Aws
from .config import Settings

OK, FAILED, UNKNOWN = "ok", "failed", "unknown"


@dataclass(frozen=True)
class Result:
    """What was found of a log group: `status` is ok, late, failed, lost, or unknown where it could not be looked at."""

    log_group: str
    status: str
    detail: str
    advice: str = ""


def check(aws: Aws, settings: Settings, now_ms: int) -> list[Result]:
    """At least one result for each log group. Raises TryLater and UserError where nothing can be known."""
    seen = world.observe(aws, settings, lambda text: None)
    wrong = status.together(state for state in plan.assess(seen, settings.rules, now_ms) if state.is_wrong(now_ms))
    results = []
    for name in settings.log_groups:
        if name in seen.problems:
            results.append(Result(name, FAILED, seen.problems[name]))
            continue
        found = [
            Result(name, kind.value, f"{days.span(which)}{f', {detail}' if detail else ''}", status.HINTS[kind])
            for (log_group, kind, detail), which in wrong.items()
            if log_group == name
        ]
        exported = [day for log_group, day in seen.exports if log_group == name]
        until = f"exported up to {days.as_date(max(exported))}" if exported else "no day is due yet"
        results += found or [Result(name, OK, until)]
    return results


def unknown(settings: Settings, why: str) -> list[Result]:
    """The results where nothing could be looked at: not ok."""
    return [Result(name, UNKNOWN, why) for name in settings.log_groups]


def is_ok(results: list[Result]) -> bool:
    return all(result.status == OK for result in results)


def as_json(results: list[Result], settings: Settings, now_ms: int) -> dict:
    return {
        "check": "exports",
        "place": settings.place,
        "as_of": days.moment(now_ms),
        "ok": is_ok(results),
        "results": [asdict(result) for result in results],
    }


def as_lines(results: list[Result]) -> list[str]:
    """A line for each result and one for what to do; the same advice is given once, after all that it is for."""
    width = max(len(result.log_group) for result in results)
    lines = [f"{result.status:8}{result.log_group:{width}}  {result.detail}" for result in results]
    return lines + list(dict.fromkeys(f"{result.status:8}{result.advice}" for result in results if result.advice))
