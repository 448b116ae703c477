"""CloudWatch Logs export tasks as AWS runs them, which moto does not.

`ExportTasks` is the service: tasks that take their time, one at a time in an account and region, with AWS's layout, line
format and refusals, and with failures to order. It runs on any clock, log store and bucket. export_task_api.py puts it
in front of moto over HTTP.

Taken from AWS's documentation: the API references of CreateExportTask, DescribeExportTasks and CancelExportTask, and
"Exporting log data to Amazon S3". What AWS does not say is chosen to be hard on the caller: tasks are listed in no order,
objects appear while a task runs, a task that fails leaves what it wrote, old tasks are forgotten.
"""

import gzip
import threading
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from random import Random
from typing import Any, Protocol
from uuid import UUID

WRITE_TEST = "aws-logs-write-test"
ACTIVE = frozenset({"PENDING", "RUNNING", "PENDING_CANCEL"})
STATES = ACTIVE | {"COMPLETED", "FAILED", "CANCELLED"}
DAY_MS = 86_400_000
PAGE = 50
OBJECT_BYTES = 50_000_000  # of text; AWS does not say when it begins a next object


class ApiError(Exception):
    """An error of the API: `code` as in AWS, such as LimitExceededException, and the HTTP status."""

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status


@dataclass(frozen=True, slots=True)
class LogGroup:
    """What a task needs to know of a log group."""

    name: str
    created_ms: int
    retention_days: int | None = None
    log_class: str = "STANDARD"


@dataclass(frozen=True, slots=True)
class Event:
    """A log event; times in epoch milliseconds."""

    stream: str
    timestamp: int
    message: str
    ingested_ms: int


class LogStore(Protocol):
    """Where log groups and events are."""

    def log_group(self, name: str) -> LogGroup | None: ...

    def events(self, log_group: str, from_ms: int, to_ms: int) -> Iterable[Event]:
        """All events ever ingested with a timestamp within the range, both ends included."""


class Bucket(Protocol):
    """Where objects go."""

    def refusal(self, bucket: str, prefix: str, log_group: str) -> ApiError | None:
        """Why CloudWatch Logs cannot write there, if it cannot."""

    def put(self, bucket: str, key: str, body: bytes) -> None: ...


@dataclass(frozen=True, slots=True)
class Course:
    """How a task goes: how long it is PENDING and RUNNING, and how it ends. `ends_as` None: never."""

    pending_ms: int = 5_000
    running_ms: int = 60_000
    ends_as: str | None = "COMPLETED"
    message: str = ""


@dataclass
class Task:
    """A task and how far it is."""

    id: str
    request: Mapping[str, Any]
    created_ms: int
    course: Course
    state: str = "PENDING"
    completed_ms: int | None = None
    message: str = ""
    unwritten: list[tuple[str, bytes]] = field(default_factory=list)

    def described(self) -> dict[str, Any]:
        """As DescribeExportTasks shows it."""
        shown = ("taskName", "logGroupName", "from", "to", "destination", "destinationPrefix")
        times = {"creationTime": self.created_ms} | ({"completionTime": self.completed_ms} if self.completed_ms else {})
        return {
            "taskId": self.id,
            **{name: self.request[name] for name in shown if name in self.request},
            "status": {"code": self.state, "message": self.message},
            "executionInfo": times,
        }


