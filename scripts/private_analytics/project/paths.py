"""Where the project's files are."""

from __future__ import annotations

import os
from pathlib import Path

from ..errors import UserError

VARIABLE = "DBT_PROJECT_DIR"  # dbt's own
FILE = "dbt_project.yml"


def root() -> Path:
    """The project's folder: DBT_PROJECT_DIR, or the nearest folder from here upwards with a dbt_project.yml.

    Raises UserError if there is none.
    """
    if chosen := os.environ.get(VARIABLE):
        if not (Path(chosen) / FILE).is_file():
            raise UserError(f"{VARIABLE} is {chosen}, which has no {FILE}. Set it to your copy of the project, or unset it.")
        return Path(chosen).resolve()
    here = Path.cwd()
    for folder in (here, *here.parents):
        if (folder / FILE).is_file():
            return folder
    raise UserError(f"No {FILE} in {here} or above. Change to your copy of the project, or set {VARIABLE} to it.")


def dbt_project() -> Path:
    return root() / FILE


def database() -> Path:
    """The DuckDB file of target local: ANALYTICS_DB, or analytics.duckdb next to dbt_project.yml."""
    return Path(os.environ.get("ANALYTICS_DB") or root() / "analytics.duckdb").absolute()


def target() -> Path:
    """Where dbt writes manifest.json, run_results.json and compiled SQL: DBT_TARGET_PATH, or target."""
    return Path(os.environ.get("DBT_TARGET_PATH") or root() / "target")


def lake() -> Path:
    """Where the demo keeps sample logs and its views of other logs."""
    return root() / "lake"


def site() -> Path:
    """Where the report and the docs site are written."""
    return root() / "site"
