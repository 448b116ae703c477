"""Where things lie in the bucket, and what an export record says.

    <prefix>/logs/<yyyy>/<mm>/<dd>/<task id>/<stream>/000000.gz                      raw lines, by CloudWatch
    <prefix>/exports/<yyyy>/<mm>/<dd>/<task id>.<started>.<log group>.json           one record per COMPLETED task, by us

A record's name carries what planning needs (task, day, when it was started, a digest of the log group), so that a listing tells
what has been exported: a thousand records a call, none of them opened. It depends on nothing but the task, so that whoever
publishes a task writes to the same key, and only the first one does.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable

from .. import __version__
from ..lake import WRITE_TEST
from . import days
from .plan import Task

TASK_NAME = "private-analytics-layer"
DIGEST_LENGTH = 12
RECORD_NAME = re.compile(r"(\d{4}/\d\d/\d\d)/([^/.]+)(?:\.(\d+)\.([0-9a-f]+))?\.json")


def log_prefix(prefix: str, day: int) -> str:
    """The destinationPrefix of a task: no slash at its end, AWS puts one."""
    return _join(prefix, "logs", days.path(day))


def task_folder(prefix: str, task: Task) -> str:
    return f"{log_prefix(prefix, task.day)}/{task.id}/"


def records_folder(prefix: str) -> str:
    return _join(prefix, "exports", "")


def record_key(prefix: str, task: Task) -> str:
    """The one key of this task's record: equal for all who publish it."""
    return f"{records_folder(prefix)}{days.path(task.day)}/{task.id}.{task.started_ms}.{digest(task.log_group)}.json"


def digest(log_group: str) -> str:
    """Stands for a log group in the name of a record: names may hold slashes and be longer than a file's may."""
    return hashlib.sha256(log_group.encode()).hexdigest()[:DIGEST_LENGTH]


def make_record(task: Task, sizes: Iterable[int], retention_days: int | None) -> dict:
    """The record of a completed task with objects of these sizes (bytes, compressed).

    started_at is when the task was created: what was ingested until then is in it. retention_days tells, with started_at,
    whether retention had begun to remove the day.
    """
    sizes = list(sizes)
    return {
        "export_task_id": task.id,
        "log_group": task.log_group,
        "export_date": days.as_date(task.day).isoformat(),
        "from_ms": days.start_ms(task.day),
        "to_ms": days.start_ms(task.day + 1) - 1,
        "started_at": days.moment(task.started_ms),
        "completed_at": days.moment(task.completed_ms or task.started_ms),
        "objects": len(sizes),
        "bytes": sum(sizes),
        "exporter_version": __version__,
        "retention_days": retention_days,
    }


def is_log_object(key: str) -> bool:
    """Whether a key below a task's folder is a log object, and not CloudWatch's test of whether it may write."""
    return key.rpartition("/")[2] != WRITE_TEST


def to_bytes(record: dict) -> bytes:
    return json.dumps(record, separators=(",", ":")).encode() + b"\n"


def _join(*parts: str) -> str:
    return "/".join(part for number, part in enumerate(parts) if part or number)
