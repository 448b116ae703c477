"""The Athena API: the name of an operation and its request in, its response out."""

import threading
import time
import uuid
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import boto3
import botocore.session
from botocore.exceptions import ClientError

from local_aws import clients, engine, results, workgroups
from local_aws.executions import CANCELLED, FAILED, FINAL, REMEMBERED, SUCCEEDED, Execution, Executions
from local_aws.limits import Refusal
from local_aws.metadata import CATALOG, ENGINES, Metadata
from local_aws.plan import DdlResult, EngineStep, GlueContext, GlueStep, Statement
from local_aws.protocol import ApiError, Request, Response, check, invalid, next_token, page, token_position
from local_aws.result_store import ResultStore, split_uri
from local_aws.saved_queries import NamedQueries, PreparedStatements
from local_aws.statements import translate
from local_aws.trino_server import TrinoServer

if TYPE_CHECKING:
    from mypy_boto3_glue import GlueClient

__all__ = ["ApiError", "AthenaApi"]

_NOT_FOUND = {"ErrorCode": "QUERY_EXECUTION_NOT_FOUND", "ErrorMessage": "The query execution was not found"}

ROWS_A_PAGE = 1000


class AthenaApi:
    """Answers the operations in `operations`; the others are moto's."""

    def __init__(self, aws_endpoint: str, trino: TrinoServer, region: str) -> None:
        made_with = clients.settings(aws_endpoint, region)
        self._trino = trino
        self._s3 = boto3.client("s3", **made_with)
        glue = boto3.client("glue", **made_with)
        self._backend = workgroups.moto_backend(region)
        self._store = ResultStore(self._s3)
        athena = boto3.client("athena", **made_with)
        self._executions = Executions(trino, self._store, s3=self._s3, glue=glue, athena=athena)
        self._tokens: dict[str, tuple[tuple[str | None, ...], str]] = {}
        self._starting = threading.Lock()
        self._model = botocore.session.get_session().get_service_model("athena")
        self.operations: dict[str, Callable[[Request], Response]] = {
            "StartQueryExecution": self._start_query_execution,
            "StopQueryExecution": self._stop_query_execution,
            "GetQueryExecution": self._get_query_execution,
            "BatchGetQueryExecution": self._batch_get_query_execution,
            "ListQueryExecutions": self._list_query_executions,
            "GetQueryResults": self._get_query_results,
            "GetQueryRuntimeStatistics": self._get_query_runtime_statistics,
            "GetWorkGroup": lambda request: workgroups.get(self._backend, request),
            "UpdateWorkGroup": lambda request: workgroups.update(self._backend, request),
            "ListEngineVersions": lambda request: ENGINES,
            **self._saved_query_operations(),
            **self._metadata_operations(glue),
        }

    def _saved_query_operations(self) -> dict[str, Callable[[Request], Response]]:
        def check_workgroup(name: str) -> None:
            workgroups.get(self._backend, {"WorkGroup": name})

        named = NamedQueries(check_workgroup)
        prepared = self._prepared = PreparedStatements(check_workgroup)
        return {
            "CreateNamedQuery": named.create,
            "GetNamedQuery": named.get,
            "BatchGetNamedQuery": named.batch_get,
            "ListNamedQueries": named.list,
            "UpdateNamedQuery": named.update,
            "DeleteNamedQuery": named.delete,
            "CreatePreparedStatement": prepared.create,
            "GetPreparedStatement": prepared.get,
            "BatchGetPreparedStatement": prepared.batch_get,
            "ListPreparedStatements": prepared.list,
            "UpdatePreparedStatement": prepared.update,
            "DeletePreparedStatement": prepared.delete,
        }

    def _metadata_operations(self, glue: "GlueClient") -> dict[str, Callable[[Request], Response]]:
        metadata = Metadata(glue, self._backend)
        return {
            "ListDatabases": metadata.list_databases,
            "GetDatabase": metadata.get_database,
            "ListTableMetadata": metadata.list_tables,
            "GetTableMetadata": metadata.get_table,
            "ListDataCatalogs": metadata.list_catalogs,
            "GetDataCatalog": metadata.get_catalog,
        }

    def call(self, operation: str, request: Request) -> Response:
        """Answer an operation that is in `operations`. Raises ApiError."""
        if shape := self._model.operation_model(operation).input_shape:
            check(request, shape)
        return self.operations[operation](request)

    def close(self) -> None:
        """Cancel what runs and remove the copies of results."""
        self._executions.close()
        self._store.close()

    # --- starting ---

    def _start_query_execution(self, request: Request) -> Response:
        received = time.time()
        token = request.get("ClientRequestToken")
        if token is None:
            raise invalid("clientRequestToken is null or empty")
        workgroup = request.get("WorkGroup", workgroups.DEFAULT)
        configuration = workgroups.configuration(self._backend, workgroup)
        result_configuration = _result_configuration(request, configuration)
        self._check_output_location(result_configuration.get("OutputLocation"))
        id_ = str(uuid.uuid4())
        folder = result_configuration["OutputLocation"].rstrip("/")
        data_location = f"{folder}/tables/{id_}/"
        statement = self._translate(
            request, workgroup, data_location=data_location, location_enforced=_is_location_enforced(configuration)
        )
        context = _context(request)
        # What is the same with a known token; Athena does not compare the workgroup and the parameters.
        identity = (
            request["QueryString"],
            request.get("QueryExecutionContext", {}).get("Catalog"),
            context.get("Database"),
            result_configuration["OutputLocation"],
        )
        with self._starting:
            if token in self._tokens:
                known, known_id = self._tokens[token]
                if known != identity:
                    raise invalid("Idempotent parameters do not match", "IDEMPOTENT_PARAMETER_MISMATCH")
                return {"QueryExecutionId": known_id}
            execution = Execution(
                id=id_,
                query=request["QueryString"],
                statement=statement,
                workgroup=workgroup,
                context=context,
                result_configuration=result_configuration,
                cutoff_bytes=configuration.get("BytesScannedCutoffPerQuery"),
                received=received,
            )
            self._tokens[token] = (identity, id_)
            if len(self._tokens) > REMEMBERED:
                del self._tokens[next(iter(self._tokens))]
            self._executions.submit(execution)
        return {"QueryExecutionId": id_}

    def _check_output_location(self, location: str | None) -> None:
        if not location:
            raise invalid(
                "No output location provided. An output location is required either through the Workgroup result configuration "
                "setting or as an API input."
            )
        bucket, _ = split_uri(location)
        if not location.startswith("s3://") or not bucket:
            raise invalid("outputLocation is not a valid S3 path.")
        try:
            self._s3.head_bucket(Bucket=bucket)
        except ClientError:
            raise invalid(f"Unable to verify/create output bucket {bucket}") from None

    def _translate(self, request: Request, workgroup: str, *, data_location: str, location_enforced: bool) -> Statement:
        context = _context(request)
        try:
            statement = translate(
                request["QueryString"],
                database=context.get("Database"),
                catalog=request.get("QueryExecutionContext", {}).get("Catalog", CATALOG),
                execution_parameters=request.get("ExecutionParameters", ()),
                data_location=data_location,
                location_enforced=location_enforced,
                workgroup=workgroup,
                prepared=lambda name: self._prepared.text(workgroup, name),
            )
        except Refusal as refusal:
            if refusal.submission:
                raise invalid(refusal.message, refusal.code) from None
            return _refused(refusal)
        for step in statement.steps:
            if isinstance(step, EngineStep) and self._trino.is_running():
                complaint = engine.syntax_error(self._trino.url, step.sql)
                if complaint:
                    raise invalid(complaint, "MALFORMED_QUERY")
        return statement

    # --- asking for executions ---

    def _find(self, request: Request) -> Execution:
        id_ = request["QueryExecutionId"]
        if (execution := self._executions.get(id_)) is None:
            raise invalid(f"QueryExecution {id_} was not found", "QUERY_EXECUTION_NOT_FOUND")
        return execution

    def _stop_query_execution(self, request: Request) -> Response:
        self._executions.stop(self._find(request))
        return {}

    def _get_query_execution(self, request: Request) -> Response:
        return {"QueryExecution": _query_execution(self._find(request))}

    def _batch_get_query_execution(self, request: Request) -> Response:
        ids = request["QueryExecutionIds"]
        found = {id_: execution for id_ in ids if (execution := self._executions.get(id_))}
        missing = [id_ for id_ in ids if id_ not in found]
        return {
            "QueryExecutions": [_query_execution(execution) for execution in found.values()],
            "UnprocessedQueryExecutionIds": [{"QueryExecutionId": id_, **_NOT_FOUND} for id_ in missing],
        }

    def _list_query_executions(self, request: Request) -> Response:
        workgroup = request.get("WorkGroup", workgroups.DEFAULT)
        workgroups.get(self._backend, {"WorkGroup": workgroup})
        ids = [execution.id for execution in self._executions.newest_first() if execution.workgroup == workgroup]
        shown, more = page(ids, request)
        return {"QueryExecutionIds": shown, **more}

    def _get_query_runtime_statistics(self, request: Request) -> Response:
        execution = self._find(request)
        rows = {
            "InputRows": execution.stats.get("processedRows", 0),
            "InputBytes": execution.scanned_bytes,
            "OutputRows": execution.update_count if execution.update_count is not None else execution.rows,
            "OutputBytes": execution.stats.get("physicalWrittenBytes") or execution.result_bytes,
        }
        root = execution.stats.get("rootStage")
        stage = {"OutputStage": _stage(root)} if root else {}
        return {"QueryRuntimeStatistics": {"Timeline": _timeline(execution), "Rows": rows, **stage}}

    # --- results ---

    def _get_query_results(self, request: Request) -> Response:
        execution = self._find(request)
        most = request.get("MaxResults", ROWS_A_PAGE)
        if most > ROWS_A_PAGE:
            raise invalid(f"MaxResults is more than maximum allowed length {ROWS_A_PAGE}")
        if execution.state == CANCELLED:
            raise invalid("Could not find results", "RESULT_NOT_FOUND")
        if execution.state == FAILED:
            raise _state_error(f"Query did not finish successfully. Final query state: {FAILED}")
        if execution.state != SUCCEEDED:
            raise _state_error(f"Query has not yet finished. Current state: {execution.state}")
        if request.get("QueryResultType") == "DATA_MANIFEST":
            return _manifest(execution, request)
        position = token_position(request, "Malformed nextPageToken")
        try:
            rows, position = self._store.page(execution.id, execution.output, execution.form, position, most)
        except ClientError:
            raise invalid("Could not find results", "RESULT_NOT_FOUND") from None
        return {
            "ResultSet": {
                "Rows": [{"Data": [{} if cell is None else {"VarCharValue": cell} for cell in row]} for row in rows],
                "ResultSetMetadata": {"ColumnInfo": [results.column_info(column) for column in execution.columns]},
            },
            **_update_count(execution),
            **(next_token(position) if len(rows) == most else {}),  # a full page, even if it is the last: as Athena
        }


