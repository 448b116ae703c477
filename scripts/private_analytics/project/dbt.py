"""Runs this dbt project from Python."""

from __future__ import annotations

import json
import os
import re
import shutil
from argparse import Namespace
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from dbt.adapters.duckdb.connections import DuckDBConnectionManager
from dbt.cli.main import dbtRunner
from dbt.config.profile import Profile
from dbt.config.runtime import load_profile
from dbt.flags import set_from_args
from dbt_common.context import set_invocation_context
from dbt_common.events.base_types import EventMsg
from dbt_common.exceptions import DbtRuntimeError

from ..errors import UserError
from . import paths


@dataclass(frozen=True)
class DbtOutcome:
    """How a dbt command ended. failures: name of the node -> dbt's message; empty if dbt itself could not start."""

    succeeded: bool
    failures: dict[str, str]
    error: str = ""


Show = Callable[[str, int, int | None], None]  # a text, steps done, and steps in total


def run(*arguments: str, say: Callable[[str], None] | None = None, show: Show | None = None) -> DbtOutcome:
    """Run a dbt command on this project.

    `say` gets a line for each model that is built and the messages of the project's macros; `show` each node when it starts.
    """

    def follow(event: EventMsg) -> None:
        if event.info.name == "LogStartLine" and show:
            show(event.data.description, event.data.index - 1, event.data.total)
        elif not say:
            return
        elif event.info.name == "LogModelResult" and event.data.status not in ("ERROR", "SKIP"):
            say(f"  {event.data.node_info.node_name:<28} {event.data.execution_time:6.1f} s")
        elif event.info.name in ("JinjaLogInfo", "JinjaLogWarning"):
            say(event.data.msg)

    _prepare()
    folders = ["--project-dir", str(paths.root()), "--profiles-dir", str(paths.root())]
    runner = dbtRunner(callbacks=[follow] if say or show else [])
    result = runner.invoke([*arguments, *folders, "--log-level", "none", "--log-level-file", "info"])
    # Otherwise the database stays locked as long as this process runs.
    DuckDBConnectionManager.close_all_connections()  # type: ignore[no-untyped-call]  # dbt-duckdb's own, not annotated
    nodes = getattr(result.result, "results", None) or []
    failures = {
        node.node.name: (node.message or "").strip()
        for node in nodes
        if getattr(node, "status", None) in ("error", "fail", "runtime error")
    }
    return DbtOutcome(result.success, failures, _words(str(result.exception or "")))


def _words(error: str) -> str:
    """What a macro that ran before or after the models said, without where dbt called it from."""
    if not (found := re.match(r"Compilation Error in operation \S+ \([^)]*\)\n", error)):
        return error
    return " ".join(line.strip() for line in error[found.end() :].splitlines() if not line.lstrip().startswith("> ")).strip()


def manifest() -> dict[str, Any]:
    """dbt's manifest.json of the project under the current target. Raises UserError if dbt cannot read the project."""
    parsed = run("parse")
    if not parsed.succeeded:
        raise UserError(f"dbt cannot read the project: {parsed.error}. Run `dbt parse` for details.")
    content: dict[str, Any] = json.loads((paths.target() / "manifest.json").read_bytes())
    return content


def profile() -> Profile:
    """The current target in profiles.yml. Raises UserError if dbt cannot read it."""
    _prepare()
    set_invocation_context(os.environ)
    folder = paths.root()
    set_from_args(Namespace(profiles_dir=str(folder)), {})
    try:
        return load_profile(str(folder), {})
    except DbtRuntimeError as error:
        raise UserError(f"{folder / 'profiles.yml'} cannot be used: {' '.join(error.msg.split())}") from None


def _prepare() -> None:
    """Prepare profiles.yml and what it needs. The file belongs to the user and starts as a copy of the example."""
    folder = paths.root()
    if not (folder / "profiles.yml").exists():
        shutil.copy(folder / "profiles.example.yml", folder / "profiles.yml")
    os.environ["ANALYTICS_DB"] = str(paths.database())
