"""Whatever happens, every event is exported, once: days pass, events come late, runs crash at any call, tasks fail, AWS forgets.

EXPORT_MODEL_EXAMPLES sets the number of examples.
"""

from __future__ import annotations

import json
import os
import threading
from collections import Counter, defaultdict
from math import inf

from botocore.exceptions import ReadTimeoutError
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from helpers.export_account import BUCKET, Account, Exporter, client_error, lines_of
from local_aws.export_tasks import Course, Event
from private_analytics import bucket, days
from private_analytics.exports import plan

KEEPS_ALL, KEEPS_A_WEEK, KEEPS_THREE_DAYS = "/api", "/auth/week", "/short"
GROUPS = {KEEPS_ALL: None, KEEPS_A_WEEK: 7, KEEPS_THREE_DAYS: 3}
STREAMS = ("api/i-1", "worker")
OPERATIONS = ("CreateExportTask", "DescribeExportTasks", "DescribeLogGroups", "ListObjectsV2", "PutObject")
DELAY_MS = 2 * days.HOUR_MS  # from ingestion to being seen by an export; within the time that a day is left to settle


EVENTS = st.tuples(
    st.sampled_from([0, 1, 1, 2, 3, 4, 5, 13]),  # days ago
    st.sampled_from([0, 1, 43_200_000, days.DAY_MS - 1]),  # millisecond of the day
    st.sampled_from(STREAMS),
    st.sampled_from(["{}", "a\tb", '{"n": 1}']),
)


class Crash(BaseException):
    """The process is gone."""


FAULTS = {
    "crash": lambda: Crash(),
    "timeout": lambda: ReadTimeoutError(endpoint_url="https://aws"),
    "throttled": lambda: client_error("ThrottlingException", "Rate exceeded"),
    "broken": lambda: client_error("InternalError", "We encountered an internal error", 500),
}


