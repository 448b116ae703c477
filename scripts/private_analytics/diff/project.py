"""The project around this package: all that `diff` takes from it."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

from .. import dbt_project, demo, lake
from ..errors import UserError, first_line
from .declared import Declared, declared

__all__ = ["UserError", "default_database", "folder", "log_folder", "of_current_models", "shortly"]


def folder() -> Path:
    """The folder of dbt_project.yml."""
    return dbt_project.PROJECT


def default_database() -> Path:
    """The DuckDB file that `make demo` and `dbt build` write."""
    return dbt_project.database()


def shortly(error: object) -> str:
    """The first line of what an error says."""
    return first_line(error)


def of_current_models() -> Declared:
    """What the models of this folder declare. Raises UserError where dbt cannot read them."""
    parsed = dbt_project.run("parse")
    if not parsed.succeeded:
        raise UserError(f"dbt cannot read the project: {parsed.error}. `dbt parse` says more.")
    target = Path(os.environ.get("DBT_TARGET_PATH") or folder() / "target")
    return declared(json.loads((target / "manifest.json").read_bytes()))


def log_folder(logs: Path | None, view: Path, say: Callable[[str], None]) -> Path:
    """The logs as a lake that the models can read: the sample logs where none are given. `view` may be written.

    Raises UserError where there are no logs.
    """
    found = lake.open_lake((logs or demo.sample_lake(say)).absolute(), view)
    found = lake.checked(found, view)
    for note in found.notes:
        say(f"Note: {note}")
    for path, problem in found.damaged:
        say(f"Damaged, not read: {path}: {problem}.")
    return found.root
