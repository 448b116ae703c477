"""The exporter as a Lambda function, run by a schedule: handler `private_analytics.exports.handler.handler`.

Settings come from environment variables (docs/exports.md). It works as long as the invocation has time; the next invocation
continues. If a person should look at something, it does all it can and then fails. The function's metric AWS/Lambda Errors shows
that: put an alarm on it.
"""

from __future__ import annotations

import json
import os
from typing import Protocol

import boto3
from botocore.config import Config

from .. import days
from .clients import ExportClients
from .reconcile import Clock, ExportOutcome, reconcile
from .settings import from_environment

SPARE_MS = 30_000  # of the invocation's time, kept for slow calls
PATIENCE = Config(connect_timeout=5, read_timeout=20, retries={"mode": "standard", "total_max_attempts": 3})


class ExportsNeedAttention(Exception):
    """Something is late, failed, lost or set up wrong; the message says what."""


class Invocation(Protocol):
    """What Lambda tells about the invocation."""

    def get_remaining_time_in_millis(self) -> int: ...


def handler(event: object, context: Invocation) -> dict[str, object]:
    """What Lambda calls. Raises ExportsNeedAttention, and UserError if nothing can be exported at all."""
    settings = from_environment(os.environ)
    aws = ExportClients(boto3.client("logs", config=PATIENCE), boto3.client("s3", config=PATIENCE))
    clock = Clock()
    until_ms = clock.now_ms() + context.get_remaining_time_in_millis() - SPARE_MS
    outcome = reconcile(aws, settings, clock, until_ms=until_ms, say=print)
    summary = summarized(outcome)
    print(json.dumps(summary))
    if wrong := outcome.wrong(clock.now_ms()):
        raise ExportsNeedAttention(" ".join(wrong))
    return summary


def summarized(outcome: ExportOutcome) -> dict[str, object]:
    """What a run did, in numbers."""
    left = outcome.plan
    return {
        "started": len(outcome.started),
        "published": len(outcome.published),
        "waiting": len(left.queue) + len(left.retries),
        "running": f"{left.active.log_group} {days.as_date(left.active.day)}" if left.active else None,
        "late": left.late,
        "failed": len(left.failed),
        "lost": len(left.lost),
        "problems": outcome.problems,
        "later": outcome.later,
    }
