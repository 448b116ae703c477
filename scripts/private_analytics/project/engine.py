"""The engine with the tables: DuckDB or Athena, depending on the current dbt target."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import duckdb
import pyathena
from botocore.exceptions import BotoCoreError, ClientError
from dbt.adapters.athena.connections import AthenaCredentials
from dbt.adapters.athena.session import get_boto3_session_from_credentials
from dbt.adapters.duckdb.credentials import DuckDBCredentials
from dbt_common.exceptions import DbtRuntimeError

from .. import aws
from ..errors import UserError, first_line
from . import dbt

ERRORS = (duckdb.Error, pyathena.Error, BotoCoreError)
Connection: TypeAlias = "duckdb.DuckDBPyConnection | pyathena.connection.Connection[pyathena.cursor.Cursor]"


@dataclass(frozen=True)
class Engine:
    """A DB-API connection to an engine, duckdb or athena. `place` names what it reads, for messages."""

    name: str
    connection: Connection
    place: str
    schema: str
    threads: int

    def read(self, queries: Mapping[str, str]) -> dict[str, list[dict[str, Any]]]:
        """The rows of each query on tables of the schema. As many queries run at once as the profile has threads."""
        with ThreadPoolExecutor(self.threads) as pool:
            return dict(zip(queries, pool.map(self._rows, queries.values()), strict=True))

    def _rows(self, sql: str) -> list[dict[str, Any]]:
        try:
            cursor = self.connection.cursor()
            if self.name == "duckdb":  # where a cursor starts without a schema
                cursor.execute(f"use {self.schema}")
            cursor.execute(sql)
            names = [column[0] for column in cursor.description or ()]
            return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
        except ERRORS as error:
            raise unreadable(self.place, error) from None


def unreadable(what: str, error: Exception) -> UserError:
    """A UserError for one of ERRORS, with what to do next."""
    cause = error.__cause__ or error  # pyathena's own error says less than what AWS said
    if isinstance(cause, ClientError | BotoCoreError):
        return aws.meaning(cause, f"read {what}")
    return UserError(f"{what} cannot be read: {first_line(error)}. If it does not exist yet, run `dbt build`.")


@contextmanager
def open_engine() -> Iterator[Engine]:
    """The engine of the current dbt target. Raises UserError if it cannot be reached."""
    profile = dbt.profile()
    match profile.credentials:
        case AthenaCredentials() as credentials:
            engine = _athena(credentials, profile.threads)
        case DuckDBCredentials() as credentials:
            engine = _duckdb(credentials, profile.threads)
        case credentials:
            raise UserError(f"The current dbt target has the type {credentials.type}. Use a target of type duckdb or athena.")
    try:
        yield engine
    finally:
        engine.connection.close()


def _duckdb(credentials: DuckDBCredentials, threads: int) -> Engine:
    database = Path(credentials.path)
    if not database.is_file():
        raise UserError(f"There is no database at {database}. Run `dbt build`, or `make demo` for one from sample logs.")
    try:
        connection = duckdb.connect(str(database), read_only=True)
    except duckdb.Error as error:
        raise UserError(f"{database} cannot be read: {first_line(error)}. If dbt is running, wait until it ends.") from None
    return Engine("duckdb", connection, str(database), f'"{credentials.database}"."{credentials.schema}"', threads)


def _athena(credentials: AthenaCredentials, threads: int) -> Engine:
    logging.getLogger("pyathena").setLevel(logging.CRITICAL)  # it logs the traceback of every error that it raises
    try:
        connection = pyathena.connect(
            session=get_boto3_session_from_credentials(credentials),
            region_name=credentials.region_name,
            endpoint_url=credentials.endpoint_url,
            work_group=credentials.work_group,
            s3_staging_dir=credentials.s3_staging_dir,
            catalog_name=credentials.database,
            schema_name=credentials.schema,
            poll_interval=credentials.poll_interval,
        )
    except BotoCoreError as error:
        raise aws.meaning(error, "connect to Athena") from None
    except DbtRuntimeError as error:  # about the role that the profile assumes
        raise UserError(error.msg) from None
    place = f"Athena's database {credentials.schema} (workgroup {credentials.work_group})"
    return Engine("athena", connection, place, credentials.schema, threads)
