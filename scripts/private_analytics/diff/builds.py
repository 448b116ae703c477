"""Builds the tables of a state of the project into a database of their own."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import UserError
from .compare import Built
from .declared import Declared, declared

PROFILE = "profiles.example.yml"  # from git, so that both sides are built alike, whatever the user's profiles.yml says
# Runs this environment's dbt in its own process. Python does not import from the project's folder.
DBT = (sys.executable, "-P", "-c", "from dbt.cli.main import cli; cli()")
LINES_SHOWN = 20
CLOCK = r"^\d\d:\d\d:\d\d +"  # before dbt's messages


@dataclass(frozen=True)
class Build:
    """Tables, and what their models declare."""

    built: Built
    declared: Declared


def build(name: str, project: Path, lake: Path, work: Path) -> Build:
    """Build all models of a project folder from a lake; database, compiled files and logs go to `work`. Tests are not run.

    Raises UserError with dbt's message if a model fails.
    """
    profiles, database, target = work / "profiles", work / "analytics.duckdb", work / "target"
    profiles.mkdir(parents=True)
    if not (project / PROFILE).is_file():
        raise UserError(f"{name} has no {PROFILE}, so it cannot be built. Choose a later commit.")
    shutil.copy(project / PROFILE, profiles / "profiles.yml")
    folders = {"--project-dir": project, "--profiles-dir": profiles, "--target-path": target, "--log-path": work / "logs"}
    command = [
        *DBT,
        *("--quiet", "--no-use-colors", "build", "--full-refresh", "--target", "local"),
        *("--exclude-resource-type", "test", "--exclude-resource-type", "unit_test"),
        *(part for option, folder in folders.items() for part in (option, str(folder))),
    ]
    ended = subprocess.run(
        command, cwd=project, env=_environment(database, lake), capture_output=True, text=True, errors="replace", check=False
    )
    if ended.returncode:
        raise UserError("\n".join([f"The tables of {name} cannot be built. dbt says:", *_failures(target, ended)]))
    return Build(Built(name, database), declared(json.loads((target / "manifest.json").read_bytes())))


def _environment(database: Path, lake: Path) -> dict[str, str]:
    """This process's environment, without what would make dbt build something else."""
    ours = {name: value for name, value in os.environ.items() if not name.startswith("DBT_")}
    return ours | {
        "ANALYTICS_TARGET": "local",
        "ANALYTICS_DB": str(database),
        "ANALYTICS_LAKE": str(lake),
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
    }


def _failures(target: Path, ended: subprocess.CompletedProcess[str]) -> list[str]:
    """Each failed model with its error; the end of dbt's output if it did not reach a model."""
    try:
        results: list[dict[str, Any]] = json.loads((target / "run_results.json").read_bytes())["results"]
    except (OSError, ValueError, KeyError):
        results = []
    failed = [result for result in results if result["status"] in ("error", "fail", "runtime error")]
    if failed:
        return [f"  {result['unique_id'].rpartition('.')[2]}: {(result['message'] or '').strip()}" for result in failed]
    printed = (ended.stdout + ended.stderr).strip().splitlines()[-LINES_SHOWN:]
    return [f"  {re.sub(CLOCK, '', line)}" for line in printed]
