"""What a dbt run scanned on Athena, node by node, and what that costs."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..aws import aws_errors
from ..errors import UserError

if TYPE_CHECKING:
    from mypy_boto3_athena.client import AthenaClient
    from mypy_boto3_athena.type_defs import QueryExecutionTypeDef

# aws.amazon.com/athena/pricing, us-east-1: per TB scanned, at least 10 MB a query; DDL and failed queries are free.
USD_PER_TB = 5.0
TB = 10**12
MINIMUM_BYTES = 10 * 10**6


@dataclass(frozen=True)
class Scan:
    """What one node's queries scanned. node: its unique_id, or '(dbt itself)'."""

    node: str
    queries: int
    bytes: int
    billed_bytes: int

    @property
    def name(self) -> str:
        """The node's own name."""
        return self.node.removeprefix("model.private_analytics.")

    @property
    def usd(self) -> float:
        return self.billed_bytes / TB * USD_PER_TB


def read_run(run_results: Path) -> tuple[str, datetime]:
    """Invocation id and start of the run that wrote a run_results.json. Raises UserError if it is not one."""
    try:
        written = json.loads(run_results.read_bytes())
        metadata = written["metadata"]
        ended = datetime.fromisoformat(metadata["generated_at"].replace("Z", "+00:00"))
        return metadata["invocation_id"], ended - timedelta(seconds=written["elapsed_time"] + 60)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise UserError(f"{run_results} is not the result of a dbt run ({error}). Run dbt build --target athena first.") from None


def scans(athena: AthenaClient, workgroup: str, invocation_id: str, since: datetime) -> list[Scan]:
    """The queries of one dbt invocation that started at `since` or later, by node, most expensive first.

    The queries come from Athena, as run_results.json holds only the last statement of each node. The comment that dbt puts before
    a query (macro query_comment) names its node. Raises UserError if Athena cannot be asked.
    """
    totals: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0])
    with aws_errors(f"list the queries of workgroup {workgroup}"):
        for execution in _executions(athena, workgroup, since):
            comment = _comment(execution["Query"])
            if comment.get("invocation_id") != invocation_id:
                continue
            total = totals[comment.get("node_id") or "(dbt itself)"]
            scanned = execution.get("Statistics", {}).get("DataScannedInBytes", 0)
            total[0] += 1
            total[1] += scanned
            total[2] += _billed(execution, scanned)
    found = [Scan(node, *total) for node, total in totals.items()]
    return sorted(found, key=lambda scan: (-scan.billed_bytes, -scan.bytes, scan.node))


def total(found: Iterable[Scan]) -> Scan:
    """The sum of scans."""
    found = list(found)
    return Scan("all", sum(s.queries for s in found), sum(s.bytes for s in found), sum(s.billed_bytes for s in found))


def _billed(execution: QueryExecutionTypeDef, scanned: int) -> int:
    if execution.get("StatementType") != "DML" or execution["Status"]["State"] == "FAILED":
        return 0
    return max(scanned, MINIMUM_BYTES)


def _executions(athena: AthenaClient, workgroup: str, since: datetime) -> Iterator[QueryExecutionTypeDef]:
    for page in athena.get_paginator("list_query_executions").paginate(WorkGroup=workgroup):
        if not page["QueryExecutionIds"]:
            continue
        executions = athena.batch_get_query_execution(QueryExecutionIds=page["QueryExecutionIds"])["QueryExecutions"]
        yield from executions
        if min(execution["Status"]["SubmissionDateTime"] for execution in executions) < since:
            return  # the newest come first


def _comment(query: str) -> dict[str, Any]:
    """What query_comment wrote before the statement; empty for other queries."""
    start, end = query.find("/*"), query.find("*/")
    try:
        comment = json.loads(query[start + 2 : end])
    except ValueError:
        return {}
    return comment if isinstance(comment, dict) else {}