def _manifest(execution: Execution, request: Request) -> Response:
    """GetQueryResults with the files that a query wrote instead of its rows."""
    if not execution.manifest:
        raise invalid("Could not find results", "RESULT_NOT_FOUND")
    shown, more = page(execution.written, request, ROWS_A_PAGE)
    rows = [{"Data": [{"VarCharValue": uri}]} for uri in shown]
    return {"ResultSet": {"Rows": rows, "ResultSetMetadata": {"ColumnInfo": []}}, **_update_count(execution), **more}


def _refused(refusal: Refusal) -> Statement:
    """A statement that does nothing but fail with `refusal`."""

    def run(_: GlueContext) -> DdlResult:
        raise refusal

    return Statement("DDL", "", (GlueStep(run),))


def _state_error(message: str) -> ApiError:
    return invalid(message, "INVALID_QUERY_EXECUTION_STATE")


def _context(request: Request) -> dict[str, str]:
    """The QueryExecutionContext as Athena gives it back."""
    context = dict(request.get("QueryExecutionContext", {}))
    if "Catalog" in context:
        context["Catalog"] = context["Catalog"].lower()
    return context


def _result_configuration(request: Request, configuration: Request) -> dict[str, Any]:
    """The settings that hold: the workgroup's if it enforces them, else the client's with the workgroup's for what is missing."""
    of_workgroup = configuration.get("ResultConfiguration", {})
    of_client = request.get("ResultConfiguration", {})
    if _is_location_enforced(configuration):
        return dict(of_workgroup)
    return {**of_workgroup, **of_client}


