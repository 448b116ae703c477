"""Lints all SQL of this project: models and macros as written (source), and their compiled SQL for each engine.

    python scripts/lint_sql.py [source] [duckdb] [athena]

It needs no database and no AWS account. dbt compiles against a fake engine: first one without tables, as in a first run, then one
with all tables and changed days, as in a daily run. The data tests, the hooks, and the queries of macros are linted too.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest import mock

if TYPE_CHECKING:
    from sqlfluff.core.types import ConfigMappingType

PROJECT = Path(__file__).resolve().parents[1]
JOBS = ("source", "duckdb", "athena")
SEPARATOR = "\n;\n"
QUIETLY = ["--log-level", "none", "--log-level-file", "none"]

# Layout and naming rules are off, since macros write this SQL. Rules stay on for SQL that is ambiguous or unused.
# AL03: queries are read by position. AL05: not every condition names its table. AL10, RF06: how dbt writes relations.
# AM04: a test shows whole rows.
# RF03: fields of structs look like columns of tables. RF04: linted in source. ST04, ST05: macros nest and join what they need.
NOT_FOR_COMPILED = "layout,jinja,RF02,AL03,AL05,AL10,AM04,RF03,RF04,RF06,ST04,ST05,ST06,ST07"

# The time zone is not UTC, so that all conversions are linted. Some of the days are consecutive, some are not.
VARS = "{reporting_timezone: Europe/Berlin}"
DAYS = ("2026-10-01", "2026-10-02", "2026-10-04")


def main() -> int:
    """Run the jobs in parallel, each in its own process: dbt cannot use two targets in one process."""
    if sys.argv[1:2] == ["--job"]:
        job = sys.argv[2]
        return lint_source() if job == "source" else lint_compiled(job)
    with tempfile.TemporaryDirectory() as folder:
        running = [start(job, Path(folder) / job) for job in sys.argv[1:] or JOBS]
        for process in running:
            print(process.communicate()[0].rstrip(), flush=True)
    return int(any(process.returncode for process in running))


def start(job: str, work: Path) -> subprocess.Popen[str]:
    """Start a job without the user's settings: no database, no lake, no AWS account."""
    (work / "lake").mkdir(parents=True)
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("ANALYTICS_", "ATHENA_", "AWS_", "DBT_"))}
    environment = kept | {
        "ANALYTICS_TARGET": "local" if job == "duckdb" else "athena",
        "ANALYTICS_DB": str(work / "analytics.duckdb"),
        "ANALYTICS_LAKE": str(work / "lake"),
        "AWS_ACCESS_KEY_ID": "nobody",
        "AWS_SECRET_ACCESS_KEY": "nobody",
        "AWS_ENDPOINT_URL": "http://127.0.0.1:9",  # where nobody listens
        "DBT_LOG_PATH": str(work / "logs"),
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
        "DBT_TARGET_PATH": str(work / "target"),
    }
    return subprocess.Popen(
        [sys.executable, __file__, "--job", job],
        cwd=PROJECT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def lint_source() -> int:
    """Lint models and data tests with sqlfluff's dbt templater, as on a first run, and macros as Jinja."""
    from sqlfluff.cli.commands import lint

    with engine(tables_are_there=False):
        models = exit_code(lint, "models", "tests/data")
    # sqlfluff does not know the tag {% materialization %}.
    files = [str(path) for path in sorted(Path("macros").rglob("*.sql")) if "{% materialization" not in path.read_text()]
    macros = exit_code(
        lint, *files, "tests/data/generic", "--disregard-sqlfluffignores", "--templater", "jinja", "--exclude-rules", "LT02,ST06"
    )
    return max(models, macros)


def exit_code(command: Any, *arguments: str) -> int:
    try:
        command.main(args=[*arguments, "--disable-progress-bar", "--nocolor"])
    except SystemExit as end:
        return int(end.code or 0)
    return 0


def lint_compiled(dialect: str) -> int:
    """Lint what dbt compiles for an engine, each distinct statement once."""
    from sqlfluff.core import FluffConfig, Linter

    overrides: ConfigMappingType = {"dialect": dialect, "templater": "raw", "exclude_rules": NOT_FOR_COMPILED}
    linter = Linter(config=FluffConfig.from_path(str(PROJECT / ".sqlfluff"), overrides=overrides))
    names: dict[str, str] = {}
    try:
        for name, sql in compiled():
            names.setdefault(sql, name)
    except CompilationError as error:
        print(f"== {dialect}: dbt cannot compile\n{error}")
        return 1
    found: dict[tuple[str, str, str], list[str]] = {}
    for sql, name in names.items():
        for violation in linter.lint_string(as_sqlfluff_knows_it(sql) + "\n", fname=name).get_violations():
            line = sql.splitlines()[violation.line_no - 1].strip()
            found.setdefault((violation.rule_code(), violation.desc(), line), []).append(name)
    for (code, description, line), places in found.items():
        print(f"== [{dialect}: {', '.join(dict.fromkeys(places))}] FAIL\n{code} | {description}\n     | {line}")
    print(f"{dialect}: {len(names)} compiled statements, {len(found)} violations")
    return 1 if found else 0


def as_sqlfluff_knows_it(sql: str) -> str:
    """DuckDB's lambda in its former arrow syntax."""
    return re.sub(r"\blambda (\w+(?:, \w+)*):", r"(\1) ->", sql)


class CompilationError(Exception):
    pass


def compiled() -> Iterator[tuple[str, str]]:
    """(origin, SQL) of each statement."""
    from dbt import flags
    from dbt.cli.main import dbtRunner

    get_flag_obj = flags.get_flag_obj

    def flags_of_a_build() -> Any:
        """The flags that macros see, as in `dbt build`."""
        seen = get_flag_obj()  # type: ignore[no-untyped-call]  # dbt's own, not annotated
        seen.WHICH = "build"
        return seen

    def invoke(*arguments: str) -> Any:
        result = dbtRunner(manifest=manifest).invoke([*QUIETLY, *arguments, "--vars", VARS])
        if not result.success:
            raise CompilationError(result.exception)
        return result.result

    def compile_all(*arguments: str) -> Iterator[tuple[Any, list[str]]]:
        with mock.patch.object(flags, "get_flag_obj", flags_of_a_build):
            results = invoke("--no-populate-cache", "compile", *arguments).results
        for result in results:
            statements = (result.node.compiled_code or "").split(SEPARATOR)
            yield result.node, [statement.strip() for statement in statements if statement.strip()]

    manifest: Any = None
    manifest = invoke("--no-partial-parse", "parse")
    with engine(tables_are_there=False):
        for node, statements in compile_all():
            # For other models, the daily run compiles everything that a first run does.
            if node.config.materialized == "incremental":
                yield from ((f"{node.original_file_path}, first run", sql) for sql in statements)
    manifest.flat_graph.pop("run_state", None)  # what run_state() remembers of that run
    own = f"macro.{manifest.metadata.project_name}."
    manifest.macros[own + "definition"].macro_sql = "{% macro definition(node) %}{{ return('same') }}{% endmacro %}"
    for node in manifest.nodes.values():
        node.raw_code = SEPARATOR.join([node.raw_code, *(hook.sql for hook in getattr(node.config, "post_hook", []))])
    hooks = SEPARATOR.join(node.raw_code for node in manifest.nodes.values() if node.resource_type == "operation")
    all_built = "{%- set results = [] -%}{%- for node in graph.nodes.values() -%}" + (
        "{%- do results.append({'status': 'success', 'node': node}) -%}{%- endfor -%}"
    )
    with engine(tables_are_there=True, names=[node.name for node in manifest.nodes.values()]) as asked:
        for node, statements in compile_all():
            # dbt's own tests are dbt's to lint.
            if not getattr(node, "test_metadata", None) or any(m.startswith(own) for m in node.depends_on.macros):
                yield from ((f"{node.original_file_path}, daily run", sql) for sql in statements)
        for _, statements in compile_all("--inline", all_built + hooks):
            yield from (("dbt_project.yml, on-run-start and on-run-end", sql) for sql in statements)
    yield from (("a query that a macro asks", sql.strip()) for sql in asked)


@contextmanager
def engine(*, tables_are_there: bool, names: list[str] | None = None) -> Iterator[list[str]]:
    """Replaces DuckDB and Athena, and yields the queries it got. It answers just enough for the macros to continue."""
    from agate import Number, Table, Text
    from dbt.adapters.athena.impl import AthenaAdapter
    from dbt.adapters.contracts.connection import AdapterResponse
    from dbt.adapters.duckdb.impl import DuckDBAdapter

    asked: list[str] = []

    def get_relation(adapter: Any, database: str, schema: str, identifier: str) -> Any:
        if tables_are_there:
            return adapter.Relation.create(database=database, schema=schema, identifier=identifier, type="table")
        return None

    def execute(_: Any, sql: str, *args: Any, **options: Any) -> tuple[AdapterResponse, Table]:
        asked.append(sql)
        if "sum(lines)" in sql:  # report_run: counts
            rows: list[list[Any]] = [[1] * 50]
        elif "definition" in sql:  # run_state: names, definitions, numbers of loads
            rows = [[name, "same", 0] for name in names or []]
        else:  # days, texts, numbers of loads, or whether something holds
            rows = [[day, day, number % 2] for number, day in enumerate(DAYS, 1)]
        if "changed_days" in sql:
            rows = [[day, 1, 1] for day in DAYS]
        elif "select distinct status_code is null" in sql:  # filled_sets: rows with a status code and a route
            rows = [[0, 1, 0, 1]]
        elif holder := re.search("run_id = '([^']+)'", sql):  # take_run_lock: this run has it
            rows = [[holder[1]] * 4]
        types = [Text() if isinstance(value, str) else Number() for value in rows[0]]
        return AdapterResponse("OK"), Table(rows, [f"column_{number}" for number in range(len(types))], types)

    with ExitStack() as stack:
        for adapter in (AthenaAdapter, DuckDBAdapter):
            stack.enter_context(mock.patch.object(adapter, "get_relation", get_relation))
            stack.enter_context(mock.patch.object(adapter, "execute", execute))
            stack.enter_context(mock.patch.object(adapter, "set_relations_cache", lambda *args, **options: None))
        stack.enter_context(mock.patch.object(AthenaAdapter, "get_glue_table_location", lambda *args: "s3://lake/logs"))
        yield asked


if __name__ == "__main__":
    sys.exit(main())
