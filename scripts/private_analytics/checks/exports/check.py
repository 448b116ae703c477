"""`check exports`: whether the days of each log group arrive, for people and for monitors."""

from __future__ import annotations

from ... import days
from ...exports import account, plan, status
from ...exports.clients import ExportClients
from ...exports.settings import ExportSettings
from ..results import FAILED, OK, UNKNOWN, Result


def look(aws: ExportClients, settings: ExportSettings, now_ms: int) -> list[Result]:
    """At least one result for each log group, under its name; `status` may also be late or lost.

    Raises TryLater and UserError if nothing can be known.
    """
    seen = account.observe(aws, settings, lambda text: None)
    wrong = status.together(state for state in plan.assess(seen, settings.rules, now_ms) if state.is_wrong(now_ms))
    results = []
    for name in settings.log_groups:
        if name in seen.problems:
            results.append(Result(name, FAILED, seen.problems[name]))
            continue
        of_group = [
            Result(name, kind.value, f"{days.span(which)}{f', {detail}' if detail else ''}", status.HINTS[kind])
            for (log_group, kind, detail), which in wrong.items()
            if log_group == name
        ]
        exported = [day for log_group, day in seen.exports if log_group == name]
        until = f"exported up to {days.as_date(max(exported))}" if exported else "no day is due yet"
        results += of_group or [Result(name, OK, until)]
    return results


def unknown(settings: ExportSettings, why: str) -> list[Result]:
    """The results if nothing could be checked: unknown."""
    return [Result(name, UNKNOWN, why) for name in settings.log_groups]
