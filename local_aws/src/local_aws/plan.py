"""What a statement becomes: steps on Trino and on Glue, checks before them, and how Athena calls the statement."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from local_aws.sql_text import quote_name

if TYPE_CHECKING:
    from mypy_boto3_athena import AthenaClient
    from mypy_boto3_glue import GlueClient
    from mypy_boto3_s3 import S3Client

HIVE = "awsdatacatalog"  # Trino's names of its two catalogs over the one Glue
ICEBERG = "iceberg"

Columns = Sequence[tuple[str, str]]  # name and Trino type


@dataclass(frozen=True)
class Table:
    """A table of the Glue catalog: database and name, in lower case."""

    database: str
    name: str

    def __str__(self) -> str:
        return f"{self.database}.{self.name}"

    @property
    def in_iceberg(self) -> str:
        """The name in SQL for Trino's Iceberg catalog."""
        return quote_name(ICEBERG, self.database, self.name)

    @property
    def in_hive(self) -> str:
        """The name in SQL for Trino's hive catalog."""
        return quote_name(HIVE, self.database, self.name)


@dataclass(frozen=True)
class EngineStep:
    """One statement run on Trino. `catalog` is the session's catalog, `session` holds Trino's session properties."""

    sql: str
    catalog: str = HIVE
    session: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class GlueContext:
    """What a GlueStep works with: boto3 clients, and where the statement was sent."""

    glue: "GlueClient"
    s3: "S3Client"
    athena: "AthenaClient"
    database: str | None = None
    workgroup: str = "primary"


@dataclass(frozen=True)
class DdlResult:
    """What a GlueStep leaves: rows of text under column names, or steps on Trino that do the rest and have the result.

    `column_type` is the type of all columns.
    """

    rows: list[list[str]] = field(default_factory=list)
    columns: tuple[str, ...] = ()
    column_type: str = "string"
    substatement_type: str | None = None  # where only the catalog tells it: DESC_VIEW
    then: tuple[EngineStep, ...] = ()


@dataclass(frozen=True)
class GlueStep:
    """One action on the Glue catalog. `run` raises limits.Refusal and botocore's ClientError."""

    run: Callable[[GlueContext], DdlResult]


@dataclass(frozen=True)
class OutputCheck:
    """To be asked before the steps: `check` takes the names and types of the columns of `query` and raises Refusal."""

    query: str
    check: Callable[[Columns], None]


@dataclass(frozen=True)
class Statement:
    """A statement as Athena reports it, and what to do for it: `checks`, then `steps`, then `after`."""

    statement_type: str  # DDL, DML or UTILITY
    substatement_type: str
    steps: tuple[EngineStep | GlueStep, ...]
    checks: tuple[OutputCheck, ...] = ()
    after: tuple[GlueStep, ...] = ()
