"""Checks whether log files can be read completely, and escapes odd bytes without losing a line."""

from __future__ import annotations

import codecs
import gzip
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import BinaryIO, cast

GZIP_MAGIC = b"\x1f\x8b"
CHUNK_BYTES = 1 << 20
# As in the reading macro (max_line_size in macros/engines/lake.sql). CloudWatch's limit is 1 MB per event.
MAX_LINE_BYTES = 4 << 20
NO_LINE_HOLDS = "\x01\x02\x03\x04"  # the delimiter of that macro


@dataclass(frozen=True)
class Finding:
    """A file's state: `problem` says why it cannot be read, `clean` that it contains nothing that the reader fails on."""

    problem: str | None = None
    clean: bool = True

    @property
    def as_it_is(self) -> bool:
        """Whether the file can be read unchanged."""
        return self.clean and not self.problem


def inspect(path: Path) -> Finding:
    """Read a whole file in bounded memory."""
    if path.name.endswith(".gz") and path.stat().st_size == 0:
        return Finding("it is empty (0 bytes), without a gzip header")  # Python's gzip takes it for an empty file
    decoder = codecs.getincrementaldecoder("utf-8")()
    clean = path.name.endswith(".gz") == _is_gzip(path)
    line_bytes = 0
    try:
        for chunk in _chunks(path):
            if clean:
                clean = b"\r" not in chunk and b"\x01\x02" not in chunk
            if clean:
                try:
                    decoder.decode(chunk)
                except UnicodeDecodeError:
                    clean = False
            first, last = chunk.find(b"\n"), chunk.rfind(b"\n")
            line_bytes += len(chunk) if first < 0 else first
            if line_bytes > MAX_LINE_BYTES:
                return Finding(f"a line is longer than {MAX_LINE_BYTES >> 20} MB")
            if first >= 0:
                line_bytes = len(chunk) - last - 1
    except (OSError, EOFError, zlib.error) as error:
        return Finding(_say(error))
    if clean:
        try:
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            clean = False
    return Finding(clean=clean)


def first_day(path: Path) -> date | None:
    """The UTC day of the time that CloudWatch put before the first line; None where there is none, or the file cannot be read."""
    try:
        line = next(_lines(path), b"")
    except (OSError, EOFError, zlib.error):
        return None
    try:
        return datetime.strptime(line[:24].decode("ascii", "replace"), "%Y-%m-%dT%H:%M:%S.%fZ").date()
    except ValueError:
        return None


def is_document(path: Path) -> bool:
    """Whether a file is one JSON document, such as an array over several lines, and not a record a line."""
    try:
        first = next((line for line in _lines(path) if line.strip()), b"").strip()
    except (OSError, EOFError, zlib.error):
        return False
    return first == b"{" or first == b"[" or first.startswith((b"[{", b"[ {"))


def write_clean_copy(path: Path, target: Path) -> None:
    """Copy line by line, gzipped, so that no line is lost. Carriage returns end lines, as on Athena; bytes that are not UTF-8 are
    escaped (\\xff)."""
    with gzip.open(target, "wb", compresslevel=1) as out:
        for line in _lines(path):
            out.write(_readable(line).encode() + b"\n")


def _readable(line: bytes) -> str:
    return line.decode("utf-8", "backslashreplace").replace(NO_LINE_HOLDS, repr(NO_LINE_HOLDS)[1:-1])


def _lines(path: Path) -> Iterator[bytes]:
    r"""Lines without their end: \n, \r\n or \r. The end of the file ends the last line."""
    rest = b""
    for chunk in _chunks(path):
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            yield from line.removesuffix(b"\r").split(b"\r")
    if rest:
        yield from rest.removesuffix(b"\r").split(b"\r")


def _chunks(path: Path) -> Iterator[bytes]:
    with open_log(path) as file:
        while chunk := file.read(CHUNK_BYTES):
            yield chunk


def open_log(path: Path) -> BinaryIO:
    """The file's bytes as a stream, unpacked as they are read where it is gzip by name or by content."""
    return cast(BinaryIO, gzip.open(path)) if path.name.endswith(".gz") or _is_gzip(path) else path.open("rb")


def _is_gzip(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(2) == GZIP_MAGIC
    except OSError:
        return path.name.endswith(".gz")


def _say(error: Exception) -> str:
    if isinstance(error, gzip.BadGzipFile) and "CRC" not in str(error):
        return "it is not a gzip file"
    if isinstance(error, EOFError):
        return "the gzip data ends too early (an interrupted upload or download?)"
    return f"it cannot be read ({error})"
