"""What make lint says of SQL that macros write, on a copy of the project with faults in it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from private_analytics.project import paths

PARTS = (".sqlfluff", ".sqlfluffignore", "dbt_project.yml", "macros", "models", "seeds", "tests/data", "scripts/lint_sql.py")


def test_faults_in_what_macros_write(tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    for part in PARTS:
        (copy / part).parent.mkdir(parents=True, exist_ok=True)
        (shutil.copytree if (paths.root() / part).is_dir() else shutil.copy)(paths.root() / part, copy / part)
    shutil.copy(paths.root() / "profiles.example.yml", copy / "profiles.yml")
    shutil.rmtree(copy / "models/marts/behaviour")  # no fault is there, and it takes a third of the time
    shutil.rmtree(copy / "models/marts/reliability")
    for name in ("batch_session_events", "int_sessions__funnels"):  # they go with the mart sessions
        for path in (copy / "models/intermediate").glob(f"{name}.*"):
            path.unlink()
    for path in (copy / "tests/data").glob("*.sql"):
        path.unlink()

    # Upper case, on both engines.
    replace(copy / "macros/fields/read_fields.sql", "case when {{ latency }} >= 0", "CASE when {{ latency }} >= 0")
    # A CTE that nothing reads, on Athena, on a daily run: in a query that is made of the answer to another.
    replace(
        copy / "macros/engines/lake.sql", 'select line, "$path"', 'with unread as (select 1 as one) select line, "$path"', count=1
    )
    # A parenthesis that is not closed, on Athena.
    replace(copy / "macros/engines/time.sql", "to_unixtime({{ start }}), 6)", "to_unixtime({{ start }}), 6")
    # One too many, in a hook.
    replace(copy / "macros/loading/end_of_run.sql", "values (\n", "values ((\n")
    # DuckDB alone knows both.
    (copy / "models/marts/from_first.sql").write_text("from {{ ref('events') }} select \"statusCode\"::varchar as status_code\n")
    # In the source.
    (copy / "macros/padding.sql").write_text("{% macro padding(text) %}{{text}}{% endmacro %}\n")
    before = files(copy)

    lint = subprocess.run(
        [sys.executable, "scripts/lint_sql.py"],
        cwd=copy,
        env=os.environ | {"ANALYTICS_DB": str(copy / "mine.duckdb"), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )

    said = lint.stdout
    assert lint.returncode == 1, said + lint.stderr
    violations = said.replace("\n== ", "\0== ").split("\0")

    def found(place: str, *words: str) -> bool:
        return any(place in violation and all(word in violation for word in words) for violation in violations)

    for engine in ("duckdb", "athena"):
        assert found(f"[{engine}: models/batch/batch_lines.sql, daily run", "CP01", "CASE when"), said
        assert found(f"[{engine}: dbt_project.yml", "PRS"), said
    assert found("[athena: models/batch/batch_lines.sql, daily run", "ST03", "unread"), said
    assert not found("[duckdb: ", "ST03"), said
    assert found("[athena: ", "models/marts/operations/export_health.sql", "PRS"), said
    assert not found("[duckdb: ", "export_health", "PRS"), said
    assert found("[athena: models/marts/from_first.sql", "PRS"), said
    assert found("[duckdb: models/marts/from_first.sql", "CV11"), said
    assert not found("[duckdb: ", "from_first", "PRS"), said
    assert found("[macros/padding.sql]", "JJ01"), said
    assert files(copy) == before


def replace(path: Path, old: str, new: str, count: int = -1) -> None:
    text = path.read_text()
    assert old in text, f"{path} no longer has {old!r}"
    path.write_text(text.replace(old, new, count))


def files(folder: Path) -> set[Path]:
    return set(folder.rglob("*"))
