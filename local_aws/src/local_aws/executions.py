"""Query executions: queued, run by a few threads on Trino and Glue, cancelled, and remembered with their statistics."""

import contextlib
import logging
import threading
import time
from collections import deque
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError
from trino.exceptions import TrinoQueryError

from local_aws import engine, failures, results
from local_aws.engine import Column, EngineDownError
from local_aws.failures import Failure
from local_aws.limits import Refusal
from local_aws.plan import HIVE, DdlResult, EngineStep, GlueContext, GlueStep, Statement
from local_aws.result_store import Form, ResultStore, ResultWriter, form_of, split_uri
from local_aws.trino_server import TrinoError, TrinoServer

if TYPE_CHECKING:
    from mypy_boto3_athena import AthenaClient
    from mypy_boto3_glue import GlueClient
    from mypy_boto3_s3 import S3Client

RUNNING_AT_ONCE = 20  # Athena's own quota of running queries differs by region: 20 to 200
REMEMBERED = 2_000  # with Trino's statistics, some ten kilobytes each

QUEUED, RUNNING, SUCCEEDED, FAILED, CANCELLED = "QUEUED", "RUNNING", "SUCCEEDED", "FAILED", "CANCELLED"
FINAL = {SUCCEEDED, FAILED, CANCELLED}

_RESULT_CALLS = {"PutObject", "CreateMultipartUpload", "UploadPart", "CompleteMultipartUpload"}
_WITH_MANIFEST = {"INSERT", "CREATE_TABLE_AS_SELECT", "UNLOAD"}

CANCELLED_BY_USER = "Query cancelled by user"
OVER_CUTOFF = "Bytes scanned limit was exceeded"

_log = logging.getLogger(__name__)


class _CancelledError(Exception):
    """The execution is to end as CANCELLED; the message is the reason."""


@dataclass
class Execution:
    """One execution of a query. Times are seconds since 1970; `stats` is Trino's own account of the last engine step."""

    id: str
    query: str
    statement: Statement
    workgroup: str
    context: Mapping[str, str]  # QueryExecutionContext
    result_configuration: Mapping[str, Any]  # with the OutputLocation that is the folder of all results
    cutoff_bytes: int | None = None
    received: float = field(default_factory=time.time)

    state: str = QUEUED
    reason: str | None = None
    failure: Failure | None = None
    submitted: float = field(default_factory=time.time)
    started: float | None = None
    engine_done: float | None = None
    completed: float | None = None
    scanned_bytes: int = 0
    stats: Mapping[str, Any] = field(default_factory=dict)
    columns: list[Column] = field(default_factory=list)
    update_type: str | None = None
    update_count: int | None = None
    rows: int = 0
    result_bytes: int = 0
    engine_query_id: str | None = None
    written: list[str] = field(default_factory=list)  # the files of a hive table that it wrote
    substatement_type: str = ""
    stop: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self.substatement_type = self.statement.substatement_type

    @property
    def form(self) -> Form:
        """The form of its result."""
        return form_of(self.statement.statement_type, self.statement.substatement_type)

    @property
    def output(self) -> str:
        """The URI of its result."""
        folder = self.result_configuration["OutputLocation"].rstrip("/")
        return f"{folder}/{self.form.folder}{self.id}{self.form.suffix}"

    @property
    def manifest(self) -> str | None:
        """The URI of the list of files that it wrote, if it has one."""
        # As PyAthena's tests tell of UNLOAD: one that found no rows has a list with nothing in it.
        listed = self.written or self.substatement_type == "UNLOAD"
        return f"{self.output}-manifest.csv" if listed else None

    @property
    def encryption(self) -> Mapping[str, str] | None:
        """Its EncryptionConfiguration."""
        return self.result_configuration.get("EncryptionConfiguration")


