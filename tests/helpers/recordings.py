"""What common loggers wrote, recorded."""

from __future__ import annotations

from helpers import REPOSITORY

RECORDINGS = sorted(
    path
    for path in (REPOSITORY / "tests" / "fixtures" / "real_logs").iterdir()
    if path.suffix in (".jsonl", ".log") and not path.name.endswith(".expected.jsonl")
)
