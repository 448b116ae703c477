"""What CodeBuild runs every day, run by bash with programs that only say that they were called."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from helpers import REPOSITORY

BUILDSPEC = REPOSITORY / "infra" / "buildspec.yml"
TABLES = "pal tables"
BUILD = "dbt build --exclude-resource-type unit_test"
FRESHNESS = "dbt source freshness"
CHECKS = "pal check all"
REPORT = "pal report"
COPY = "aws s3 cp --no-progress site/report.html s3://shop-exports/report/report.html"
SCANNED = "pal scanned"
TEST_ALL_DAYS = "dbt test --exclude-resource-type unit_test"
MAINTAIN = "dbt run-operation maintain"
STEPS = [TABLES, BUILD, FRESHNESS, CHECKS, REPORT, COPY, SCANNED]
ON_SUNDAYS = [TEST_ALL_DAYS, MAINTAIN]
MONDAY, SUNDAY = 1, 7
# It writes down how it was called, and fails where it is told to.
PROGRAM = """#!/bin/bash
called="$(basename "$0") $*"
echo "$called" >> "$CALLED"
[ "$called" != "$FAILS" ]
"""


def build(folder: Path, fails: str = "", weekday: int = MONDAY) -> tuple[bool, list[str]]:
    """Whether the build phase succeeds, and what it calls."""
    for name in (".venv/bin/pal", ".venv/bin/dbt", "bin/aws", "bin/date"):
        program = folder / name
        program.parent.mkdir(parents=True, exist_ok=True)
        program.write_text(PROGRAM if name != "bin/date" else f'#!/bin/bash\n[ "$*" = "-u +%u" ] && echo {weekday}\n')
        program.chmod(0o755)
    (folder / "infra").mkdir()
    shutil.copy(REPOSITORY / "infra" / "daily.sh", folder / "infra")
    environment = {
        "PATH": f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}",
        "CALLED": str(folder / "called"),
        "FAILS": fails,
        "ANALYTICS_BUCKET": "shop-exports",
    }
    commands = yaml.safe_load(BUILDSPEC.read_text())["phases"]["build"]["commands"]
    for command in commands:  # CodeBuild stops a phase at the first command that fails
        if subprocess.run(["bash", "-c", command], cwd=folder, env=environment, check=False).returncode:
            break
    else:
        return True, (folder / "called").read_text().splitlines()
    return False, (folder / "called").read_text().splitlines()


def test_the_steps_are_done_in_order(tmp_path: Path):
    assert build(tmp_path) == (True, STEPS)


def test_on_sundays_all_days_are_tested_and_tables_maintained(tmp_path: Path):
    assert build(tmp_path, weekday=SUNDAY) == (True, [*STEPS, *ON_SUNDAYS])


@pytest.mark.parametrize("step", [*STEPS, *ON_SUNDAYS])
def test_a_step_that_fails_fails_the_build_and_keeps_no_other_from_running(tmp_path: Path, step: str):
    all_others = [*STEPS, *ON_SUNDAYS]
    if step == REPORT:
        all_others.remove(COPY)  # there is nothing to copy
    assert build(tmp_path, fails=step, weekday=SUNDAY) == (False, all_others)
