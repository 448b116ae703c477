"""A bounded sample of the lines of each log group: the first part of a few objects, spread over streams and days."""

from __future__ import annotations

import hashlib
import re
import zlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import chain, islice, zip_longest
from pathlib import PurePosixPath
from typing import BinaryIO

from ..lake.folder import Lake
from ..lake.log_files import open_log

LINES = 3000  # of a log group
OBJECTS = 24
GROUP_BYTES = 8 << 20
OBJECT_BYTES = 4 << 20  # a line cannot be longer
BLOCK_BYTES = 1 << 16
END_OF_LINE = re.compile(rb"\r\n|\n|\r")


@dataclass(frozen=True)
class LogObject:
    """An object with lines, by its key in a bucket (from logs/ on), and how to open it, unpacked."""

    key: PurePosixPath
    open: Callable[[], BinaryIO]


def sample(lake: Lake) -> dict[str, list[str]]:
    """Some lines of each log group. What cannot be read is left out."""
    objects: dict[str, list[LogObject]] = defaultdict(list)
    for export in lake.exports:
        for path in export.files:
            objects[export.record.log_group].append(LogObject(PurePosixPath(*path.parts[-6:]), partial(open_log, path)))
    return {group: sample_objects(found) for group, found in sorted(objects.items())}


def sample_objects(objects: Iterable[LogObject]) -> list[str]:
    """Some lines of a log group's objects. What cannot be read is left out."""
    chosen = list(islice(_in_turn(objects), OBJECTS))
    budget, lines = GROUP_BYTES, list[str]()
    for each in chosen:
        found = head(each.open, max(LINES // len(chosen), 1), min(max(budget, BLOCK_BYTES), OBJECT_BYTES))
        budget -= sum(map(len, found))
        lines += found
    return lines


def _in_turn(objects: Iterable[LogObject]) -> Iterator[LogObject]:
    """One object of each stream, then another of each. Their order is that of a digest: spread over days, and always the same."""
    streams: dict[str, list[LogObject]] = defaultdict(list)
    for each in objects:
        streams[each.key.parent.name].append(each)
    mixed = sorted((sorted(stream, key=_digest) for stream in streams.values()), key=lambda stream: _digest(stream[0]))
    return (each for each in chain.from_iterable(zip_longest(*mixed)) if each)


def _digest(found: LogObject) -> bytes:
    return hashlib.sha256(str(found.key).encode(errors="surrogateescape")).digest()


def head(opened: Callable[[], BinaryIO], lines: int, max_bytes: int) -> list[str]:
    """The first lines that are whole, of at most so many bytes once unpacked. Stops where the object is damaged."""
    data, whole = bytearray(), False
    try:
        with opened() as file:
            while len(data) < max_bytes and data.count(b"\n") < lines and not whole:
                block = file.read(BLOCK_BYTES)
                data += block
                whole = not block
    except (OSError, EOFError, zlib.error):
        whole = False
    found = END_OF_LINE.split(bytes(data))
    del found[-1 if not whole or not found[-1] else len(found) :]
    return [line.decode("utf-8", "backslashreplace") for line in found[:lines]]