def _is_location_enforced(configuration: Request) -> bool:
    """Whether the results of a workgroup go where it says. One that enforces its settings may have none of this."""
    has_location = bool(configuration.get("ResultConfiguration", {}).get("OutputLocation"))
    return has_location and bool(configuration.get("EnforceWorkGroupConfiguration"))


def _update_count(execution: Execution) -> Response:
    """UpdateCount as a part of GetQueryResults: Athena leaves it out for DDL and EXPLAIN, and says 0 for what only reads."""
    if execution.update_count is not None:
        return {"UpdateCount": execution.update_count}
    if execution.statement.statement_type == "DDL" or execution.statement.substatement_type == "EXPLAIN":
        return {}
    return {"UpdateCount": 0}


# --- an execution as the API shows it -------------------------------------------------------------------------------------


def _query_execution(execution: Execution) -> Response:
    status: Response = {"State": execution.state, "SubmissionDateTime": execution.submitted}
    if execution.state in FINAL:
        status["CompletionDateTime"] = execution.completed
    if execution.reason is not None:
        status["StateChangeReason"] = execution.reason
    if failure := execution.failure:
        status["AthenaError"] = {
            "ErrorCategory": failure.category,
            "ErrorType": failure.type,
            "Retryable": failure.retryable,
            "ErrorMessage": failure.error_message or failure.message,
        }
    statistics = {
        "DataScannedInBytes": execution.scanned_bytes,
        **_timeline(execution),
        "ResultReuseInformation": {"ReusedPreviousResult": False},
    }
    if execution.manifest:
        statistics["DataManifestLocation"] = execution.manifest
    return {
        "QueryExecutionId": execution.id,
        "Query": execution.query,
        "StatementType": execution.statement.statement_type,
        **({"SubstatementType": substatement} if (substatement := execution.substatement_type) else {}),
        "ResultConfiguration": {**execution.result_configuration, "OutputLocation": execution.output},
        "ResultReuseConfiguration": {"ResultReuseByAgeConfiguration": {"Enabled": False}},
        "QueryExecutionContext": dict(execution.context),
        "Status": status,
        "Statistics": statistics,
        "WorkGroup": execution.workgroup,
        "EngineVersion": ENGINES["EngineVersions"][0],
    }


