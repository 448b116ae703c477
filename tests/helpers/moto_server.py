"""AWS over HTTP, for real boto3 clients: moto, with the export tasks of local_aws in front of it."""

from __future__ import annotations

import json
import threading
import time
from datetime import date
from pathlib import Path
from typing import Any

import boto3
import requests
from botocore.config import Config
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import make_server
from werkzeug.wrappers import Request, Response

from local_aws.export_task_api import ExportTaskApi
from local_aws.export_tasks import ApiError, Course
from private_analytics import days
from private_analytics.exports.clients import ExportClients
from private_analytics.exports.plan import ExportRules
from private_analytics.exports.reconcile import Clock, reconcile
from private_analytics.exports.settings import ExportSettings

REGION, BUCKET = "eu-central-1", "logs-here"
# The run's day and time, for the server and all tests: the next noon when they begin, so midnight never comes between, and
# nothing that moto takes in by its own clock is younger than the run's time.
_NOW_MS = time.time_ns() // 1_000_000
TODAY = days.day_of(_NOW_MS + days.DAY_MS // 2)
_AHEAD_MS = days.start_ms(TODAY) + days.DAY_MS // 2 - _NOW_MS
POLICY = {
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"Service": f"logs.{REGION}.amazonaws.com"},
            "Action": action,
            "Resource": resource,
            "Condition": {
                "StringEquals": {"aws:SourceAccount": ["123456789012"]},
                "ArnLike": {"aws:SourceArn": [f"arn:aws:logs:{REGION}:123456789012:log-group:*"]},
            },
        }
        for action, resource in (("s3:GetBucketAcl", f"arn:aws:s3:::{BUCKET}"), ("s3:PutObject", f"arn:aws:s3:::{BUCKET}/*"))
    ]
}


class Server:
    """A server of its own port and its own export tasks; what moto keeps is the same for all in a process."""

    def __init__(self) -> None:
        self._moto = DomainDispatcherApplication(create_backend_app)
        self._http = make_server("127.0.0.1", 0, self._answer, threaded=True)
        self.endpoint = f"http://127.0.0.1:{self._http.server_port}"
        self.tasks = ExportTaskApi(self.endpoint, REGION, Course(pending_ms=50, running_ms=50))
        self.tasks.skip_ms(_AHEAD_MS)
        threading.Thread(target=self._http.serve_forever, daemon=True).start()

    def _answer(self, environ: dict, start_response):
        service, _, operation = environ.get("HTTP_X_AMZ_TARGET", "").partition(".")
        if service != "Logs_20140328" or operation not in self.tasks.operations:
            return self._moto(environ, start_response)
        try:
            answer, status = self.tasks.call(operation, json.loads(Request(environ).get_data())), 200
        except ApiError as error:
            answer, status = {"__type": error.code, "message": error.message}, error.status
        return Response(json.dumps(answer), status, content_type="application/x-amz-json-1.1")(environ, start_response)

    def client(self, service: str, region: str = REGION, **config: Any) -> Any:
        keys = {"aws_access_key_id": "local", "aws_secret_access_key": "local"}
        return boto3.client(service, endpoint_url=self.endpoint, region_name=region, config=Config(**config), **keys)

    def close(self) -> None:
        """Stop, and let moto forget everything."""
        requests.post(f"{self.endpoint}/moto-api/reset", timeout=10)
        self._http.shutdown()
        self._http.server_close()


def clock() -> Clock:
    """The run's time, on which waiting takes little."""
    return Clock(lambda: time.time_ns() // 1_000_000 + _AHEAD_MS, lambda ms: time.sleep(0.2))


def export_all(server: Server, log_group: str, day: date, folder: Path) -> None:
    """Export one day of a log group, and sync the bucket to a folder."""
    aws = ExportClients(server.client("logs"), server.client("s3"))
    rules = ExportRules(first_day=days.number(day), trailing_days=())
    reconcile(aws, ExportSettings(BUCKET, (log_group,), rules), clock(), until_ms=float("inf"))
    for key, body in objects(aws).items():
        path = folder / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(body)


def objects(aws: ExportClients) -> dict[str, bytes]:
    listing = aws.s3.list_objects_v2(Bucket=BUCKET).get("Contents", ())
    return {item["Key"]: aws.s3.get_object(Bucket=BUCKET, Key=item["Key"])["Body"].read() for item in listing}
