"""`check events`: whether the lines of the last days became events that have their fields."""

from __future__ import annotations

from collections.abc import Mapping

from ...console import printable
from ...project.variables import AbsentFields, Thresholds
from ...unread.counts import ByDay, total
from ...unread.findings import find, span
from ..results import FAILED, OK, UNKNOWN, Result

ADVICE = (
    "Rejected lines are in the table rejected_log_lines. `pal suggest s3://BUCKET` (or a folder of logs) shows where lines have"
    " their fields. Runbook 9 (docs/runbooks.md) says what to do."
)
NOTHING_LOADED = "`pal check exports` says whether exports arrive; then run `dbt build`."


def judge(groups: Mapping[str, ByDay], limits: Thresholds, absent: AbsentFields) -> list[Result]:
    """What was not read of each log group, or that it was read. Names may be from logs and are made printable."""
    if not groups:
        return [Result("events", UNKNOWN, "no line has been loaded yet", NOTHING_LOADED)]
    findings = find(groups, limits, absent)
    wrong = [Result(printable(finding.log_group), FAILED, printable(finding.text), ADVICE) for finding in findings]
    failed = {finding.log_group for finding in findings}
    fine = [Result(printable(name), OK, _summary(by_day)) for name, by_day in groups.items() if name not in failed]
    return wrong + fine


def _summary(by_day: ByDay) -> str:
    counts = total(by_day.values())
    return f"{span(by_day)}: {counts.events:,} of {counts.lines:,} lines are events"
