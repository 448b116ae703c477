"""The command `diff`."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..options import PATH, as_json, option
from ..project import paths
from .declared import declared

if TYPE_CHECKING:
    from .result import Diff


@click.command("diff")
@option("--base", type=PATH, help="The DuckDB file with the tables before.")
@option("--candidate", type=PATH, help="The DuckDB file with the tables after.  [default: analytics.duckdb]")
@option("--base-ref", help="Instead of files: a branch or commit, built and compared with the working tree, e.g. origin/main.")
@option("--logs", type=PATH, help="Build both from these logs.  [default: the sample logs]")
@option("--out", type=click.Path(path_type=Path, dir_okay=False), help="The file to write.  [default: standard output]")
@as_json
def diff(
    base: Path | None, candidate: Path | None, base_ref: str | None, logs: Path | None, out: Path | None, is_json: bool
) -> None:
    """Show what differs between two builds of the tables.

    Compares two DuckDB files, or a git ref and the working tree, built from the same logs. Exit code 0 with or without
    differences, 1 if a side cannot be built or read.

    \b
    Example:
      pal diff --base-ref origin/main
    """
    if (base is None) == (base_ref is None):
        raise click.UsageError("Give either --base FILE or --base-ref REF.")
    if base_ref is not None and candidate is not None:
        raise click.UsageError("--base-ref compares with the working tree. Use --candidate only with --base.")
    if base is not None and logs is not None:
        raise click.UsageError("Use --logs only with --base-ref: with --base, nothing is built.")
    if out is not None and not out.absolute().parent.is_dir():  # before minutes of work
        raise click.ClickException(f"{out} cannot be written: its folder does not exist. Give another --out.")
    if base is not None:
        found = _of_files(base, candidate)
    else:
        assert base_ref is not None  # noqa: S101 (one of the two is given)
        found = _of_ref(base_ref, logs)
    _write(_rendered(found, is_json), out)


def _of_files(base: Path, candidate: Path | None) -> Diff:
    from ..project import dbt  # here, as dbt takes two seconds to import
    from .compare import Built, compare
    from .database import check_files

    after = candidate or paths.database()
    check_files(base, after)
    return compare(Built(str(base), base), Built(str(after), after), declared(dbt.manifest()))


def _of_ref(ref: str, logs: Path | None) -> Diff:
    from ..demo.build import sample_lake
    from ..lake.folder import read_lake
    from . import git
    from .builds import build
    from .compare import compare

    commit = git.commit_of(folder := paths.root(), ref)
    name = commit[:7] if commit.startswith(ref) else f"{ref} ({commit[:7]})"
    with git.working_folder() as work:
        lake = read_lake(logs or sample_lake(_say), work / "view", _say).root
        _say("Building the tables of the working tree ...")
        after = build("the working tree", folder, lake, work / "candidate")
        _say(f"Building the tables of {name} ...")
        with git.checked_out(folder, commit, work) as checkout:
            before = build(name, checkout, lake, work / "base")
        return compare(before.built, after.built, after.declared.over(before.declared))


def _rendered(found: Diff, is_json: bool) -> str:
    from .markdown import markdown, verdict

    if not is_json:
        return markdown(found)
    data = {"verdict": verdict(found), **asdict(found)}
    return json.dumps(data, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def _write(text: str, out: Path | None) -> None:
    if out is None:
        click.echo(text, nl=False)
        return
    try:
        out.write_text(text, encoding="utf-8")
    except OSError as error:
        raise click.ClickException(f"{out} cannot be written: {error.strerror}. Give another --out.") from None


def _say(line: str) -> None:
    click.echo(line, err=True)