class Exports(RuleBasedStateMachine):
    @initialize(
        trailing_days=st.sampled_from([(3,), (1, 2, 3), (1,)]),
        prefix=st.sampled_from(["", "team/one"]),
        page=st.sampled_from([2, 1000]),
    )
    def an_account(self, trailing_days: tuple[int, ...], prefix: str, page: int) -> None:
        self.account = Account(page=page, delay_ms=DELAY_MS, object_bytes=120)
        for name, retention_days in GROUPS.items():
            self.account.add_group(name, retention_days=retention_days)
        self.exporter = Exporter(self.account, prefix=prefix, trailing_days=trailing_days, retry_after_ms=days.HOUR_MS // 4)

    # The world goes on.

    @rule(hours=st.sampled_from([0.1, 0.25, 1, 6, 12, 24, 80]))
    def time_passes(self, hours: float) -> None:
        self.account.pass_time(hours=hours)

    @rule(log_group=st.sampled_from(list(GROUPS)), events=st.lists(EVENTS, min_size=1, max_size=6))
    def events_arrive(self, log_group: str, events: list[tuple[int, int, str, str]]) -> None:
        now = self.account.now_ms
        oldest = now - min(14, GROUPS[log_group] or 14) * days.DAY_MS
        for days_ago, of_day, stream, text in events:
            timestamp = days.start_ms(days.day_of(now) - days_ago) + of_day
            if oldest <= timestamp <= now + 2 * days.HOUR_MS:  # AWS takes no others
                self.account.log(log_group, timestamp, text, stream)

    @rule(
        course=st.sampled_from(
            [
                Course(ends_as="FAILED", message="internal error"),
                Course(ends_as="CANCELLED"),
                Course(running_ms=20 * days.HOUR_MS),
                Course(running_ms=days.DAY_MS, ends_as="FAILED", message="timed out"),
                Course(0, 0),
            ]
        )
    )
    def the_next_task_will(self, course: Course) -> None:
        self.account.export_tasks.order(course)

    @rule()
    def another_exports_something(self) -> None:
        day = days.day_of(self.account.now_ms) - 1
        request = {
            "logGroupName": KEEPS_ALL,
            "from": days.start_ms(day),
            "to": days.start_ms(day + 1) - 1,
            "destination": BUCKET,
            "destinationPrefix": bucket.log_prefix(self.exporter.settings.prefix, day),
            "taskName": "by hand",
            "logStreamNamePrefix": "worker",
        }
        if not any(task.state in plan.ACTIVE for task in self.account.export_tasks.tasks.values()):
            self.account.export_tasks.create(request)

    @rule()
    def old_tasks_are_forgotten(self) -> None:
        self.account.export_tasks.forget()

    # Exporters run.

    @rule()
    def a_run(self) -> None:
        self.exporter.run()

    @rule(runs=st.integers(2, 6))
    def a_day_goes_by(self, runs: int) -> None:
        for _ in range(runs):
            self.account.pass_time(hours=24 / runs)
            self.exporter.run_for(hours=0.2)

    @rule(minutes=st.sampled_from([14, 600]))
    def a_run_that_waits(self, minutes: int) -> None:
        began = self.account.now_ms
        self.exporter.run_for(hours=minutes / 60)
        assert self.account.now_ms <= began + minutes * 60_000

    @rule(
        faults=st.dictionaries(
            st.tuples(st.sampled_from(OPERATIONS), st.integers(0, 3), st.sampled_from(["before", "after"])),
            st.sampled_from(list(FAULTS)),
            min_size=1,
            max_size=3,
        ),
        waits=st.booleans(),
    )
    def a_run_with_faults(self, faults: dict[tuple[str, int, str], str], waits: bool) -> None:
        met: Counter[tuple[str, str]] = Counter()

        def boundary(operation: str, side: str) -> None:
            fault = faults.get((operation, met[operation, side], side))
            met[operation, side] += 1
            if fault:
                raise FAULTS[fault]()

        self._run_within(boundary, waits)

    @rule(crash_at=st.integers(0, 30), waits=st.booleans())
    def a_run_that_crashes(self, crash_at: int, waits: bool) -> None:
        passed = 0

        def boundary(operation: str, side: str) -> None:
            nonlocal passed
            passed += 1
            if passed > crash_at:
                raise Crash

        self._run_within(boundary, waits)

    def _run_within(self, boundary, waits: bool) -> None:
        self.account.calls.boundary = boundary
        try:
            self.exporter.run_for(hours=0.2) if waits else self.exporter.run()
        except Crash:
            pass
        finally:
            self.account.calls.boundary = lambda operation, side: None

    @rule(turns=st.lists(st.integers(0, 1), max_size=40), minutes=st.lists(st.sampled_from([0, 0, 1, 3]), max_size=10))
    def two_runs_at_once(self, turns: list[int], minutes: list[int]) -> None:
        two_at_once(self.account, [self.exporter.run, self.exporter.run], turns, minutes)

    # What always holds.

    @invariant()
    def records_are_true(self) -> None:
        if not hasattr(self, "account"):
            return
        seen = set()
        for key, (body, content_type) in self.account.buckets[BUCKET].items():
            if not key.startswith(bucket.records_folder(self.exporter.settings.prefix)):
                continue
            content = json.loads(body)
            task = self.account.history[content["export_task_id"]]
            assert task.id not in seen, "a task has two records"
            seen.add(task.id)
            assert task.state == "COMPLETED"
            assert content_type == "application/json"
            assert content["log_group"] == task.request["logGroupName"]
            assert (content["from_ms"], content["to_ms"]) == (task.request["from"], task.request["to"])
            assert content["export_date"] == days.as_date(days.day_of(content["from_ms"])).isoformat()
            assert content["to_ms"] - content["from_ms"] == days.DAY_MS - 1
            assert content["started_at"] == days.moment(task.created_ms)
            assert content["completed_at"] == days.moment(task.completed_ms)
            objects = self._objects_of(task)
            assert (content["objects"], content["bytes"]) == (len(objects), sum(map(len, objects.values())))

    def _objects_of(self, task) -> dict[str, bytes]:
        return self.account.objects(f"{task.request['destinationPrefix']}/{task.id}/")

    # In the end.

    def teardown(self) -> None:
        if not hasattr(self, "account"):
            return
        account, exporter = self.account, self.exporter
        account.export_tasks.orders.clear()
        last_day = days.day_of(account.now_ms)
        account.pass_time(hours=24)  # what hangs has ended
        all_is_well_from = account.now_ms
        end = days.start_ms(last_day + 2) + (max(exporter.settings.rules.trailing_days) * 24 + 13) * days.HOUR_MS
        while account.now_ms < end:
            before = account.now_ms
            outcome = exporter.run_for(hours=6, retry_failed=True)
            account.pass_time(ms=max(0, 6 * days.HOUR_MS - (account.now_ms - before)))
        outcome = exporter.run(retry_failed=True)
        assert not [due for due in outcome.plan.queue if due.day <= last_day], "a day is still wanted"
        assert not outcome.plan.publish and not outcome.plan.failed and not outcome.problems
        self.records_are_true()
        self._all_is_there(last_day, all_is_well_from)

    def _all_is_there(self, last_day: int, all_is_well_from: int) -> None:
        """Every event that had come in by the last time its day was wanted, and was not removed before its day was exported."""
        rules = self.exporter.settings.rules
        published = [self.account.history[json.loads(body)["export_task_id"]] for body in self.exporter.records().values()]
        lake: dict[tuple, Counter[str]] = defaultdict(Counter)
        ran: dict[tuple[str, int], list[int]] = defaultdict(list)
        for task in published:
            group, day = task.request["logGroupName"], days.day_of(task.request["from"])
            ran[group, day].append(task.created_ms + task.course.pending_ms)
            by_stream: dict[str, dict[str, bytes]] = defaultdict(dict)
            for key, body in self._objects_of(task).items():
                by_stream[key.split("/")[-2]][key] = body
            for stream, objects in by_stream.items():
                # The k-th identical line of an export is the k-th of another: one event.
                lake[group, stream] |= Counter(lines_of(objects))
        statuses = {
            (state.log_group, state.day): state.status for state in plan.assess(self.exporter.world(), rules, self.account.now_ms)
        }
        must: dict[tuple, Counter[str]] = defaultdict(Counter)
        may: dict[tuple, Counter[str]] = defaultdict(Counter)
        for name, events in self.account.logged.items():
            kept_ms = GROUPS[name] * days.DAY_MS if GROUPS[name] else inf
            for event in events:
                day = days.day_of(event.timestamp)
                where, line = (name, event.stream.replace("/", "-")), line_of(event)
                may[where][line] += 1
                if day < rules.first_day or day > last_day:
                    continue
                last_wanted = min(
                    days.start_ms(day + 1) + (12 + 24 * max(rules.trailing_days)) * days.HOUR_MS,
                    days.start_ms(day) + kept_ms - 12 * days.HOUR_MS,
                )
                seen_from, removed = event.ingested_ms + DELAY_MS, event.timestamp + kept_ms
                if seen_from > last_wanted:
                    continue
                if removed < all_is_well_from + 12 * days.HOUR_MS and not any(
                    seen_from <= at <= removed for at in ran[name, day]
                ):
                    assert ran[name, day] or statuses[name, day] is plan.DayStatus.LOST
                    continue
                must[where][line] += 1
        for where, lines in must.items():
            assert not lines - lake[where], f"{where}: lines are missing"
        for where, lines in lake.items():
            assert not lines - may[where], f"{where}: lines that nobody logged"


def line_of(event: Event) -> str:
    return f"{days.moment(event.timestamp)} {event.message}"


def two_at_once(account: Account, runs: list, turns: list[int], minutes: list[int]) -> None:
    """Both runs in one thread each, of which one at a time goes on from one call's edge to the next, as `turns` says."""
    baton = [threading.Semaphore(0), threading.Semaphore(0)]
    back = threading.Semaphore(0)
    alive = [True, True]
    current = threading.local()
    errors: list[BaseException] = []

    def boundary(operation: str, side: str) -> None:
        back.release()
        baton[current.number].acquire()

    def body(number: int) -> None:
        current.number = number
        baton[number].acquire()
        try:
            runs[number]()
        except BaseException as error:
            errors.append(error)
        finally:
            alive[number] = False
            back.release()

    account.calls.boundary = boundary
    threads = [threading.Thread(target=body, args=(number,), daemon=True) for number in (0, 1)]
    for thread in threads:
        thread.start()
    turns, minutes = list(turns), list(minutes)
    while any(alive):
        number = turns.pop(0) if turns else 0
        if not alive[number]:
            number = 1 - number
        if minutes:
            account.pass_time(ms=minutes.pop(0) * 60_000)
        baton[number].release()
        back.acquire()
    for thread in threads:
        thread.join()
    account.calls.boundary = lambda operation, side: None
    if errors:
        raise errors[0]


ExportsOnceAndForAll = Exports.TestCase
ExportsOnceAndForAll.settings = settings(
    max_examples=int(os.environ.get("EXPORT_MODEL_EXAMPLES", "50")),
    stateful_step_count=int(os.environ.get("EXPORT_MODEL_STEPS", "25")),
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
    derandomize="EXPORT_MODEL_EXAMPLES" not in os.environ,
)
