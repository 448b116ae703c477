"""A statement from its start to its end, through a boto3 client of Athena."""

import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mypy_boto3_athena import AthenaClient
    from mypy_boto3_athena.type_defs import QueryExecutionTypeDef

POLL_SECONDS = 0.05

Row = tuple[str | None, ...]


class QueryFailedError(Exception):
    """A query that ended as FAILED or CANCELLED. The message is Athena's reason, `execution` its QueryExecution."""

    def __init__(self, execution: "QueryExecutionTypeDef") -> None:
        status = execution["Status"]
        super().__init__(status.get("StateChangeReason", status["State"]))
        self.execution = execution


def execute(athena: "AthenaClient", sql: str, **request: Any) -> "QueryExecutionTypeDef":
    """Run a statement to its end and return its QueryExecution, whatever its state; `request` goes to StartQueryExecution."""
    query = athena.start_query_execution(QueryString=sql, **request)["QueryExecutionId"]
    while True:
        execution = athena.get_query_execution(QueryExecutionId=query)["QueryExecution"]
        if execution["Status"]["State"] in ("SUCCEEDED", "FAILED", "CANCELLED"):
            return execution
        time.sleep(POLL_SECONDS)


def fetch(athena: "AthenaClient", execution: "QueryExecutionTypeDef") -> list[Row]:
    """The rows of an execution as the texts that Athena sends, without the names of the columns.

    Raises QueryFailedError if the query did not succeed.
    """
    if execution["Status"]["State"] != "SUCCEEDED":
        raise QueryFailedError(execution)
    rows: list[Row] = []
    for page in athena.get_paginator("get_query_results").paginate(QueryExecutionId=execution["QueryExecutionId"]):
        rows += [tuple(cell.get("VarCharValue") for cell in row["Data"]) for row in page["ResultSet"]["Rows"]]
    return rows[1:] if execution.get("SubstatementType") == "SELECT" else rows
