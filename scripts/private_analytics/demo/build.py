"""From a folder of logs to tables, report and docs site on DuckDB."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ..errors import UserError
from ..lake.folder import Lake, read_lake
from ..project import dbt, paths
from ..project.variables import read_vars
from ..report.page import build_report
from ..samples import writer
from ..suggest import find
from ..suggest.output import as_yaml, open_questions
from ..suggest.sample import sample


def run_demo(logs: Path | None, variables: Mapping[str, Any], say: Callable[[str], None], show: dbt.Show | None = None) -> None:
    """Build everything from scratch from `logs` (default: sample logs) and say where it is; `show` gets each step.

    Fields that the settings do not read in these logs are looked for.

    Raises UserError if there is nothing to read or a model or test failed; the tables that were built remain.
    """
    if dbt.profile().credentials.type != "duckdb":  # otherwise this could replace production tables
        raise UserError("The demo builds on DuckDB, but the current dbt target is not DuckDB. Unset ANALYTICS_TARGET.")
    lake = lake_of(logs or sample_lake(say), say)
    variables = with_suggestion(lake, variables, say)
    build_from(lake, variables, say, show)
    page = build_report()
    docs = dbt.run("docs", "generate", "--static", *_vars(variables))
    if not docs.succeeded:
        raise UserError(_explain(docs))
    paths.site().mkdir(exist_ok=True)
    docs_site = shutil.copy(paths.target() / "static_index.html", paths.site() / "docs.html")
    say("")
    say(f"Report     {page}")
    say(f"Docs site  {docs_site}")
    say(f"Tables     {paths.database()} (in DuckDB: from events)")


def sample_lake(say: Callable[[str], None]) -> Path:
    """The folder of the sample logs, which are written once."""
    lake = paths.lake() / "sample"
    if not lake.exists():
        say(f"Writing sample logs: {writer.DEFAULT_DAYS} days of a storefront ...")
        unfinished = paths.lake() / "sample.unfinished"
        shutil.rmtree(unfinished, ignore_errors=True)
        writer.write_sample_logs(
            unfinished,
            days=writer.DEFAULT_DAYS,
            events_per_day=writer.DEFAULT_EVENTS_PER_DAY,
            seed=writer.DEFAULT_SEED,
            end_date=writer.DEFAULT_END_DATE,
        )
        unfinished.rename(lake)
    return lake


def lake_of(logs: Path, say: Callable[[str], None]) -> Lake:
    """The lake in a folder of logs. Raises UserError if there is nothing to read."""
    return read_lake(logs, paths.lake() / "view", say)


def build_from(lake: Lake, variables: Mapping[str, Any], say: Callable[[str], None], show: dbt.Show | None = None) -> None:
    """Build and test all tables. Raises UserError if a model or test failed."""
    say(f"Building from {len(lake.exports):,} exports in {lake.root}")
    # From scratch: the logs or the field mapping may have changed since the last time.
    os.environ["ANALYTICS_LAKE"] = str(lake.root)
    _point(paths.lake() / "current", lake.root)
    everything = ("build", "--full-refresh", "--exclude-resource-type", "unit_test")
    outcome = dbt.run(*everything, *_vars(variables), say=say, show=show)
    if not outcome.succeeded:
        raise UserError(_explain(outcome))


def with_suggestion(lake: Lake, variables: Mapping[str, Any], say: Callable[[str], None]) -> Mapping[str, Any]:
    """The variables, with fields for what the settings would not read in these logs.

    `say` gets what was chosen, how to keep it, and what only the user can decide. What the user has set stays as it is.
    """
    suggestion = find(sample(lake), {**read_vars(), **variables}, keep=True)
    applied = suggestion.applied(suggestion.answer)
    if applied:
        kept = paths.site() / "suggested_vars.yml"
        kept.parent.mkdir(exist_ok=True)
        kept.write_text(as_yaml(applied))
        say("The settings do not read these logs right, so these fields were found in them and are used:")
        for line in as_yaml(suggestion.answer).splitlines():
            say(f"  {line}")
        say(f"To keep them, put {kept} under vars in dbt_project.yml. `pal suggest` says why they were chosen.")
    for paragraph in open_questions(suggestion):
        for line in paragraph.splitlines():
            say(line)
    return {**variables, **applied}


def _point(link: Path, target: Path) -> None:
    """Set the link that dbt reads when it is run by hand (macro lake_root)."""
    link.unlink(missing_ok=True)
    link.symlink_to(target)


def _vars(variables: Mapping[str, Any]) -> list[str]:
    return ["--vars", json.dumps(variables, default=str)] if variables else []


def _explain(outcome: dbt.DbtOutcome) -> str:
    if not outcome.failures:
        return outcome.error or "dbt could not run the project. See logs/dbt.log."
    lines = [f"  {name}: {message}" for name, message in outcome.failures.items()]
    return "\n".join(["These failed (details in logs/dbt.log):", *lines])
