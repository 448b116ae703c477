"""`pal suggest s3://BUCKET` reads the latest day of each log group, and little of it."""

from __future__ import annotations

import gzip
import json
import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import boto3
import pytest
from botocore.awsrequest import AWSResponse
from click.testing import CliRunner
from moto import mock_aws

from private_analytics import bucket
from private_analytics.cli import cli
from private_analytics.errors import UserError
from private_analytics.export_record import ExportRecord
from private_analytics.suggest import s3 as suggest_s3
from private_analytics.suggest.s3 import BucketFolder, parse, sample_bucket

BUCKET = "shop-exports"
API, WORKER = "/ecs/api", "/ecs/worker"
OCTOBER = 20_727  # the day number of 2026-10-01
LINE = '{"status": 200, "duration": %d, "method": "GET", "url": "/a"}'


@dataclass
class Bucket:
    """An export bucket, and what was asked of it."""

    client: Any
    calls: Counter[str] = field(default_factory=Counter)
    read: Counter[str] = field(default_factory=Counter)  # key -> bytes

    def put(self, key: str, body: bytes) -> None:
        self.client.put_object(Bucket=BUCKET, Key=key, Body=body)

    def export(
        self, log_group: str, day: int, streams: dict[str, bytes], *, started: int = 1, prefix: str = "", task: str = ""
    ) -> str:
        """An export of a day of October 2026, as the exporter writes it. Returns the task's id."""
        number, task = OCTOBER + day - 1, task or f"task-{day}-{started}-{bucket.digest(log_group)}"
        for stream, body in streams.items():
            self.put(f"{bucket.task_folder(prefix, number, task)}{stream}/000000.gz", body)
        record = ExportRecord.of_task(
            task, log_group, number, started_ms=started, completed_ms=started + 1, sizes=map(len, streams.values())
        )
        self.put(bucket.record_key(prefix, number, task, started, log_group), record.to_json())
        return task

    def listen(self) -> None:
        """From now on count calls, and the bytes of each object."""

        def called(params: dict[str, Any], model: Any, **_: Any) -> None:
            self.calls[model.name] += 1

        def answered(http_response: AWSResponse, parsed: dict[str, Any], context: dict[str, Any], **_: Any) -> None:
            self.read[context["key"]] += parsed["ContentLength"]

        def remember(params: dict[str, Any], context: dict[str, Any], **_: Any) -> None:
            context["key"] = params["Key"]

        self.client.meta.events.register("before-call.s3", called)
        self.client.meta.events.register("provide-client-params.s3.GetObject", remember)
        self.client.meta.events.register("after-call.s3.GetObject", answered)


@pytest.fixture
def exports(monkeypatch: pytest.MonkeyPatch) -> Iterator[Bucket]:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws():
        client = boto3.client("s3")
        client.create_bucket(Bucket=BUCKET)
        yield Bucket(client)


def lines(count: int, milliseconds: int = 12) -> bytes:
    text = "".join(f"2026-10-09T12:00:00.000Z {LINE % (milliseconds + n % 9)}\n" for n in range(count))
    return gzip.compress(text.encode())


def test_the_latest_day_of_each_log_group_is_read(exports: Bucket) -> None:
    """Of a day that was exported twice, the last export; not the days before, and no day without objects."""
    exports.export(API, 5, {"old": lines(9)})
    exports.export(API, 9, {"first": lines(9)}, started=10)
    exports.export(API, 9, {"again": lines(5)}, started=200)
    exports.export(WORKER, 7, {"a": lines(3), "b": lines(4)})
    exports.export(WORKER, 9, {})
    exports.listen()
    found, notes = sample_bucket(exports.client, BucketFolder(BUCKET))
    assert {group: len(read) for group, read in found.items()} == {API: 5, WORKER: 7}
    assert notes == ["/ecs/api: read 5 lines of 2026-10-09.", "/ecs/worker: read 7 lines of 2026-10-07."]
    # Three records (one of them of the day without objects) and three objects.
    assert exports.calls["GetObject"] == 6
    assert not [key for key in exports.read if "/old/" in key or "/first/" in key]
    # The year, the month, the days; the records of three days; the objects of two tasks.
    assert exports.calls["ListObjectsV2"] == 8


def test_large_objects_are_not_read_whole(exports: Bucket) -> None:
    """3,000 lines of a log group, from 24 objects: 125 lines of each of these are within one range."""
    noise = random.Random(1)
    body = gzip.compress("".join(f'{{"status": 200, "id": "{noise.getrandbits(256):x}"}}\n' for _ in range(8000)).encode())
    assert len(body) > 4 * suggest_s3.RANGE_BYTES
    exports.export(API, 9, {f"s{number:02}": body for number in range(30)})
    exports.listen()
    found, _ = sample_bucket(exports.client, BucketFolder(BUCKET))
    assert len(found[API]) == 3000
    objects = {key: size for key, size in exports.read.items() if key.startswith("logs/")}
    assert len(objects) == 24
    assert set(objects.values()) == {suggest_s3.RANGE_BYTES}
    assert exports.calls["GetObject"] == 1 + 24


