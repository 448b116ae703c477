"""An account whose stack `shop` is well, minute by minute, until a test lets something go wrong; and its metrics."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from functools import cached_property

from helpers.alarm_evaluator import Metrics

HOUR, DAY = 60, 24 * 60
START = DAY  # alarms are looked at from here on; before it there is one day in which all was well
DBT = 14 * HOUR + 30  # when dbt starts each day; it takes half an hour
UNITS = {"Seconds": 1e-3, "Milliseconds": 1, "Microseconds": 1e3, "Nanoseconds": 1e6}  # what a millisecond is in them

# Settings of a stack that has every alarm.
EVERY_ALARM = {
    "CheckJwt": "on",
    "CheckUploads": "on",
    "CanaryPoolId": "eu-central-1_Ab12Cd34E",
    "CanaryClientId": "4k2h1",
    "CanaryUrl": "https://api.example.com/me",
    "UploadsUrl": "https://api.example.com/uploads",
    "CanarySecretArn": "arn:aws:secretsmanager:eu-central-1:111122223333:secret:canary-Ab12Cd",
    "AlarmEmail": "me@example.com",
}


@dataclass
class Run:
    """A run of the exporter: what its summary says, and whether it failed. None said: it broke off before its summary."""

    late: int | None = 0
    failed: int | None = 0
    is_error: bool = False


@dataclass
class World:
    """What happens in each minute; `hours` of it are looked at."""

    hours: int = 8
    requests: list[int] = field(init=False)
    errors: list[int] = field(init=False)
    auth_failures: list[int] = field(init=False)
    latencies: list[dict[float, int]] = field(init=False)  # of each minute: milliseconds -> requests; none given: 120 ms
    unit: str = "Milliseconds"
    exporter: dict[int, Run] = field(init=False)
    waiting: dict[int, int] = field(init=False)  # messages in the queue
    builds: dict[int, bool] = field(init=False)  # start -> whether it succeeds
    checks: dict[int, Counter[str]] = field(init=False)  # when all checks ran, and what they found wrong
    scanned: list[tuple[int, str, float]] = field(init=False)  # minute, workgroup, gigabytes

    def __post_init__(self) -> None:
        days = range(0, self.end, DAY)
        self.requests, self.errors, self.auth_failures = [60] * self.end, [0] * self.end, [0] * self.end
        self.latencies = [{} for _ in range(self.end)]
        self.exporter = {minute: Run() for minute in range(7, self.end, HOUR)}
        self.waiting = dict.fromkeys(range(self.end), 0)
        self.builds = {day + DBT: True for day in days}
        self.checks = {day + DBT + 25: Counter() for day in days}
        self.scanned = [(day + DBT, "shop", 20.0) for day in days] + [(day + 600, "shop-analysts", 1.0) for day in days]

    @property
    def end(self) -> int:
        return START + self.hours * HOUR

    def spend(self, workgroup: str, gigabytes: float, at: int) -> None:
        self.scanned.append((at, workgroup, gigabytes))

    def set(self, what: list[int], start: int, minutes: int, each: int) -> None:
        what[start : start + minutes] = [each] * minutes

    def slow(self, start: int, minutes: int, milliseconds: float, share: float = 1.0) -> None:
        for minute in range(start, start + minutes):
            slow = round(self.requests[minute] * share)
            self.latencies[minute] = {milliseconds: slow, 120.0: self.requests[minute] - slow}

    @cached_property
    def metrics(self) -> Metrics:
        """What it published. From now on the world stays as it is."""
        metrics = Metrics()
        for minute in range(self.end):
            self._traffic(metrics, minute)
            if minute in self.waiting:
                metrics.put(
                    minute,
                    "AWS/SQS",
                    "ApproximateNumberOfMessagesVisible",
                    self.waiting[minute],
                    QueueName="shop-exporter-failures",
                )
        for minute, run in self.exporter.items():
            metrics.put(minute, "AWS/Lambda", "Errors", run.is_error, FunctionName="shop-exporter")
            if run.late is not None:
                metrics.put(minute + 1, "shop", "ExportDaysLate", run.late)
                metrics.put(minute + 1, "shop", "ExportDaysFailed", run.failed)
        for minute, is_success in self.builds.items():
            metrics.put(minute, "AWS/CodeBuild", "Builds", 1, ProjectName="shop-transform")
            metrics.put(
                minute + 30, "AWS/CodeBuild", "SucceededBuilds" if is_success else "FailedBuilds", 1, ProjectName="shop-transform"
            )
        for minute, wrong in self.checks.items():
            for check in ("exports", "events", "access", "jwt", "uploads"):
                metrics.put(minute, "shop", "FailedChecks", wrong[check], Check=check)
        for minute, workgroup, gigabytes in self.scanned:
            metrics.put(minute, "AWS/Athena", "ProcessedBytes", gigabytes * 1e9, WorkGroup=workgroup)
        return metrics

    def _traffic(self, metrics: Metrics, minute: int) -> None:
        """As metric filters publish it: nothing where there is nothing, never a 0."""
        for name, counts in (("Requests", self.requests), ("ServerErrors", self.errors), ("AuthFailures", self.auth_failures)):
            if counts[minute]:
                metrics.put(minute, "shop", name, 1, counts[minute])
        for milliseconds, times in (self.latencies[minute] or {120.0: self.requests[minute]}).items():
            if times:
                metrics.put(minute, "shop", f"Latency{self.unit}", milliseconds * UNITS[self.unit], times)