def _timeline(execution: Execution) -> dict[str, int]:
    """The times of an execution so far, in milliseconds."""
    now = execution.completed or time.time()
    started = execution.started or now
    engine_done = execution.engine_done or now

    def milliseconds(seconds: float) -> int:
        return max(0, round(seconds * 1000))

    return {
        "QueryQueueTimeInMillis": max(1, milliseconds(started - execution.submitted)),  # never 0 in Athena, says PyAthena's test
        "ServicePreProcessingTimeInMillis": milliseconds(execution.submitted - execution.received),
        "QueryPlanningTimeInMillis": execution.stats.get("planningTimeMillis", 0) + execution.stats.get("analysisTimeMillis", 0),
        "EngineExecutionTimeInMillis": milliseconds(engine_done - started),
        "ServiceProcessingTimeInMillis": milliseconds(now - engine_done),
        "TotalExecutionTimeInMillis": milliseconds(now - execution.received),
    }


def _stage(stage: Request) -> Response:
    """A stage of Trino's as a QueryStage. Trino's clients are not told what a stage puts out."""
    return {
        "StageId": int(stage["stageId"]),
        "State": stage["state"],
        "InputRows": stage["processedRows"],
        "InputBytes": stage["processedBytes"],
        "ExecutionTime": stage["wallTimeMillis"],
        "SubStages": [_stage(inner) for inner in stage["subStages"]],
    }
