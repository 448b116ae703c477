"""Where results are: in the output location in S3, as Athena leaves them, and copies on disk to answer pages from."""

import io
import itertools
import tempfile
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING

from boto3.s3.transfer import TransferConfig

from local_aws import results
from local_aws.results import Cell

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

COPIES_BYTES = 1 << 30
_ONE_THREAD = TransferConfig(use_threads=False)


@dataclass(frozen=True)
class Form:
    """The form of a statement's result: its file is OutputLocation/`folder`ID`suffix`."""

    suffix: str
    folder: str = ""
    has_body: bool = True  # otherwise there is only the metadata beside it
    has_header: bool = False  # the first row is the names of the columns

    @property
    def is_csv(self) -> bool:
        return self.suffix == ".csv"


CSV = Form(".csv", has_header=True)
TEXT = Form(".txt")
_FORMS = {
    "EXPLAIN": Form(".txt", has_header=True),
    "SHOW_FUNCTIONS": CSV,
    "INSERT": Form("", has_body=False),
    "UNLOAD": Form("", has_body=False),
    "UPDATE": Form(".csv", has_body=False),
    "DELETE": Form(".csv", has_body=False),
    "MERGE": Form(".csv", has_body=False),
    "CREATE_TABLE_AS_SELECT": Form("", folder="tables/", has_body=False),
    "VACUUM_TABLE": TEXT,
}


def form_of(statement_type: str, substatement_type: str) -> Form:
    """The form of the result of a statement, by the names that Athena gives it."""
    return _FORMS.get(substatement_type, CSV if statement_type == "DML" else TEXT)


class ResultWriter:
    """Writes rows into a file in the form of a statement's result."""

    def __init__(self, file: IO[bytes], form: Form) -> None:
        self._file = file
        self._form = form
        self._empty = True

    def header(self, names: list[str]) -> None:
        """The row of column names, in those forms that have it."""
        if self._form.has_header:
            self.row(list(names))

    def row(self, cells: Sequence[Cell]) -> None:
        if self._form.is_csv:
            self._file.write(results.csv_line(cells))
            return
        if not self._empty:
            self._file.write(b"\n")
        self._empty = False
        self._file.write(results.text_row(cells))


class ResultStore:
    """Puts results into S3 and reads pages of them. Keeps the newest on disk, up to COPIES_BYTES."""

    def __init__(self, s3: "S3Client") -> None:
        self._s3 = s3
        self._directory = tempfile.TemporaryDirectory(prefix="local-athena-results-")
        self._sizes: dict[Path, int] = {}  # oldest first
        self._changing = threading.Lock()

    def close(self) -> None:
        """Remove the copies."""
        self._directory.cleanup()

    def new_file(self, id_: str) -> Path:
        """Where to write the result of the execution `id_` before it is published."""
        return self._path(id_)

    def publish(self, id_: str, uri: str, encryption: Mapping[str, str] | None) -> int:
        """Put the file into S3 at `uri`; its size in bytes. Raises ClientError."""
        path = self._path(id_)
        bucket, key = split_uri(uri)
        self._s3.upload_file(str(path), bucket, key, ExtraArgs=_encryption_arguments(encryption), Config=_ONE_THREAD)
        self._remember(path)
        return path.stat().st_size

    def put(self, uri: str, content: bytes, encryption: Mapping[str, str] | None) -> None:
        """Put a small file, such as metadata or a manifest, into S3. Raises ClientError."""
        bucket, key = split_uri(uri)
        arguments = {"ContentType": "application/octet-stream", **_encryption_arguments(encryption)}
        self._s3.upload_fileobj(io.BytesIO(content), bucket, key, ExtraArgs=arguments, Config=_ONE_THREAD)

    def discard(self, id_: str) -> None:
        """Remove a file that is not to be published."""
        self._path(id_).unlink(missing_ok=True)

    def page(self, id_: str, uri: str, form: Form, position: int, most: int) -> tuple[list[list[Cell]], int]:
        """At most `most` rows of a result from a position, 0 at first, and the position behind them.

        Raises ClientError if the file is not in S3 any more and the copy is gone too.
        """
        if not form.has_body:
            return [], position
        path = self._path(id_)
        if not path.exists():
            bucket, key = split_uri(uri)
            self._s3.download_file(bucket, key, str(path), Config=_ONE_THREAD)
            self._remember(path)
        with path.open("rb") as file:
            file.seek(position)
            rows = list(itertools.islice(results.read_csv(file) if form.is_csv else results.read_text(file), most))
            return rows, file.tell()

    def _path(self, id_: str) -> Path:
        return Path(self._directory.name) / id_

    def _remember(self, path: Path) -> None:
        """Count a new copy and drop the oldest ones over the limit; a reader that has one open may finish."""
        with self._changing:
            self._sizes[path] = path.stat().st_size
            while sum(self._sizes.values()) > COPIES_BYTES and len(self._sizes) > 1:
                oldest = next(iter(self._sizes))
                del self._sizes[oldest]
                oldest.unlink(missing_ok=True)


def split_uri(uri: str) -> tuple[str, str]:
    """Bucket and key of an S3 URI."""
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    return bucket, key


def _encryption_arguments(encryption: Mapping[str, str] | None) -> dict[str, str]:
    """The arguments of PutObject for an EncryptionConfiguration; what the client itself encrypts stays plain here."""
    settings = encryption or {}
    match settings.get("EncryptionOption"):
        case "SSE_S3":
            return {"ServerSideEncryption": "AES256"}
        case "SSE_KMS":
            key = {"SSEKMSKeyId": settings["KmsKey"]} if "KmsKey" in settings else {}
            return {"ServerSideEncryption": "aws:kms", **key}
        case _:
            return {}