def test_a_long_line_takes_more_ranges(exports: Bucket) -> None:
    noise = random.Random(1)
    long = json.dumps({"status": 200, "id": f"{noise.getrandbits(1_200_000):x}"})
    exports.export(API, 9, {"s": gzip.compress(f"{long}\nshort\n".encode()), "plain": b"one\ntwo\n"})
    found, _ = sample_bucket(exports.client, BucketFolder(BUCKET))
    assert sorted(found[API], key=len) == ["short", long]  # `plain` is named .gz and is none


def test_records_of_others_and_what_is_no_record(exports: Bucket) -> None:
    """A record whose name does not tell the log group is read; a prefix may contain dots."""
    task = exports.export(API, 9, {"s": lines(2)}, prefix="team.a/x", task="mine")
    key = bucket.record_key("team.a/x", OCTOBER + 8, task, 1, API)
    body = exports.client.get_object(Bucket=BUCKET, Key=key)["Body"].read()
    exports.client.delete_object(Bucket=BUCKET, Key=key)
    exports.put("team.a/x/exports/2026/10/09/mine.json", body)
    exports.put("team.a/x/exports/2026/10/09/other\x1b.json", b"{}")
    exports.put("team.a/x/exports/2026/10/09/notes.txt", b"?")
    exports.put("team.a/x/exports/2026/latest/mine.json", b"{}")
    found, notes = sample_bucket(exports.client, BucketFolder(BUCKET, "team.a/x"))
    assert {group: len(read) for group, read in found.items()} == {API: 2}
    assert len(notes) == 2
    assert any(note.startswith("team.a/x/exports/2026/10/09/other\ufffd.json is not an export record") for note in notes)


@pytest.mark.parametrize(
    ("there", "says"),
    [
        ({}, r"s3://shop-exports: no export records below exports/, .*Check the bucket and the prefix"),
        ({"logs/2026/10/09/t/s/000000.gz": b"x"}, "no export records below exports/"),
        ({"exports/2026/10/09/t.json": b"no JSON"}, r"the latest 7 days that have export records have no lines\. `pal check exp"),
    ],
)
def test_what_is_missing_is_said(exports: Bucket, there: dict[str, bytes], says: str) -> None:
    for key, body in there.items():
        exports.put(key, body)
    with pytest.raises(UserError, match=says):
        sample_bucket(exports.client, BucketFolder(BUCKET))


def test_old_days_are_not_searched(exports: Bucket) -> None:
    """The log group of the eighth day before is not found: seven days with records are looked at."""
    exports.export(WORKER, 1, {"s": lines(1)})
    for day in range(2, 9):
        exports.export(API, day, {"s": lines(1)})
    assert sample_bucket(exports.client, BucketFolder(BUCKET))[0].keys() == {API}


@pytest.mark.parametrize("operation", ["ListObjectsV2", "GetObject"])
def test_without_permission_it_says_what_to_do(exports: Bucket, operation: str) -> None:
    exports.export(API, 9, {"s": lines(1)})

    def refuse(request: Any, **_: Any) -> AWSResponse:
        class Raw:
            def stream(self, *_: object, **__: object) -> Iterator[bytes]:
                yield b"<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>"

        return AWSResponse(request.url, 403, {}, Raw())

    exports.client.meta.events.register_first(f"before-send.s3.{operation}", refuse)
    with pytest.raises(UserError, match=r"AccessDenied.*Use a role with this permission \(see docs/infrastructure.md\)"):
        sample_bucket(exports.client, BucketFolder(BUCKET))


def test_no_such_bucket(exports: Bucket) -> None:
    with pytest.raises(UserError, match=r"NoSuchBucket.*Check ANALYTICS_BUCKET"):
        sample_bucket(exports.client, BucketFolder("nowhere"))


@pytest.mark.parametrize(
    ("address", "place"),
    [
        ("s3://shop-exports", BucketFolder("shop-exports")),
        ("s3://shop-exports/", BucketFolder("shop-exports")),
        ("s3://shop-exports/a/b/", BucketFolder("shop-exports", "a/b")),
        ("s3://", None),
        ("s3://Shop", None),
        ("s3://shop-exports/a//b", None),
    ],
)
def test_addresses(address: str, place: BucketFolder | None) -> None:
    if place:
        assert parse(address) == place
        return
    with pytest.raises(UserError, match="is not a place in S3"):
        parse(address)


@pytest.mark.parametrize("words", [[f"s3://{BUCKET}"], []])
def test_the_command_suggests_what_a_copy_would_suggest(
    exports: Bucket, words: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without an argument, of the bucket of the environment."""
    if not words:
        monkeypatch.setenv("ANALYTICS_BUCKET", BUCKET)
    exports.export(API, 9, {"s": lines(200, milliseconds=12_000_000)})
    result = CliRunner().invoke(cli, ["suggest", *words])
    assert result.exit_code == 0, result.output
    assert result.output.startswith("Note: /ecs/api: read 200 lines of 2026-10-09.\n")
    said = json.loads(CliRunner().invoke(cli, ["suggest", *words, "--json"]).output)
    assert said["vars"] == {"event_fields": {"latency_ms": [{"path": "duration", "unit": "ns"}]}}
