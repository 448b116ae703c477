"""From a folder of logs to tables, report and docs site on DuckDB."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from ..errors import UserError
from ..lake.folder import Lake, read_lake
from ..project import dbt, paths
from ..project.variables import read_vars
from ..report.page import build_report
from ..samples import writer
from ..suggest import find
from ..suggest.output import as_yaml
from ..suggest.sample import sample


def run_demo(logs: Path | None, variables: str, say: Callable[[str], None], show: dbt.Show | None = None) -> None:
    """Build everything from scratch from `logs` (default: sample logs) and say where it is; `show` gets each step.

    Raises UserError if there is nothing to read or a model or test failed; the tables that were built remain.
    """
    if dbt.profile().credentials.type != "duckdb":  # otherwise this could replace production tables
        raise UserError("The demo builds on DuckDB, but the current dbt target is not DuckDB. Unset ANALYTICS_TARGET.")
    build_tables(logs or sample_lake(say), variables, say, show, suggest=True)
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


def build_tables(
    logs: Path, variables: str, say: Callable[[str], None], show: dbt.Show | None = None, *, suggest: bool = False
) -> Lake:
    """Build and test all tables from a folder of logs. Unreadable files are reported and left out; all others count.

    With `suggest`, fields that the settings do not read in these logs are looked for.

    Raises UserError as run_demo does.
    """
    work = paths.lake()
    lake = read_lake(logs, work / "view", say)
    if suggest:
        variables = with_suggestion(lake, variables, say)
    say(f"Building from {len(lake.exports):,} exports in {lake.root}")
    # From scratch: the logs or the field mapping may have changed since the last time.
    os.environ["ANALYTICS_LAKE"] = str(lake.root)
    _point(work / "current", lake.root)
    everything = ("build", "--full-refresh", "--exclude-resource-type", "unit_test")
    outcome = dbt.run(*everything, *_vars(variables), say=say, show=show)
    if not outcome.succeeded:
        raise UserError(_explain(outcome))
    return lake


def with_suggestion(lake: Lake, variables: str, say: Callable[[str], None]) -> str:
    """The variables, with fields for what the settings would not read in these logs.

    `say` gets what was chosen and how to keep it. What the user has set stays as it is.
    """
    given: dict[str, Any] = yaml.safe_load(variables or "{}")
    settings = read_vars() | given
    suggestion = find(sample(lake), settings)
    own = settings.get("event_fields") or {}
    chosen = {name: where for name, where in suggestion.answer.get("event_fields", {}).items() if name not in own}
    for conflict in suggestion.conflicts:
        say(f"Note: {conflict}")
    if not chosen:
        return variables
    answer = as_yaml({"event_fields": own | chosen})
    kept = paths.site() / "event_fields.yml"
    kept.parent.mkdir(exist_ok=True)
    kept.write_text(answer)
    say("The settings do not read these logs right, so these fields were found in them and are used:")
    for line in as_yaml(chosen).splitlines():
        say(f"  {line}")
    say(f"To keep them, put {kept} under vars in dbt_project.yml. `pal suggest` says why they were chosen.")
    return json.dumps(given | {"event_fields": own | chosen})


def _point(link: Path, target: Path) -> None:
    """Set the link that dbt reads when it is run by hand (macro lake_root)."""
    link.unlink(missing_ok=True)
    link.symlink_to(target)


def _vars(variables: str) -> list[str]:
    return ["--vars", variables] if variables else []


def _explain(outcome: dbt.DbtOutcome) -> str:
    if not outcome.failures:
        return outcome.error or "dbt could not run the project. See logs/dbt.log."
    lines = [f"  {name}: {message}" for name, message in outcome.failures.items()]
    return "\n".join(["These failed (details in logs/dbt.log):", *lines])
