"""The rules of tests/rules/ on Athena: what it makes of every case."""

from __future__ import annotations

import pytest

from helpers.athena_project import AthenaProject
from helpers.rule_cases import Case, Row, check, utf8_cases


@pytest.fixture(scope="module")
def tables(athena_project: AthenaProject) -> dict[str, list[Row]]:
    return {name: athena_project.table(name) for name in ("fct_events", "rejected_log_lines")}


@pytest.mark.parametrize("case", utf8_cases(), ids=str)
def test_athena(tables: dict[str, list[Row]], case: Case) -> None:
    check(case, tables)
