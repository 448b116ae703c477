"""A bounded sample of the lines of each log group: the first part of a few objects, spread over streams and days."""

from __future__ import annotations

import hashlib
import re
import zlib
from collections import defaultdict
from collections.abc import Iterator
from itertools import chain, islice, zip_longest
from pathlib import Path

from ..lake.folder import Lake
from ..lake.log_files import open_log

LINES = 3000  # of a log group
OBJECTS = 24
GROUP_BYTES = 8 << 20
OBJECT_BYTES = 4 << 20  # a line cannot be longer
BLOCK_BYTES = 1 << 16
END_OF_LINE = re.compile(rb"\r\n|\n|\r")


def sample(lake: Lake) -> dict[str, list[str]]:
    """Some lines of each log group. What cannot be read is left out."""
    files: dict[str, dict[str, list[Path]]] = defaultdict(lambda: defaultdict(list))
    for export in lake.exports:
        for path in export.files:
            files[export.record.log_group][path.parent.name].append(path)
    return {group: list(_lines(list(streams.values()))) for group, streams in sorted(files.items())}


def _lines(streams: list[list[Path]]) -> Iterator[str]:
    objects = list(islice(_in_turn(streams), OBJECTS))
    budget = GROUP_BYTES
    for path in objects:
        lines = head(path, max(LINES // len(objects), 1), min(max(budget, BLOCK_BYTES), OBJECT_BYTES))
        budget -= sum(map(len, lines))
        yield from lines


def _in_turn(streams: list[list[Path]]) -> Iterator[Path]:
    """One file of each stream, then another of each. Their order is that of a digest: spread over days, and always the same."""
    mixed = sorted((sorted(stream, key=_digest) for stream in streams), key=lambda stream: _digest(stream[0]))
    return (path for path in chain.from_iterable(zip_longest(*mixed)) if path)


def _digest(path: Path) -> bytes:
    return hashlib.sha256(str(Path(*path.parts[-6:])).encode(errors="surrogateescape")).digest()


def head(path: Path, lines: int, max_bytes: int) -> list[str]:
    """The first lines that are whole, of at most so many bytes once unpacked. Stops where the file is damaged."""
    data, whole = bytearray(), False
    try:
        with open_log(path) as file:
            while len(data) < max_bytes and data.count(b"\n") < lines and not whole:
                block = file.read(BLOCK_BYTES)
                data += block
                whole = not block
    except (OSError, EOFError, zlib.error):
        whole = False
    found = END_OF_LINE.split(bytes(data))
    del found[-1 if not whole or not found[-1] else len(found) :]
    return [line.decode("utf-8", "backslashreplace") for line in found[:lines]]
