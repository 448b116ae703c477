"""Reads days of a log group with FilterLogEvents into a folder for `make demo LOGS=DIR`, for people who may only read logs.

    DIR/logs/<yyyy>/<mm>/<dd>/<id>/<stream>/000000.gz                  the lines, as an export task writes them
    DIR/exports/<yyyy>/<mm>/<dd>/<id>.<started>.<log group>.json       the record: this day is complete
    DIR/.pull/                                                         work in progress

A day is read into .pull, moved to its place when it is complete, and published by its record as the last step. So an interrupted
pull leaves only complete days, and the next one continues with the first missing day. A day that is pulled again (today is,
until it is over) gets a second export. A line has the same identity in both, so it counts once.
"""

from __future__ import annotations

import fcntl
import gzip
import hashlib
import os
import shutil
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from .. import bucket, days
from ..aws import TryLater, ask, error_code
from ..errors import UserError
from ..export_record import ExportRecord
from .plan import Task, TaskState
from .reconcile import Clock
from .refusals import unknown_log_group

if TYPE_CHECKING:
    from mypy_boto3_logs.client import CloudWatchLogsClient
    from mypy_boto3_logs.type_defs import (
        FilteredLogEventTypeDef,
        FilterLogEventsRequestTypeDef,
        FilterLogEventsResponseTypeDef,
    )

WORK = ".pull"
# FilterLogEvents may be called 5 times a second per account and region (more in some regions), by all its users together.
BETWEEN_CALLS_MS = 250
FIRST_WAIT_MS, LONGEST_WAIT_MS = 1_000, 60_000
ATTEMPTS = 10  # of one call: about five minutes
SETTLED_MS = days.HOUR_MS  # a day that was read this long after its end is not read again
LONGEST_NAME = 200  # bytes of a folder's name; file systems allow 255, log stream names 512 characters


@dataclass(frozen=True)
class Pulled:
    """What a pull read: days, events, and bytes of their lines."""

    days: int = 0
    events: int = 0
    bytes: int = 0

    def plus(self, other: Pulled) -> Pulled:
        return Pulled(self.days + other.days, self.events + other.events, self.bytes + other.bytes)


def pull(
    logs: CloudWatchLogsClient,
    log_group: str,
    first_day: date,
    last_day: date,
    out: Path,
    clock: Clock | None = None,
    *,
    say: Callable[[str], None] = lambda text: None,
    show: Callable[..., None] = lambda text, done, total: None,
    again: bool = False,
) -> Pulled:
    """Read the days into `out`, without those that are already there unless `again`.

    `say` gets a line for each day, `show` the progress: a text, days done, and days in total. Raises UserError; what was pulled
    until then stays, and the same call continues with the rest.
    """
    if not bucket.LOG_GROUP_NAME.fullmatch(log_group):
        raise UserError(f"{log_group!r} is not a log group name. Give the log group's name, not its ARN.")
    clock, total = clock or Clock(), Pulled()
    wanted = range(days.number(first_day), days.number(last_day) + 1)
    try:
        with _own_folder(out) as work:
            for done, day in enumerate(wanted):
                if not again and _is_there(out, log_group, day):
                    say(f"{days.as_date(day)}: already there")
                    continue
                show_day = partial(show, done=done, total=len(wanted))
                pulled = _Day(logs, log_group, day, out, work, clock, show_day).pull()
                say(f"{days.as_date(day)}: {pulled.events:,} events, {pulled.bytes / 1e6:,.1f} MB")
                total = total.plus(pulled)
    except OSError as error:
        raise UserError(f"Could not write to {out}: {error}. Fix this and run the same command again: it continues.") from None
    return total


