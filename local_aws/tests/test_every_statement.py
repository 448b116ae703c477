"""A statement of every kind, carried out by Trino and Glue."""

from collections.abc import Callable
from typing import Any

from statement_kinds import KINDS, SCRIPT


def test_a_statement_of_every_kind_runs(execute: Callable[..., Any], athena_schema: str, athena_location: str) -> None:
    ran = set()
    for sql in SCRIPT:
        execution = execute(sql.format(db=athena_schema, data=athena_location))
        assert execution["Status"]["State"] == "SUCCEEDED", (sql, execution["Status"])
        ran.add((execution["StatementType"], execution["SubstatementType"]))
    assert {(kind, subkind) for _, kind, subkind in KINDS} <= ran
