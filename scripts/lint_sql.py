"""All SQL of this project, linted: the models and macros as they are written, and what they write for each engine.

Needs no database and no AWS. An engine whose tables are all missing, or all there, stands in for both, so that each model is
compiled as its first run and as a daily run build it; so are the queries that macros ask, the hooks and the data tests.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from unittest import mock

PROJECT = Path(__file__).resolve().parents[1]
SQLFLUFF = (sys.executable, "-m", "sqlfluff", "lint", "--disable-progress-bar", "--nocolor")
ENGINES = {"duckdb": "local", "athena": "athena"}  # sqlfluff's dialect: target in profiles.yml

# Code that is generated is laid out by nobody. Its columns come from macros, so they may repeat what their callers say.
NOT_FOR_GENERATED = ("layout", "jinja", "ST06")

# Any two days apart, and one beside the first: so conditions on days have more than one range.
DAYS = ("2026-10-01", "2026-10-02", "2026-10-04")


def environment(work: Path, target: str) -> dict[str, str]:
    """Nothing of the user's: no database, no lake, no AWS account."""
    (work / "lake").mkdir(parents=True, exist_ok=True)
    return {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "ATHENA_", "ANALYTICS_", "DBT_"))} | {
        "ANALYTICS_TARGET": target,
        "ANALYTICS_DB": str(work / "analytics.duckdb"),
        "ANALYTICS_LAKE": str(work / "lake"),
        "AWS_ACCESS_KEY_ID": "none",
        "AWS_SECRET_ACCESS_KEY": "none",
        "AWS_ENDPOINT_URL": "http://127.0.0.1:9",  # nobody listens there
        "AWS_MAX_ATTEMPTS": "1",
        "DBT_TARGET_PATH": str(work / "target"),
        "DBT_LOG_PATH": str(work / "logs"),
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
    }
