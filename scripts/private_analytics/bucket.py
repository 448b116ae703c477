"""The layout of the bucket, and the names that AWS accepts.

    <prefix>/logs/<yyyy>/<mm>/<dd>/<task id>/<stream>/000000.gz                      raw lines, by CloudWatch
    <prefix>/exports/<yyyy>/<mm>/<dd>/<task id>.<started>.<log group>.json           one record per COMPLETED task, by us

A record's name contains what planning needs: task, day, start time and a digest of the log group. So a listing shows what has
been exported, a thousand records a call, without opening them. The name depends on the task only: everyone who publishes a task
writes to the same key, and only the first one succeeds.
"""

from __future__ import annotations

import hashlib
import re

from . import days

LOGS, RECORDS = "logs", "exports"
WRITE_TEST = "aws-logs-write-test"  # the object that CloudWatch writes to test whether it may write

BUCKET_NAME = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
PREFIX = re.compile(r"([A-Za-z0-9._-]+(/[A-Za-z0-9._-]+)*)?")
LOG_GROUP_NAME = re.compile(r"[\w./#-]{1,512}", re.ASCII)
RECORD_NAME = re.compile(r"(?P<day>\d{4}/\d\d/\d\d)/(?P<task_id>[^/.]+)(?:\.(?P<started_ms>\d+)\.(?P<digest>[0-9a-f]+))?\.json")
DIGEST_LENGTH = 12


def log_prefix(prefix: str, day: int) -> str:
    """The destinationPrefix of a task, without a trailing slash: AWS adds one."""
    return _join(prefix, LOGS, days.path(day))


def task_folder(prefix: str, day: int, task_id: str) -> str:
    return f"{log_prefix(prefix, day)}/{task_id}/"


def records_folder(prefix: str) -> str:
    return _join(prefix, RECORDS, "")


def record_name(task_id: str, started_ms: int, log_group: str) -> str:
    """The name of a task's record, the same for everyone who publishes it."""
    return f"{task_id}.{started_ms}.{digest(log_group)}.json"


def record_key(prefix: str, day: int, task_id: str, started_ms: int, log_group: str) -> str:
    return f"{records_folder(prefix)}{days.path(day)}/{record_name(task_id, started_ms, log_group)}"


def digest(log_group: str) -> str:
    """A log group in a record's name: log group names may contain slashes and be too long for a file name."""
    return hashlib.sha256(log_group.encode()).hexdigest()[:DIGEST_LENGTH]


def is_log_object(key: str) -> bool:
    """Whether a key below a task's folder is a log object and not CloudWatch's test object."""
    return key.rpartition("/")[2] != WRITE_TEST


def stream_folder(stream: str) -> str:
    """The folder of a log stream: CloudWatch replaces / by -."""
    return stream.replace("/", "-")


def _join(*parts: str) -> str:
    return "/".join(part for number, part in enumerate(parts) if part or number)
