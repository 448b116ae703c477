"""Seeded sample logs: the storefront's lines, laid out as CloudWatch export tasks leave them in a bucket.

They contain what a report should find, and exports that are empty, repeated or interrupted. `place_stories` decides the day of
each story. Lines depend only on the arguments. So do the compressed bytes, for the same build of zlib.
"""

from __future__ import annotations

import gzip
import uuid
from collections.abc import Iterator
from dataclasses import astuple, dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from random import Random

from .. import days as utc_days
from ..bucket import LOGS, RECORDS, WRITE_TEST, stream_folder
from ..export_record import ExportRecord
from .storefront import HOUR_WEIGHTS, WEEKDAY_WEIGHTS, Stories, Traffic, place_stories

# What make demo writes.
DEFAULT_DAYS = 28
DEFAULT_EVENTS_PER_DAY = 7_200
DEFAULT_SEED = 1
DEFAULT_END_DATE = date(2026, 10, 31)

API_GROUP = "/storefront/api"
AUTH_GROUP = "/storefront/auth"
API_SERVERS = 3

OBJECT_LINES = 200_000
OBJECT_BYTES = 50_000_000  # before compression
BATCH_LINES = 10_000  # compressed together; an object's limits are checked this often
COMPRESSION = 3  # level 4 takes two thirds more time for 6% fewer bytes

LATE_FROM_HOUR = 22  # from this hour on, the repeated day's first server has no network and delivers its lines later


@dataclass(frozen=True, slots=True)
class SampleSummary:
    """What the published exports contain: tasks with a record, their objects, lines, and compressed bytes."""

    exports: int
    objects: int
    lines: int
    bytes: int


@dataclass(frozen=True, slots=True)
class _Task:
    """One export task of one log group and day.

    `first_server_until` is the hour up to which it exports the lines of the group's first stream.
    """

    task_id: str
    log_group: str
    day: date
    started_at: datetime
    completed_at: datetime
    first_server_until: int
    is_broken_off: bool

    def holds(self, log_group: str, stream: int, hour: int) -> bool:
        """Whether the task exports what the group's stream with that number logged in that hour."""
        return log_group == self.log_group and (stream > 0 or hour < self.first_server_until)


def _plan_tasks(seed: int, day: date, number: int, stories: Stories) -> list[_Task]:
    """The tasks that export the day: from the next noon on, one at a time, like CloudWatch."""
    rng = Random(f"exports {seed} {day}")

    def task(log_group: str, minutes: int, *, until: int = 24, is_broken_off: bool = False) -> _Task:
        noon = datetime.combine(day + timedelta(days=1), time(12), UTC)
        started_at = noon + timedelta(minutes=minutes, milliseconds=rng.randrange(10_000))
        completed_at = started_at + timedelta(milliseconds=rng.randrange(60_000, 500_000))
        task_id = str(uuid.UUID(int=rng.getrandbits(128), version=4))
        return _Task(task_id, log_group, day, started_at, completed_at, until, is_broken_off)

    is_repeated = number == stories.repeated_export
    tasks = [task(API_GROUP, 20, until=LATE_FROM_HOUR if is_repeated else 24), task(AUTH_GROUP, 30)]
    if is_repeated:
        tasks.append(task(API_GROUP, 24 * 60 + 40))
    if number == stories.broken_off_export:
        tasks.append(task(API_GROUP, 0, until=12, is_broken_off=True))
    return tasks