class ExportTasks:
    """The export tasks of one account and region. Times are epoch milliseconds of `now_ms`.

    `course` is how tasks go unless ordered otherwise; `delay_ms` is how long after its ingestion an event can be exported
    (AWS: up to 12 hours); a finished task is forgotten after `remembered_ms`.
    """

    def __init__(
        self,
        store: LogStore,
        bucket: Bucket,
        now_ms: Callable[[], int],
        *,
        course: Course = Course(),
        delay_ms: int = 0,
        remembered_ms: int = 30 * DAY_MS,
        object_bytes: int = OBJECT_BYTES,
        seed: int = 0,
    ) -> None:
        self.tasks: dict[str, Task] = {}
        self.course = course
        self.orders: deque[Course] = deque()
        self.delay_ms = delay_ms
        self.remembered_ms = remembered_ms
        self._store = store
        self._bucket = bucket
        self._now_ms = now_ms
        self._object_bytes = object_bytes
        self._random = Random(seed)  # noqa: S311 (ids that repeat with the test)
        self._lock = threading.RLock()

    def order(self, *courses: Course) -> None:
        """How the next tasks go, one each."""
        self.orders.extend(courses)

    def forget(self) -> None:
        """Drop all tasks that have ended from the list, as AWS does after some time."""
        with self._lock:
            self.advance()
            self.tasks = {id_: task for id_, task in self.tasks.items() if task.state in ACTIVE}

    def create(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """CreateExportTask. Raises ApiError."""
        with self._lock:
            self.advance()
            now = self._now_ms()
            for name in ("logGroupName", "from", "to", "destination"):
                if request.get(name) is None:
                    raise ApiError("InvalidParameterException", f"{name} is required")
            group = self._store.log_group(request["logGroupName"])
            if group is None:
                raise ApiError("ResourceNotFoundException", "The specified log group does not exist.")
            if group.log_class != "STANDARD":
                raise ApiError(
                    "InvalidParameterException", f"This operation is not supported for the log class {group.log_class}."
                )
            if request["from"] > request["to"] or request["to"] < group.created_ms:
                raise ApiError("InvalidParameterException", "The specified time range is not valid.")
            prefix = request.get("destinationPrefix") or "exportedlogs"
            refusal = self._bucket.refusal(request["destination"], prefix, group.name)
            if refusal:
                raise refusal
            if any(task.state in ACTIVE for task in self.tasks.values()):
                raise ApiError("LimitExceededException", "Resource limit exceeded.")
            self._bucket.put(request["destination"], f"{prefix}/{WRITE_TEST}", b"Permission Check Successful")
            course = self.orders.popleft() if self.orders else self.course
            task = Task(
                str(UUID(int=self._random.getrandbits(128), version=4)), {**request, "destinationPrefix": prefix}, now, course
            )
            self.tasks[task.id] = task
            return {"taskId": task.id}

    def describe(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """DescribeExportTasks: by task id, by state, or all, 50 a page. Raises ApiError."""
        with self._lock:
            self.advance()
            state = request.get("statusCode")
            if state is not None and state not in STATES:
                raise ApiError("InvalidParameterException", f"{state} is no status code")
            found = sorted(
                (
                    task
                    for task in self.tasks.values()
                    if request.get("taskId", task.id) == task.id and state in (None, task.state)
                ),
                key=lambda task: task.id,
            )
            start, limit = int(request.get("nextToken", 0)), min(request.get("limit", PAGE), PAGE)
            answer: dict[str, Any] = {"exportTasks": [task.described() for task in found[start : start + limit]]}
            if start + limit < len(found):
                answer["nextToken"] = str(start + limit)
            return answer

    def cancel(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """CancelExportTask. Raises ApiError."""
        with self._lock:
            self.advance()
            task = self.tasks.get(request.get("taskId", ""))
            if task is None:
                raise ApiError("ResourceNotFoundException", "The specified export task does not exist.")
            if task.state not in ("PENDING", "RUNNING"):
                raise ApiError("InvalidOperationException", "The specified export task has already finished")
            task.state, task.message = "PENDING_CANCEL", "Cancelled by user"
            task.course = replace(
                task.course, pending_ms=0, running_ms=self._now_ms() - task.created_ms + 1_000, ends_as="CANCELLED"
            )
            return {}

    def advance(self) -> None:
        """Bring all tasks to where they are by now. Every call of the API does it first."""
        with self._lock:
            now = self._now_ms()
            for task in self.tasks.values():
                runs_from = task.created_ms + task.course.pending_ms
                ends = runs_from + task.course.running_ms
                if task.state == "PENDING" and now >= runs_from:
                    self._run(task, runs_from)
                if task.state in ("RUNNING", "PENDING_CANCEL") and task.course.ends_as and now >= ends:
                    self._end(task, task.course.ends_as, ends)
            self.tasks = {
                id_: task
                for id_, task in self.tasks.items()
                if task.completed_ms is None or task.completed_ms + self.remembered_ms > now
            }

    def _run(self, task: Task, at_ms: int) -> None:
        """Take what can be seen at that time; half of the objects appear at once."""
        task.state = "RUNNING"
        task.unwritten = list(self._objects(task, at_ms))
        self._write(task, (len(task.unwritten) + 1) // 2)

    def _end(self, task: Task, state: str, at_ms: int) -> None:
        task.state = state
        task.completed_ms = at_ms
        task.message = task.course.message or task.message
        if task.state == "COMPLETED":
            task.message = task.message or "Completed successfully"
            self._write(task, len(task.unwritten))
        task.unwritten = []

    def _write(self, task: Task, count: int) -> None:
        for key, body in task.unwritten[:count]:
            self._bucket.put(task.request["destination"], key, body)
        del task.unwritten[:count]

    def _objects(self, task: Task, at_ms: int) -> Iterator[tuple[str, bytes]]:
        """Keys and bodies of the log objects, <prefix>/<task id>/<stream>/000000.gz and on."""
        request = task.request
        group = self._store.log_group(request["logGroupName"])
        streams: dict[str, list[Event]] = defaultdict(list)
        if group is not None:
            kept_from = at_ms - group.retention_days * DAY_MS if group.retention_days else 0
            for event in self._store.events(group.name, max(request["from"], kept_from), request["to"]):
                is_taken = event.stream.startswith(request.get("logStreamNamePrefix", ""))
                if is_taken and event.ingested_ms + self.delay_ms <= at_ms:
                    streams[event.stream.replace("/", "-")].append(event)
        for stream, events in sorted(streams.items()):
            folder = f"{request['destinationPrefix']}/{task.id}/{stream}"
            for number, text in enumerate(self._texts(events)):
                yield f"{folder}/{number:06}.gz", gzip.compress(text, compresslevel=1, mtime=0)

    def _texts(self, events: list[Event]) -> Iterator[bytes]:
        """The lines of a stream, as many to an object as fit."""
        text = bytearray()
        for event in sorted(events, key=lambda event: event.timestamp):
            line = export_line(event)
            if text and len(text) + len(line) > self._object_bytes:
                yield bytes(text)
                text.clear()
            text += line
        yield bytes(text)


def export_line(event: Event) -> bytes:
    """An event as an export writes it: 2026-10-01T12:34:56.789Z, a space, the message just as it is."""
    moment = datetime.fromtimestamp(event.timestamp // 1000, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{event.timestamp % 1000:03}Z {event.message}\n".encode("utf-8", "surrogatepass")


@dataclass
class Fault:
    """A call that fails: with `error`, after it took effect or instead of it."""

    operation: str
    error: Exception
    took_effect: bool = False


class Faults:
    """Faults to order: each is met once, by the next call of its operation."""

    def __init__(self) -> None:
        self._orders: list[Fault] = []

    def order(self, operation: str, error: Exception, *, took_effect: bool = False) -> None:
        """Let the next call of the operation (such as CreateExportTask or PutObject) fail."""
        self._orders.append(Fault(operation, error, took_effect))

    def meet(self, operation: str, call: Callable[[], Any]) -> Any:
        """Make the call, or fail as ordered."""
        fault = next((fault for fault in self._orders if fault.operation == operation), None)
        if fault is None:
            return call()
        self._orders.remove(fault)
        if fault.took_effect:
            call()
        raise fault.error
