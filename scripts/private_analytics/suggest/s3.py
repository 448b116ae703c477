"""A bounded sample of an export bucket: of each log group, the first bytes of a few objects of its latest day."""

from __future__ import annotations

import gzip
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from functools import partial
from itertools import islice
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, BinaryIO, cast

from .. import bucket, days
from ..aws import ask, aws_errors, pages
from ..console import printable
from ..errors import UserError
from ..export_record import ExportRecord
from ..lake.log_files import GZIP_MAGIC
from .sample import LogObject, sample_objects

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer
    from mypy_boto3_s3.client import S3Client

SCHEME = "s3://"
DAYS = 7  # with records, in which log groups are looked for
RANGE_BYTES = 1 << 16  # of a GET; most objects need one


@dataclass(frozen=True)
class BucketFolder:
    """A bucket, and what stands before logs/ and exports/ in it."""

    bucket: str
    prefix: str = ""

    def __str__(self) -> str:
        return f"{SCHEME}{self.bucket}/{self.prefix}".rstrip("/")


def parse(address: str) -> BucketFolder:
    """The place of s3://BUCKET/PREFIX. Raises UserError if it is none."""
    name, _, prefix = address.removeprefix(SCHEME).partition("/")
    prefix = prefix.strip("/")
    if not bucket.BUCKET_NAME.fullmatch(name) or not bucket.PREFIX.fullmatch(prefix):
        raise UserError(
            f"{address} is not a place in S3. Give {SCHEME}BUCKET, with what stands before logs/ and exports/, if anything."
        )
    return BucketFolder(name, prefix)


def sample_bucket(s3: S3Client, place: BucketFolder) -> tuple[dict[str, list[str]], list[str]]:
    """Some lines of the latest day of each log group, and notes for the user. Raises UserError and TryLater."""
    lines: dict[str, list[str]] = {}
    notes: list[str] = []
    for record in sorted(_latest(s3, place, notes), key=lambda record: record.log_group):
        lines[record.log_group] = sample_objects(_objects(s3, place, record))
        notes.append(f"{printable(record.log_group)}: read {len(lines[record.log_group]):,} lines of {record.export_date}.")
    if not lines:
        raise UserError(
            f"{place}: the latest {DAYS} days that have export records have no lines. `pal check exports` says what was exported."
        )
    return lines, notes


def _latest(s3: S3Client, place: BucketFolder, notes: list[str]) -> Iterator[ExportRecord]:
    """The record of each log group's latest day that has objects. Only records of log groups that are not known yet are read."""
    known: set[str] = set()
    folders = list(islice(_days(s3, place), DAYS))
    if not folders:
        raise UserError(
            f"{place}: no export records below {bucket.RECORDS}/, so nothing is published there. Check the bucket and the prefix,"
            " or give a folder of logs."
        )
    for folder in folders:
        for name in _records(s3, place, folder):
            if name["digest"] in known:
                continue
            try:
                record = ExportRecord.from_json(_get(s3, place, name.string))
            except ValueError as error:
                notes.append(f"{printable(name.string)} is not an export record ({printable(str(error))}).")
                continue
            digest = bucket.digest(record.log_group)
            if record.objects and digest not in known:
                known.add(digest)
                yield record


def _days(s3: S3Client, place: BucketFolder) -> Iterator[str]:
    """The folders of days with records, the newest first."""
    for year in _folders(s3, place, bucket.records_folder(place.prefix)):
        for month in _folders(s3, place, year):
            yield from _folders(s3, place, month)


def _folders(s3: S3Client, place: BucketFolder, above: str) -> list[str]:
    listing = pages(
        f"list {place}",
        s3.list_objects_v2,
        "ContinuationToken",
        "NextContinuationToken",
        Bucket=place.bucket,
        Prefix=above,
        Delimiter="/",
    )
    found = (item.get("Prefix", "") for page in listing for item in page.get("CommonPrefixes", ()))
    return sorted((folder for folder in found if re.fullmatch(r"\d+/", folder[len(above) :])), reverse=True)


def _records(s3: S3Client, place: BucketFolder, folder: str) -> list[re.Match[str]]:
    """The names of a day's records; of several exports of a log group, the last one comes first."""
    listing = pages(
        f"list {place}",
        s3.list_objects_v2,
        "ContinuationToken",
        "NextContinuationToken",
        Bucket=place.bucket,
        Prefix=folder,
    )
    start = len(bucket.records_folder(place.prefix))
    keys = (item["Key"] for page in listing for item in page.get("Contents", ()) if item["Size"])
    names = filter(None, (bucket.RECORD_NAME.fullmatch(key, start) for key in keys))
    return sorted(names, key=lambda name: int(name["started_ms"] or 0), reverse=True)


def _objects(s3: S3Client, place: BucketFolder, record: ExportRecord) -> list[LogObject]:
    """The log objects of a task: those of the first page of the listing, which are enough for a sample."""
    folder = bucket.task_folder(place.prefix, days.number(date.fromisoformat(record.export_date)), record.export_task_id)
    page = ask(f"list {place}", s3.list_objects_v2, Bucket=place.bucket, Prefix=folder)
    return [
        LogObject(PurePosixPath(item["Key"].removeprefix(folder)), partial(_open, s3, place, item["Key"], item["Size"]))
        for item in page.get("Contents", ())
        if bucket.is_log_object(item["Key"])
    ]


def _open(s3: S3Client, place: BucketFolder, key: str, size: int) -> BinaryIO:
    file = _Ranged(s3, place, key, size)
    is_gzip = key.endswith(".gz") or file.peek(2) == GZIP_MAGIC
    return cast(BinaryIO, gzip.GzipFile(fileobj=file) if is_gzip else file)


class _Ranged(io.RawIOBase):
    """An object that is fetched as far as it is read, RANGE_BYTES at a time."""

    def __init__(self, s3: S3Client, place: BucketFolder, key: str, size: int) -> None:
        self._s3, self._place, self._key, self._size = s3, place, key, size
        self._position, self._block = 0, b""

    def readable(self) -> bool:
        return True

    def peek(self, size: int) -> bytes:
        if not self._block and self._position < self._size:
            self._block = _get(self._s3, self._place, self._key, self._position)
            self._position += RANGE_BYTES
        return self._block[:size]

    def readinto(self, buffer: WriteableBuffer) -> int:
        view = memoryview(buffer)
        taken = self.peek(len(view))
        view[: len(taken)] = taken
        self._block = self._block[len(taken) :]
        return len(taken)


def _get(s3: S3Client, place: BucketFolder, key: str, start: int = 0) -> bytes:
    """RANGE_BYTES of an object, or what there is."""
    with aws_errors(f"read {SCHEME}{place.bucket}/{printable(key)}"):
        answer = s3.get_object(Bucket=place.bucket, Key=key, Range=f"bytes={start}-{start + RANGE_BYTES - 1}")
        return answer["Body"].read()