@dataclass
class _Day:
    """The pull of one day."""

    logs: CloudWatchLogsClient
    log_group: str
    day: int
    out: Path
    work: Path
    clock: Clock
    show: Callable[[str], None]

    def pull(self) -> Pulled:
        started_ms = self.clock.now_ms()
        task_id = f"pull-{bucket.digest(self.log_group)}-{days.as_date(self.day):%Y%m%d}-{started_ms}"
        task = Task(task_id, self.log_group, self.day, TaskState.COMPLETED, started_ms)
        from_ms = days.start_ms(self.day)
        to_ms = min(days.start_ms(self.day + 1) - 1, started_ms)  # otherwise today would not end while events arrive
        folder = self.work / task_id
        pulled, at = Pulled(days=1), "00:00"
        for events in self._pages(from_ms, to_ms):
            pulled = pulled.plus(Pulled(events=len(events), bytes=_append(folder, events)))
            if events:
                at = days.moment(events[-1]["timestamp"])[11:16]
            self.show(f"{days.as_date(self.day)} {at} of 24:00, {pulled.events:,} events, {pulled.bytes / 1e6:,.1f} MB")
        task = replace(task, completed_ms=self.clock.now_ms())
        sizes = [path.stat().st_size for path in folder.glob("*/*")]
        _stage(self.work, task, replace(task.record(sizes), to_ms=to_ms))
        _publish_staged(self.out, self.work)
        return pulled

    def _pages(self, from_ms: int, to_ms: int) -> Iterator[list[FilteredLogEventTypeDef]]:
        """All pages; some are empty. boto3's paginator fails here: AWS sometimes returns the same token twice."""
        asked: FilterLogEventsRequestTypeDef = {"logGroupName": self.log_group, "startTime": from_ms, "endTime": to_ms}
        while True:
            page = self._ask(asked)
            yield page["events"]
            if not page.get("nextToken"):
                return
            asked["nextToken"] = page["nextToken"]

    def _ask(self, asked: FilterLogEventsRequestTypeDef) -> FilterLogEventsResponseTypeDef:
        """A page; retries while AWS is busy. Raises UserError after `ATTEMPTS`."""
        wait_ms = FIRST_WAIT_MS
        for attempt in range(ATTEMPTS):
            self.clock.sleep_ms(BETWEEN_CALLS_MS)
            try:
                return ask(f"read {self.log_group}", self.logs.filter_log_events, **asked)
            except TryLater as error:
                if attempt == ATTEMPTS - 1:
                    raise UserError(f"{error}. Run the same command again later: it continues with this day.") from None
                self.show(f"{days.as_date(self.day)} AWS is busy or cannot be reached, trying again in {days.duration(wait_ms)}")
                self.clock.sleep_ms(wait_ms)
                wait_ms = min(wait_ms * 2, LONGEST_WAIT_MS)
            except UserError as error:
                if error_code(error.__cause__) == "ResourceNotFoundException":
                    raise UserError(unknown_log_group(self.log_group, self.logs.meta.region_name, "--log-group")) from None
                raise
        raise AssertionError("unreachable")


def _append(folder: Path, events: list[FilteredLogEventTypeDef]) -> int:
    """Append a page's events to the files of their streams. Returns the size of their lines in bytes.

    A file is a sequence of gzip members, one a page, so no file stays open, however many streams there are.
    """
    texts: dict[str, bytearray] = defaultdict(bytearray)
    for event in events:
        line = f"{days.moment(event['timestamp'])} {event['message']}\n"
        texts[folder_name(event["logStreamName"])] += line.encode("utf-8", "surrogatepass")
    for name, text in texts.items():
        path = folder / name / "000000.gz"
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("ab") as file:
            file.write(gzip.compress(text, compresslevel=6))
    return sum(map(len, texts.values()))


def folder_name(stream: str) -> str:
    """The folder of a log stream: its name with - for /, as in exports. A name that no folder can have gets a digest."""
    name = bucket.stream_folder(stream)
    if name not in {".", ".."} and name.isprintable() and len(os.fsencode(name)) <= LONGEST_NAME:
        return name
    plain = "".join(character for character in name if character.isprintable())[:40]
    return f"{plain}~{hashlib.sha256(stream.encode('utf-8', 'surrogatepass')).hexdigest()[:12]}"


@contextmanager
def _own_folder(out: Path) -> Iterator[Path]:
    """The folder for work in progress, for one pull at a time.

    What an earlier pull left there is published if complete, otherwise removed. Raises UserError if `out` holds other files.
    """
    work = out / WORK
    if out.exists() and (not out.is_dir() or (any(out.iterdir()) and not work.is_dir())):
        raise UserError(f"{out} holds other files. Give --out a new or empty folder, or the folder of an earlier pull.")
    work.mkdir(parents=True, exist_ok=True)
    for name in (bucket.LOGS, bucket.RECORDS):
        (out / name).mkdir(exist_ok=True)
    with (work / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UserError(f"Another pull is writing to {out}. Wait for it, or give another --out.") from None
        _publish_staged(out, work)
        for path in work.iterdir():
            if path.is_dir():
                shutil.rmtree(path)
        yield work


def _stage(work: Path, task: Task, record: ExportRecord) -> None:
    """Put the record next to the lines: from now on the day is complete."""
    unfinished = work / "record"
    unfinished.write_bytes(record.to_json())
    unfinished.replace(work / bucket.record_name(task.id, task.started_ms, task.log_group))


def _publish_staged(out: Path, work: Path) -> None:
    """Move complete days to their place: the lines, then the record. If interrupted at any point, it can be repeated."""
    for staged in work.glob("*.json"):
        record = ExportRecord.from_json(staged.read_bytes())
        lines = work / record.export_task_id
        if lines.is_dir():
            _move(lines, out / bucket.LOGS / record.day_path / lines.name)
        _move(staged, out / bucket.RECORDS / record.day_path / staged.name)


def _move(path: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    path.rename(target)


def _is_there(out: Path, log_group: str, day: int) -> bool:
    """Whether the day was pulled after its end, when its last events had had time to arrive."""
    folder = out / bucket.RECORDS / days.path(day)
    names = [bucket.RECORD_NAME.fullmatch(f"{days.path(day)}/{path.name}") for path in folder.glob("*.json")]
    settled_ms = days.start_ms(day + 1) + SETTLED_MS
    return any(name and name["digest"] == bucket.digest(log_group) and int(name["started_ms"]) >= settled_ms for name in names)