class _Object:
    """A gzip object being written, with its size before compression."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path = path
        self.lines = 0
        self.bytes = 0
        self._file = path.open("wb")
        # No file name and no time in the header: they would differ from run to run.
        self._gzip = gzip.GzipFile("", "wb", COMPRESSION, self._file, mtime=0)

    def has_room_for(self, text: bytes) -> bool:
        return self.lines + text.count(b"\n") <= OBJECT_LINES and self.bytes + len(text) <= OBJECT_BYTES

    def write(self, text: bytes) -> None:
        self._gzip.write(text)
        self.lines += text.count(b"\n")
        self.bytes += len(text)

    def close(self) -> None:
        self._gzip.close()
        self._file.close()


class _Export:
    """Writes what one task leaves: a write test, the objects of each stream, and finally its record."""

    def __init__(self, out: Path, task: _Task) -> None:
        self.task = task
        self._streams: dict[str, list[_Object]] = {}
        self._record_path = out / RECORDS / f"{task.day:%Y/%m/%d}" / f"{task.task_id}.json"
        self._folder = out / LOGS / f"{task.day:%Y/%m/%d}" / task.task_id
        self._folder.parent.mkdir(parents=True, exist_ok=True)
        (self._folder.parent / WRITE_TEST).write_bytes(b"Permission Check Successful")

    def write(self, stream: str, entries: list[str]) -> None:
        """Append entries, each of one or more lines, to the stream."""
        for start in range(0, len(entries), BATCH_LINES):
            text = "\n".join([*entries[start : start + BATCH_LINES], ""]).encode()
            self._object_for(stream, text).write(text)

    def finish(self) -> SampleSummary:
        """Close the objects and publish them with a record, unless the task was interrupted."""
        objects = [written for stream in self._streams.values() for written in stream]
        for written in objects:
            written.close()  # closing twice does no harm
        if self.task.is_broken_off:
            return SampleSummary(0, 0, 0, 0)
        lines = sum(written.lines for written in objects)
        sizes = [written.path.stat().st_size for written in objects]
        self._write_record(sizes)
        return SampleSummary(1, len(objects), lines, sum(sizes))

    def _object_for(self, stream: str, text: bytes) -> _Object:
        """The stream's current object, or a new one if the text would exceed the current one's limits."""
        objects = self._streams.setdefault(stream, [])
        if not objects or not objects[-1].has_room_for(text):
            if objects:
                objects[-1].close()
            objects.append(_Object(self._folder / stream_folder(stream) / f"{len(objects):06}.gz"))
        return objects[-1]

    def _write_record(self, sizes: list[int]) -> None:
        task = self.task
        record = ExportRecord.of_task(
            task.task_id,
            task.log_group,
            utc_days.number(task.day),
            started_ms=_ms(task.started_at),
            completed_ms=_ms(task.completed_at),
            sizes=sizes,
        )
        self._record_path.parent.mkdir(parents=True, exist_ok=True)
        self._record_path.write_bytes(record.to_json())


def _ms(moment: datetime) -> int:
    return (moment - datetime.fromtimestamp(0, UTC)) // timedelta(milliseconds=1)


def _stream_names(seed: int, day: date) -> dict[str, list[str]]:
    """Each log group's streams on that day. The API's last stream is its Lambda worker's, with a new name every day."""
    servers = Random(f"servers {seed}")
    api = [f"api/prod/i-{servers.getrandbits(68):017x}" for _ in range(API_SERVERS)]
    auth = [f"auth/prod/i-{servers.getrandbits(68):017x}"]
    worker = f"{day:%Y/%m/%d}/[$LATEST]{Random(f'worker {seed} {day}').getrandbits(128):032x}"
    return {API_GROUP: [*api, worker], AUTH_GROUP: auth}


def _day_events(first: date, days: int, events_per_day: int, empty_day: int | None) -> list[float]:
    """How many events each day gets: more at weekends, none on the empty day, and the right number in total."""
    weights = [WEEKDAY_WEIGHTS[(first + timedelta(number)).weekday()] for number in range(days)]
    if empty_day is not None:
        weights[empty_day] = 0
    return [days * events_per_day * weight / sum(weights) for weight in weights]


def _deal(traffic: Traffic, hour: int) -> Iterator[tuple[str, int, list[str]]]:
    """Take the lines up to the hour's end, as log group, number of the stream in it, and entries."""
    api = traffic.take(traffic.api, hour + 1)
    for server in range(API_SERVERS):
        yield API_GROUP, server, api[server::API_SERVERS]  # in turn, as a load balancer does
    yield API_GROUP, API_SERVERS, traffic.take(traffic.worker, hour + 1)
    yield AUTH_GROUP, 0, traffic.take(traffic.auth, hour + 1)


def _write_day(traffic: Traffic, events: float, streams: dict[str, list[str]], exports: list[_Export]) -> None:
    """Generate the day hour by hour, and write each hour to the exports that contain it."""
    if not events:
        traffic.clear()  # sessions left open the evening before
        return
    for hour, weight in enumerate(HOUR_WEIGHTS):
        traffic.fill_hour(hour, events * weight / sum(HOUR_WEIGHTS))
        for log_group, stream, entries in _deal(traffic, hour):
            for export in exports:
                if export.task.holds(log_group, stream, hour):
                    export.write(streams[log_group][stream], entries)


def _check(out: Path, days: int, events_per_day: int) -> None:
    if days < 1:
        raise ValueError(f"days is {days}: ask for at least 1")
    if events_per_day < 1:
        raise ValueError(f"events_per_day is {events_per_day}: ask for at least 1")
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise ValueError(f"{out} is not an empty folder: give a new folder, or empty it")


def write_sample_logs(out: Path, *, days: int, events_per_day: int, seed: int, end_date: date) -> SampleSummary:
    """Write sample exports of `days` UTC days, of which `end_date` is the last, to the folder `out`.

    Days have `events_per_day` events on average; the repeated export contains its day's events again.
    At most an hour of them is in memory. The same arguments write the same files.

    Raises ValueError if a number is below 1, or `out` exists and is not an empty folder.
    """
    _check(out, days, events_per_day)
    stories = place_stories(days)
    traffic = Traffic(seed, events_per_day)
    first = end_date - timedelta(days - 1)
    published = []
    for number, events in enumerate(_day_events(first, days, events_per_day, stories.empty_day)):
        day = first + timedelta(number)
        exports = [_Export(out, task) for task in _plan_tasks(seed, day, number, stories)]
        traffic.start_day(day, number, stories)
        _write_day(traffic, events, _stream_names(seed, day), exports)
        published += [astuple(export.finish()) for export in exports]
    return SampleSummary(*map(sum, zip(*published, strict=True)))
