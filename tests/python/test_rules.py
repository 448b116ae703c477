"""The rules of tests/rules/: what the oracle and DuckDB make of every case."""

from __future__ import annotations

from pathlib import Path

import pytest

from helpers import oracle
from helpers.project import Project
from helpers.rule_cases import Case, Row, cases, check, exports
from private_analytics.project import paths

Tables = dict[str, list[Row]]
each_case = pytest.mark.parametrize("case", cases(), ids=str)


def export_cases(project: Project) -> None:
    for line_format, streams in exports(cases()).items():
        project.export(streams, task_id=line_format, line_format=line_format)


@pytest.fixture(scope="module")
def oracle_tables(tmp_path_factory: pytest.TempPathFactory) -> Tables:
    project = Project(tmp_path_factory.mktemp("lake"), Path("no database"))
    export_cases(project)
    return vars(oracle.compute(project.lake, oracle.load_config(paths.root())))


@each_case
def test_oracle(oracle_tables: Tables, case: Case) -> None:
    check(case, oracle_tables)


@pytest.fixture(scope="module")
def builds() -> list[Tables]:
    """The one build of all cases, once it is done."""
    return []


@pytest.fixture
def duckdb_tables(project: Project, builds: list[Tables]) -> Tables:
    if not builds:
        builds.append({})  # a build that fails is not tried again for every case
        export_cases(project)
        project.build_from(project.lake)  # some lines are not UTF-8
        builds[0] |= {name: project.table(name) for name in ("fct_events", "rejected_log_lines")}
    assert builds[0], "the build failed: see the first of these tests"
    return builds[0]


@each_case
def test_duckdb(duckdb_tables: Tables, case: Case) -> None:
    check(case, duckdb_tables)