class Executions:
    """Runs executions, RUNNING_AT_ONCE at a time, and remembers the last REMEMBERED of them."""

    def __init__(
        self, trino: TrinoServer, store: ResultStore, *, s3: "S3Client", glue: "GlueClient", athena: "AthenaClient"
    ) -> None:
        self._trino = trino
        self._store = store
        self._s3 = s3
        self._glue = glue
        self._athena = athena
        self._all: dict[str, Execution] = {}  # oldest first
        self._changing = threading.Lock()
        self._pool = ThreadPoolExecutor(RUNNING_AT_ONCE, thread_name_prefix="athena-query")

    def submit(self, execution: Execution) -> None:
        """Queue it."""
        with self._changing:
            self._all[execution.id] = execution
            if len(self._all) > REMEMBERED:
                oldest = next((old for old in self._all.values() if old.state in FINAL), None)
                if oldest:
                    del self._all[oldest.id]
        self._pool.submit(self._run, execution)

    def get(self, id_: str) -> Execution | None:
        """The execution of this id."""
        return self._all.get(id_)

    def newest_first(self) -> list[Execution]:
        """All that are remembered."""
        with self._changing:
            return list(reversed(self._all.values()))

    def stop(self, execution: Execution) -> None:
        """Cancel it: at once if it waits, within about a second if it runs; nothing if it has ended."""
        execution.stop.set()
        with self._changing:
            if execution.state == QUEUED:
                self._finish(execution, CANCELLED, CANCELLED_BY_USER)

    def close(self) -> None:
        """Cancel all and wait until they have ended."""
        for execution in self.newest_first():
            self.stop(execution)
        self._pool.shutdown(cancel_futures=True)

    # --- one execution, in a thread of the pool ---

    def _run(self, execution: Execution) -> None:
        with self._changing:
            if execution.state != QUEUED:
                return
            execution.started = time.time()
            execution.state = RUNNING
        try:
            with self._store.new_file(execution.id).open("wb") as file:
                self._carry_out(execution, ResultWriter(file, execution.form))
            self._publish(execution)
        except _CancelledError as cancelled:
            self._finish(execution, CANCELLED, str(cancelled))
        except Exception as error:
            failure = failures.with_manual_cleaning(_failure(error), execution.substatement_type, execution.output)
            execution.failure = failure
            self._finish(execution, FAILED, failure.message)
        else:
            self._finish(execution, SUCCEEDED)
        if execution.state != SUCCEEDED or not execution.form.has_body:
            self._store.discard(execution.id)

    def _finish(self, execution: Execution, state: str, reason: str | None = None) -> None:
        execution.completed = time.time()
        execution.reason = reason
        execution.state = state  # last: who sees it finds the rest complete

    def _carry_out(self, execution: Execution, writer: ResultWriter) -> None:
        statement = execution.statement
        for check in statement.checks:
            check.check([(column.name, column.type) for column in self._columns_of(execution, check.query)])
        steps = deque(statement.steps)
        while steps:
            step = steps.popleft()
            if isinstance(step, EngineStep):
                self._engine_step(execution, step, writer)
            else:
                steps.extendleft(reversed(self._glue_step(execution, step, writer).then))
        execution.engine_done = time.time()
        if execution.update_count and statement.substatement_type in _WITH_MANIFEST:
            execution.written = self._written_files(execution.engine_query_id or "")
        for step in statement.after:
            step.run(self._glue_context(execution))

    def _engine_step(self, execution: Execution, step: EngineStep, writer: ResultWriter) -> None:
        columns: list[Column] = []
        for page in self._pages(execution, step.sql, step.catalog, step.session):
            execution.engine_query_id = page.query_id
            execution.update_type = page.update_type
            execution.update_count = page.update_count
            if page.update_type:
                continue  # its row is the count
            if page.columns and not columns:
                columns = page.columns
                writer.header([column.name for column in columns])
            for row in results.rendered(columns, page.rows):
                writer.row(row)
                execution.rows += 1
        execution.columns = [results.plain_column("rows", "bigint")] if execution.update_count is not None else columns

    def _glue_step(self, execution: Execution, step: GlueStep, writer: ResultWriter) -> DdlResult:
        result = step.run(self._glue_context(execution))
        execution.columns = [results.plain_column(name, result.column_type) for name in result.columns]
        execution.substatement_type = result.substatement_type or execution.substatement_type
        for row in result.rows:
            writer.row(row)
            execution.rows += 1
        return result

    def _pages(self, execution: Execution, sql: str, catalog: str, session: Mapping[str, str]) -> Iterator[engine.Page]:
        """Run a statement on Trino, which is started if it has ended, and keep account of it."""
        if not self._trino.is_running():
            self._trino.start()
        scanned_before = execution.scanned_bytes
        pages = engine.run(
            self._trino.url, sql, catalog=catalog, schema=execution.context.get("Database", "default").lower(), session=session
        )
        with contextlib.closing(pages):
            for page in pages:
                execution.stats = page.stats
                if execution.statement.statement_type != "UTILITY":  # the engine's own tables cost nothing
                    execution.scanned_bytes = scanned_before + page.stats["physicalInputBytes"]
                if execution.stop.is_set() and page.stats["state"] != "FINISHED":
                    raise _CancelledError(CANCELLED_BY_USER)
                # Also at the end, when a write is done already: a short query is over before it can be cut off.
                if execution.cutoff_bytes and execution.scanned_bytes > execution.cutoff_bytes:
                    raise _CancelledError(OVER_CUTOFF)
                yield page

    def _columns_of(self, execution: Execution, query: str) -> list[Column]:
        columns: list[Column] = []
        for page in self._pages(execution, f"SELECT * FROM (\n{query}\n) LIMIT 0", HIVE, {}):  # noqa: S608 (the user's own query)
            columns = page.columns or columns
        return columns

    def _glue_context(self, execution: Execution) -> GlueContext:
        return GlueContext(
            glue=self._glue,
            s3=self._s3,
            database=execution.context.get("Database"),
            athena=self._athena,
            workgroup=execution.workgroup,
        )

    # --- what it leaves in S3 ---

    def _publish(self, execution: Execution) -> None:
        if execution.form.has_body:
            execution.result_bytes = self._store.publish(execution.id, execution.output, execution.encryption)
        if execution.columns:
            content = results.metadata(
                execution.columns,
                query_id=execution.engine_query_id or execution.id,
                update_type=execution.update_type,
                update_count=execution.update_count,
            )
            self._store.put(f"{execution.output}.metadata", content, execution.encryption)
        if execution.manifest:
            self._store.put(execution.manifest, "\n".join(execution.written).encode(), execution.encryption)

    def _written_files(self, query_id: str) -> list[str]:
        """The files that a query of the engine wrote into a hive table; Athena lists none of an Iceberg table."""
        target = engine.written_table(self._trino.url, query_id)
        if target is None or target[0] != HIVE:
            return []
        table = self._glue.get_table(DatabaseName=target[1], Name=target[2])["Table"]
        bucket, prefix = split_uri(table["StorageDescriptor"]["Location"])
        objects = self._s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix.rstrip("/") + "/")
        keys = [found["Key"] for part in objects for found in part.get("Contents", [])]
        # Trino begins the name of every file with the id of the query that wrote it.
        return [f"s3://{bucket}/{key}" for key in keys if key.rpartition("/")[2].startswith(query_id)]


def _failure(error: Exception) -> Failure:
    match error:
        case TrinoQueryError():
            return failures.of_engine(error)
        case Refusal():
            return failures.of_refusal(error)
        case EngineDownError() | TrinoError():
            return failures.engine_down(error)
        case ClientError() if error.operation_name in _RESULT_CALLS:
            return Failure(str(error), failures.SYSTEM, failures.WRITE)
        case ClientError() | BotoCoreError():
            return Failure(str(error), failures.SYSTEM, failures.METASTORE)
        case _:
            _log.exception("a query execution failed in an unexpected way")
            return Failure(f"GENERIC_INTERNAL_ERROR: {type(error).__name__}: {error}", failures.SYSTEM, failures.INTERNAL)
