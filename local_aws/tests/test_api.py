"""The Athena API as its clients see it: starting, results in pages, workgroups, cancelling, statistics, metadata."""

import concurrent.futures
import csv
import io
import os
import signal
import subprocess
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import botocore.session
import pytest
import requests
from botocore.exceptions import ClientError
from botocore.model import ListShape, MapShape, Shape, StructureShape

from local_aws import LocalAws, engine
from local_aws.executions import RUNNING_AT_ONCE, Execution, Executions
from local_aws.plan import EngineStep, Statement

BUCKET = "api-tests"  # for what these tests keep besides their tables
OUTPUT = {"OutputLocation": f"s3://{BUCKET}/results"}
NUMBERS = "UNNEST(sequence(1, 10000))"
FOREVER = f"SELECT count(*) FROM {NUMBERS} AS a (x), {NUMBERS} AS b (y), {NUMBERS} AS c (z) WHERE x + y * z = -1"

Execute = Callable[..., dict[str, Any]]


@pytest.fixture(scope="module", autouse=True)
def bucket(s3: Any) -> None:
    s3.create_bucket(Bucket=BUCKET)


def refused(call: Callable[..., Any], **request: Any) -> tuple[str, str]:
    """The code and the message of the error of an operation."""
    with pytest.raises(ClientError) as caught:
        call(**request)
    return caught.value.response["Error"]["Code"], caught.value.response["Error"]["Message"]


def state_of(athena: Any, query: str) -> dict[str, Any]:
    return athena.get_query_execution(QueryExecutionId=query)["QueryExecution"]["Status"]


def wait_for(athena: Any, query: str, *states: str, seconds: float = 0.05) -> dict[str, Any]:
    """The status of a query once it is in one of these states; asked for every so many seconds."""
    while (status := state_of(athena, query))["State"] not in states:
        time.sleep(seconds)
    return status


@pytest.fixture
def workgroup(athena: Any) -> Iterator[Callable[..., str]]:
    """Make a workgroup with this configuration; its name."""
    made = []

    def make(**configuration: Any) -> str:
        name = f"wg_{uuid.uuid4().hex[:8]}"
        athena.create_work_group(Name=name, Configuration=configuration)
        made.append(name)
        return name

    yield make
    for name in made:
        athena.delete_work_group(WorkGroup=name)


# --- starting -----------------------------------------------------------------------------------------------------------


def test_a_request_is_checked_before_anything_runs(athena: Any) -> None:
    start = athena.start_query_execution
    invalid = "InvalidRequestException"
    assert refused(start, QueryString="SELECT 1") == (
        invalid,
        "No output location provided. An output location is required either through the Workgroup result configuration "
        "setting or as an API input.",
    )
    assert refused(start, QueryString="SELECT 1", ResultConfiguration={"OutputLocation": "no-uri"}) == (
        invalid,
        "outputLocation is not a valid S3 path.",
    )
    assert refused(start, QueryString="SELECT 1", ResultConfiguration={"OutputLocation": "s3://no-such-bucket/x"}) == (
        invalid,
        "Unable to verify/create output bucket no-such-bucket",
    )
    assert refused(start, QueryString="SELECT 1", ResultConfiguration=OUTPUT, WorkGroup="no_such") == (
        invalid,
        "WorkGroup is not found.",
    )
    assert refused(start, QueryString="x" * 262145, ResultConfiguration=OUTPUT) == (
        invalid,
        "1 validation error detected: Value at 'queryString' failed to satisfy constraint: "
        "Member must have length less than or equal to 262144",
    )
    too_many_bytes = f"SELECT '{'ü' * 131072}'"
    assert refused(start, QueryString=too_many_bytes, ResultConfiguration=OUTPUT)[0] == invalid


def test_a_syntax_error_is_told_at_once(athena: Any) -> None:
    code, message = refused(athena.start_query_execution, QueryString="SELECT 1\nFROM FROM t", ResultConfiguration=OUTPUT)
    assert code == "InvalidRequestException"
    assert message.startswith("line 2:6: mismatched input 'FROM'")


def test_a_query_of_the_greatest_length_runs(athena_query: Any) -> None:
    text = "".join(f"{n:x}" for n in range(60000))[: 262144 - len("SELECT ''")]
    assert athena_query(f"SELECT '{text}'") == [(text,)]


def test_the_same_token_starts_a_query_once(athena: Any) -> None:
    request = {"QueryString": "SELECT 1", "ResultConfiguration": OUTPUT, "ClientRequestToken": uuid.uuid4().hex}
    query = athena.start_query_execution(**request)["QueryExecutionId"]
    assert athena.start_query_execution(**request)["QueryExecutionId"] == query
    wait_for(athena, query, "SUCCEEDED")
    assert athena.start_query_execution(**request)["QueryExecutionId"] == query
    for other in (
        {"QueryString": "SELECT 2"},
        {"QueryExecutionContext": {"Database": "other"}},
        {"ResultConfiguration": {"OutputLocation": f"s3://{BUCKET}/elsewhere"}},
    ):
        assert refused(athena.start_query_execution, **request | other) == (
            "InvalidRequestException",
            "Idempotent parameters do not match",
        )


def test_a_token_that_was_refused_can_be_used_again(athena: Any) -> None:
    request = {"ResultConfiguration": OUTPUT, "ClientRequestToken": uuid.uuid4().hex}
    refused(athena.start_query_execution, QueryString="SELEC 1", **request)
    assert athena.start_query_execution(QueryString="SELECT 1", **request)["QueryExecutionId"]


# --- workgroups ---------------------------------------------------------------------------------------------------------


def test_an_enforced_workgroup_decides_where_results_go(athena: Any, execute: Execute, s3: Any, workgroup: Any) -> None:
    settings = {
        "OutputLocation": f"s3://{BUCKET}/enforced/",
        "EncryptionConfiguration": {"EncryptionOption": "SSE_S3"},
    }
    name = workgroup(ResultConfiguration=settings, EnforceWorkGroupConfiguration=True)
    done = execute("SELECT 1", WorkGroup=name)
    assert done["WorkGroup"] == name
    assert done["ResultConfiguration"] == {
        "OutputLocation": f"s3://{BUCKET}/enforced/{done['QueryExecutionId']}.csv",
        "EncryptionConfiguration": {"EncryptionOption": "SSE_S3"},
    }
    found = s3.head_object(Bucket=BUCKET, Key=f"enforced/{done['QueryExecutionId']}.csv")
    assert found["ServerSideEncryption"] == "AES256"

    athena.update_work_group(WorkGroup=name, ConfigurationUpdates={"EnforceWorkGroupConfiguration": False})
    client_side = execute("SELECT 1", WorkGroup=name, ResultConfiguration=OUTPUT)["ResultConfiguration"]["OutputLocation"]
    assert client_side.startswith(f"{OUTPUT['OutputLocation']}/")
    del settings["EncryptionConfiguration"]
    query = athena.start_query_execution(QueryString="SELECT 1", WorkGroup=name)["QueryExecutionId"]
    location = athena.get_query_execution(QueryExecutionId=query)["QueryExecution"]["ResultConfiguration"]["OutputLocation"]
    assert location == f"s3://{BUCKET}/enforced/{query}.csv"


def test_a_workgroup_can_be_changed_and_disabled(athena: Any, workgroup: Any) -> None:
    name = workgroup(ResultConfiguration=OUTPUT)
    athena.update_work_group(
        WorkGroup=name,
        Description="ours",
        State="DISABLED",
        ConfigurationUpdates={
            "BytesScannedCutoffPerQuery": 20_000_000,
            "ResultConfigurationUpdates": {"OutputLocation": f"s3://{BUCKET}/new/"},
        },
    )
    found = athena.get_work_group(WorkGroup=name)["WorkGroup"]
    assert (found["State"], found["Description"]) == ("DISABLED", "ours")
    assert found["Configuration"]["BytesScannedCutoffPerQuery"] == 20_000_000
    assert found["Configuration"]["ResultConfiguration"] == {"OutputLocation": f"s3://{BUCKET}/new/"}
    assert refused(athena.start_query_execution, QueryString="SELECT 1", WorkGroup=name)[1] == f"WorkGroup {name} is disabled."

    athena.update_work_group(
        WorkGroup=name,
        State="ENABLED",
        ConfigurationUpdates={
            "RemoveBytesScannedCutoffPerQuery": True,
            "ResultConfigurationUpdates": {"RemoveOutputLocation": True},
        },
    )
    configuration = athena.get_work_group(WorkGroup=name)["WorkGroup"]["Configuration"]
    assert "BytesScannedCutoffPerQuery" not in configuration
    assert configuration["ResultConfiguration"] == {}
    assert refused(athena.get_work_group, WorkGroup="no_such") == ("InvalidRequestException", "WorkGroup is not found.")


def test_a_query_over_the_scan_limit_is_cancelled(
    execute: Execute, glue: Any, s3: Any, athena_schema: str, workgroup: Any
) -> None:
    for part in range(3):
        s3.put_object(Bucket=BUCKET, Key=f"{athena_schema}/wide/{part}.csv", Body=b"123456789\n" * 600_000)
    columns = [{"Name": "n", "Type": "string"}]
    serde = {"SerializationLibrary": "org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe"}
    text = {
        "InputFormat": "org.apache.hadoop.mapred.TextInputFormat",
        "OutputFormat": "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat",
    }
    storage = {"Columns": columns, "Location": f"s3://{BUCKET}/{athena_schema}/wide/", "SerdeInfo": serde, **text}
    table = {"Name": "wide", "TableType": "EXTERNAL_TABLE", "Parameters": {"EXTERNAL": "TRUE"}, "StorageDescriptor": storage}
    glue.create_table(DatabaseName=athena_schema, TableInput=table)
    endless = f"SELECT count(*) FROM {NUMBERS} AS a (x), wide, {NUMBERS} AS b (y) WHERE length(n) + x * y = -1"
    limited = execute(endless, WorkGroup=workgroup(BytesScannedCutoffPerQuery=10_000_000))
    assert limited["Status"]["State"] == "CANCELLED", limited["Status"]
    assert limited["Status"]["StateChangeReason"] == "Bytes scanned limit was exceeded"
    assert "AthenaError" not in limited["Status"]
    enough = execute("SELECT max(n) FROM wide", WorkGroup=workgroup(BytesScannedCutoffPerQuery=20_000_000))
    assert enough["Status"]["State"] == "SUCCEEDED"
    assert enough["Statistics"]["DataScannedInBytes"] == 3 * 6_000_000


# --- results ------------------------------------------------------------------------------------------------------------


def test_results_come_in_pages(athena: Any, execute: Execute) -> None:
    query = execute("SELECT x FROM UNNEST(sequence(1, 2500)) AS t (x)")["QueryExecutionId"]
    first = athena.get_query_results(QueryExecutionId=query)
    rows = [row["Data"][0]["VarCharValue"] for row in first["ResultSet"]["Rows"]]
    assert rows == ["x", *map(str, range(1, 1000))]  # the names of the columns count
    second = athena.get_query_results(QueryExecutionId=query, NextToken=first["NextToken"], MaxResults=2)
    assert [row["Data"][0]["VarCharValue"] for row in second["ResultSet"]["Rows"]] == ["1000", "1001"]
    pages = athena.get_paginator("get_query_results").paginate(QueryExecutionId=query, PaginationConfig={"PageSize": 7})
    everything = [row["Data"][0]["VarCharValue"] for page in pages for row in page["ResultSet"]["Rows"]]
    assert everything == ["x", *map(str, range(1, 2501))]
    columns = [page["ResultSet"]["ResultSetMetadata"]["ColumnInfo"][0]["Name"] for page in (first, second)]
    assert columns == ["x", "x"]

    ask = {"QueryExecutionId": query}
    assert refused(athena.get_query_results, **ask, MaxResults=1001)[1] == "MaxResults is more than maximum allowed length 1000"
    assert refused(athena.get_query_results, **ask, NextToken="none")[1] == "Malformed nextPageToken none"


def test_a_result_is_a_csv_file_in_the_output_location(execute: Execute, s3: Any) -> None:
    done = execute("""SELECT 'say "hi"' AS a, CAST(NULL AS integer) AS b, '' AS c, ARRAY[1, 2] AS d, 'two\nlines' AS e""")
    bucket, _, key = done["ResultConfiguration"]["OutputLocation"].removeprefix("s3://").partition("/")
    assert key.endswith(f"/{done['QueryExecutionId']}.csv")
    body = s3.get_object(Bucket=bucket, Key=key)["Body"].read().decode()
    assert body == '"a","b","c","d","e"\n"say ""hi""",,"","[1, 2]","two\nlines"\n'
    assert list(csv.reader(io.StringIO(body)))[1] == ['say "hi"', "", "", "[1, 2]", "two\nlines"]
    metadata = s3.get_object(Bucket=bucket, Key=f"{key}.metadata")["Body"].read()
    assert b"varchar" in metadata


def test_a_large_result_is_whole(athena: Any, execute: Execute, s3: Any) -> None:
    """Some 16 MB: more than one part of an upload, many pages of the engine."""
    done = execute(f"SELECT x, y, rpad('', 150, 'ab') AS pad FROM UNNEST(sequence(1, 10)) AS a (x), {NUMBERS} AS b (y)")
    bucket, _, key = done["ResultConfiguration"]["OutputLocation"].removeprefix("s3://").partition("/")
    body = s3.get_object(Bucket=bucket, Key=key)["Body"].read().decode()
    lines = body.splitlines()
    assert len(lines) == len(set(lines)) == 100_001
    assert lines[0] == '"x","y","pad"'


def test_a_write_leaves_its_count_and_the_list_of_its_files(athena: Any, execute: Execute, s3: Any, athena_location: str) -> None:
    made = execute(f"CREATE TABLE t WITH (format = 'PARQUET', external_location = '{athena_location}t/') AS SELECT 1 AS n")
    inserted = execute("INSERT INTO t VALUES 2, 3")
    for done, count, form in ((made, 1, "tables/{}"), (inserted, 2, "{}")):
        location = done["ResultConfiguration"]["OutputLocation"]
        assert location.endswith("/" + form.format(done["QueryExecutionId"]))
        answer = athena.get_query_results(QueryExecutionId=done["QueryExecutionId"])
        assert answer["UpdateCount"] == count
        assert answer["ResultSet"]["Rows"] == []
        assert [column["Name"] for column in answer["ResultSet"]["ResultSetMetadata"]["ColumnInfo"]] == ["rows"]
        manifest = done["Statistics"]["DataManifestLocation"]
        assert manifest == f"{location}-manifest.csv"
        bucket, _, key = manifest.removeprefix("s3://").partition("/")
        (file,) = s3.get_object(Bucket=bucket, Key=key)["Body"].read().decode().splitlines()
        listed = athena.get_query_results(QueryExecutionId=done["QueryExecutionId"], QueryResultType="DATA_MANIFEST")
        assert listed["ResultSet"]["Rows"] == [{"Data": [{"VarCharValue": file}]}]
        assert file.startswith(f"{athena_location}t/")
        bucket, _, key = file.removeprefix("s3://").partition("/")
        assert s3.head_object(Bucket=bucket, Key=key)["ContentLength"] > 0
    assert athena.get_query_results(QueryExecutionId=execute("SELECT n FROM t")["QueryExecutionId"])["UpdateCount"] == 0


def test_results_can_be_asked_for_when_there_are_some(athena: Any, execute: Execute) -> None:
    failed = execute("SELECT 1 / (SELECT 0)")["QueryExecutionId"]
    assert refused(athena.get_query_results, QueryExecutionId=failed)[1] == (
        "Query did not finish successfully. Final query state: FAILED"
    )
    unknown = str(uuid.uuid4())
    assert refused(athena.get_query_results, QueryExecutionId=unknown)[1] == f"QueryExecution {unknown} was not found"
    running = athena.start_query_execution(QueryString=FOREVER, ResultConfiguration=OUTPUT)["QueryExecutionId"]
    wait_for(athena, running, "RUNNING")
    assert refused(athena.get_query_results, QueryExecutionId=running)[1] == "Query has not yet finished. Current state: RUNNING"
    athena.stop_query_execution(QueryExecutionId=running)
    wait_for(athena, running, "CANCELLED")
    assert refused(athena.get_query_results, QueryExecutionId=running)[1] == "Could not find results"


# --- failing ------------------------------------------------------------------------------------------------------------

NOT_AUTHORIZED = "or requester is not authorized to access requested resources"
CLEAN_CTAS = (
    "You may need to manually clean the data at location '{}' before retrying. Athena will not delete data in your account."
)


@pytest.mark.parametrize(
    ("sql", "reason", "error_type"),
    [
        (
            "SELECT x FROM (VALUES 1) AS t (y)",
            f"COLUMN_NOT_FOUND: line 1:8: Column 'x' cannot be resolved {NOT_AUTHORIZED}",
            1006,
        ),
        ("SELECT * FROM missing", "TABLE_NOT_FOUND: line 1:15: Table 'awsdatacatalog.{database}.missing' does not exist", 1301),
        ("SELECT nothing(1)", "FUNCTION_NOT_FOUND: line 1:8: Function 'nothing' not registered", 1303),
        ("SELECT 1 / (SELECT 0)", "DIVISION_BY_ZERO: Division by zero", 1001),
        ("SELECT CAST('abc' AS integer)", "INVALID_CAST_ARGUMENT: Cannot cast 'abc' to INT", 1100),
        (
            "CREATE TABLE made AS\nSELECT x FROM (VALUES 1) AS t (y)",
            f"COLUMN_NOT_FOUND: line 2:8: Column 'x' cannot be resolved {NOT_AUTHORIZED}. {CLEAN_CTAS}",
            1006,
        ),
    ],
)
def test_a_query_fails_with_athenas_words(execute: Execute, athena_schema: str, sql: str, reason: str, error_type: int) -> None:
    done = execute(sql)
    status = done["Status"]
    assert status["State"] == "FAILED"
    assert status["StateChangeReason"] == reason.format(done["ResultConfiguration"]["OutputLocation"], database=athena_schema)
    assert status["AthenaError"] == {
        "ErrorCategory": 2,
        "ErrorType": error_type,
        "Retryable": False,
        "ErrorMessage": status["StateChangeReason"],
    }


# --- stopping -----------------------------------------------------------------------------------------------------------


def engine_queries(local_aws: LocalAws, marker: str) -> list[dict[str, Any]]:
    """What Trino itself says of its queries whose text has `marker`."""
    queries = requests.get(f"{local_aws.trino.url}/v1/query", headers={"X-Trino-User": "test"}, timeout=60).json()
    return [query for query in queries if marker in query["query"] and not query["query"].startswith("PREPARE")]


def test_stopping_a_query_cancels_it_in_the_engine(local_aws: LocalAws, athena: Any) -> None:
    marker = uuid.uuid4().hex
    sql = f"{FOREVER} AND '{marker}' <> ''"
    query = athena.start_query_execution(QueryString=sql, ResultConfiguration=OUTPUT)["QueryExecutionId"]
    while not any(found["state"] == "RUNNING" for found in engine_queries(local_aws, marker)):
        time.sleep(0.05)
    athena.stop_query_execution(QueryExecutionId=query)
    status = wait_for(athena, query, "CANCELLED", "FAILED", "SUCCEEDED")
    assert (status["State"], status["StateChangeReason"]) == ("CANCELLED", "Query cancelled by user")
    (found,) = engine_queries(local_aws, marker)
    assert (found["state"], found["errorCode"]["name"]) == ("FAILED", "USER_CANCELED")

    athena.stop_query_execution(QueryExecutionId=query)  # an ended query: nothing happens
    assert state_of(athena, query)["State"] == "CANCELLED"


def test_a_stopped_query_in_the_queue_never_runs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """More queries than run at a time, on an engine that is never done with one."""
    ran = []

    def endless(url: str, sql: str, **session: Any) -> Iterator[engine.Page]:
        ran.append(sql)
        while True:
            yield engine.Page("q", [], [], {"physicalInputBytes": 0, "state": "RUNNING"}, None, None)
            time.sleep(0.01)

    monkeypatch.setattr(engine, "run", endless)
    executions = Executions(Mock(), Mock(new_file=lambda id_: tmp_path / id_), s3=None, glue=None, athena=None)
    submitted = [
        Execution(
            id=str(n),
            query="",
            statement=Statement("DML", "SELECT", (EngineStep(str(n)),)),
            workgroup="w",
            context={},
            result_configuration=OUTPUT,
        )
        for n in range(RUNNING_AT_ONCE + 2)
    ]
    for execution in submitted:
        executions.submit(execution)
    *running, stopped, waiting = submitted
    while not all(execution.state == "RUNNING" for execution in running):
        time.sleep(0.01)
    executions.stop(stopped)
    assert (stopped.state, waiting.state) == ("CANCELLED", "QUEUED")
    executions.stop(running[0])
    while waiting.state == "QUEUED":
        time.sleep(0.01)
    executions.close()
    assert {execution.state for execution in submitted} == {"CANCELLED"}
    assert sorted(ran) == sorted(execution.id for execution in submitted if execution is not stopped)


# --- statistics and lists -----------------------------------------------------------------------------------------------


def test_one_partition_of_five_is_a_fifth_of_the_bytes(athena_query: Any, execute: Execute, athena_location: str) -> None:
    rows = "SELECT rpad(CAST(x AS varchar), 20, '-') AS text, x % 5 AS part FROM UNNEST(sequence(1, 10000)) AS t (x)"
    properties = f"format = 'TEXTFILE', partitioned_by = ARRAY['part'], external_location = '{athena_location}parts/'"
    athena_query(f"CREATE TABLE parts WITH ({properties}) AS {rows}")
    whole = execute("SELECT count(text) FROM parts")["Statistics"]["DataScannedInBytes"]
    part = execute("SELECT count(text) FROM parts WHERE part = 3")["Statistics"]["DataScannedInBytes"]
    assert part > 0
    assert abs(whole - 5 * part) <= whole * 0.02


def test_the_statistics_of_a_query(athena: Any, execute: Execute, athena_query: Any, athena_location: str) -> None:
    athena_query(
        f"CREATE TABLE t WITH (format = 'PARQUET', external_location = '{athena_location}t/') "
        "AS SELECT * FROM (VALUES 1, 2, 3) AS v (n)"
    )
    done = execute("SELECT n FROM t WHERE n > 1")
    statistics = done["Statistics"]
    assert statistics["ResultReuseInformation"] == {"ReusedPreviousResult": False}
    runtime = athena.get_query_runtime_statistics(QueryExecutionId=done["QueryExecutionId"])["QueryRuntimeStatistics"]
    timeline = runtime["Timeline"]
    assert timeline == {name: value for name, value in statistics.items() if name.endswith("Millis")}
    parts = (
        "QueryQueueTimeInMillis",
        "ServicePreProcessingTimeInMillis",
        "EngineExecutionTimeInMillis",
        "ServiceProcessingTimeInMillis",
    )
    assert abs(timeline["TotalExecutionTimeInMillis"] - sum(timeline[part] for part in parts)) <= len(parts)
    assert runtime["Rows"] == {
        "InputRows": 3,
        "InputBytes": statistics["DataScannedInBytes"],
        "OutputRows": 2,
        "OutputBytes": len('"n"\n"2"\n"3"\n'),
    }
    assert runtime["OutputStage"]["State"] == "FINISHED"
    assert statistics["DataScannedInBytes"] > 0
    assert execute("SHOW TABLES")["Statistics"]["DataScannedInBytes"] == 0


def test_executions_are_listed_newest_first(athena: Any, execute: Execute, workgroup: Any) -> None:
    name = workgroup(ResultConfiguration=OUTPUT)
    ran = [execute(f"SELECT {n}", WorkGroup=name)["QueryExecutionId"] for n in range(3)]
    assert athena.list_query_executions(WorkGroup=name)["QueryExecutionIds"] == ran[::-1]
    pages = athena.get_paginator("list_query_executions").paginate(WorkGroup=name, PaginationConfig={"PageSize": 2})
    assert [page["QueryExecutionIds"] for page in pages] == [ran[:0:-1], ran[:1]]
    assert refused(athena.list_query_executions, WorkGroup="no_such")[1] == "WorkGroup is not found."

    unknown = str(uuid.uuid4())
    batch = athena.batch_get_query_execution(QueryExecutionIds=[*ran, unknown])
    assert [found["QueryExecutionId"] for found in batch["QueryExecutions"]] == ran
    assert [found["QueryExecutionId"] for found in batch["UnprocessedQueryExecutionIds"]] == [unknown]


# --- named queries, prepared statements, metadata -------------------------------------------------------------------------


def test_named_queries(athena: Any, workgroup: Any) -> None:
    name = workgroup()
    query = {"Name": "n", "Database": "d", "QueryString": "SELECT 1", "Description": "one"}
    ids = [athena.create_named_query(**query, WorkGroup=name)["NamedQueryId"] for _ in range(3)]
    assert athena.get_named_query(NamedQueryId=ids[0])["NamedQuery"] == {**query, "NamedQueryId": ids[0], "WorkGroup": name}
    assert athena.list_named_queries(WorkGroup=name)["NamedQueryIds"] == ids
    athena.update_named_query(NamedQueryId=ids[0], Name="m", QueryString="SELECT 2")
    athena.delete_named_query(NamedQueryId=ids[1])
    batch = athena.batch_get_named_query(NamedQueryIds=ids)
    assert [(found["Name"], found["QueryString"]) for found in batch["NamedQueries"]] == [("m", "SELECT 2"), ("n", "SELECT 1")]
    assert [found["NamedQueryId"] for found in batch["UnprocessedNamedQueryIds"]] == ids[1:2]
    assert refused(athena.get_named_query, NamedQueryId=ids[1])[0] == "InvalidRequestException"


def test_prepared_statements(athena: Any, workgroup: Any) -> None:
    name = workgroup()
    key = {"StatementName": "s", "WorkGroup": name}
    athena.create_prepared_statement(**key, QueryStatement="SELECT ?")
    athena.update_prepared_statement(**key, QueryStatement="SELECT ? + 1", Description="more")
    found = athena.get_prepared_statement(**key)["PreparedStatement"]
    assert (found["QueryStatement"], found["Description"], found["WorkGroupName"]) == ("SELECT ? + 1", "more", name)
    assert [kept["StatementName"] for kept in athena.list_prepared_statements(WorkGroup=name)["PreparedStatements"]] == ["s"]
    batch = athena.batch_get_prepared_statement(PreparedStatementNames=["s", "x"], WorkGroup=name)
    assert [kept["StatementName"] for kept in batch["PreparedStatements"]] == ["s"]
    assert [kept["StatementName"] for kept in batch["UnprocessedPreparedStatementNames"]] == ["x"]
    athena.delete_prepared_statement(**key)
    assert refused(athena.get_prepared_statement, **key)[0] == "ResourceNotFoundException"


def test_databases_and_tables_are_those_of_glue(athena: Any, athena_query: Any, athena_schema: str, athena_location: str) -> None:
    for name in ("orders", "order_lines", "users"):
        athena_query(
            f"CREATE TABLE {name} WITH (format = 'PARQUET', external_location = '{athena_location}{name}/') "
            "AS SELECT 1 AS id, 'x' AS s"
        )
    catalog = {"CatalogName": "AwsDataCatalog"}
    here = {**catalog, "DatabaseName": athena_schema}
    assert athena.get_database(**here)["Database"]["Name"] == athena_schema
    pages = athena.get_paginator("list_databases").paginate(**catalog)
    assert athena_schema in [found["Name"] for page in pages for found in page["DatabaseList"]]
    assert sorted(found["Name"] for found in athena.list_table_metadata(**here)["TableMetadataList"]) == [
        "order_lines",
        "orders",
        "users",
    ]
    some = athena.list_table_metadata(**here, Expression="order*")["TableMetadataList"]
    assert sorted(found["Name"] for found in some) == ["order_lines", "orders"]
    table = athena.get_table_metadata(**here, TableName="users")["TableMetadata"]
    assert table["Columns"][0]["Type"] == "int"
    assert table["TableType"] == "EXTERNAL_TABLE"
    assert refused(athena.get_table_metadata, **here, TableName="none")[0] == "MetadataException"
    assert refused(athena.get_database, **catalog, DatabaseName="none")[0] == "MetadataException"
    assert refused(athena.list_databases, CatalogName="none")[0] == "InvalidRequestException"
    assert athena.list_data_catalogs()["DataCatalogsSummary"][0] == {"CatalogName": "AwsDataCatalog", "Type": "GLUE"}
    assert athena.get_data_catalog(Name="AwsDataCatalog")["DataCatalog"]["Type"] == "GLUE"
    assert athena.list_engine_versions()["EngineVersions"][0]["SelectedEngineVersion"] == "AUTO"


# --- many at once, and an engine that dies --------------------------------------------------------------------------------


def test_two_hundred_queries_from_twenty_threads_do_not_mix(athena: Any, s3: Any) -> None:
    def ask(number: int) -> None:
        sql = f"SELECT {number} AS n, '{number}-' || CAST(x AS varchar) AS s FROM UNNEST(sequence(1, 3)) AS t (x) ORDER BY x"
        query = athena.start_query_execution(QueryString=sql, ResultConfiguration=OUTPUT)["QueryExecutionId"]
        assert wait_for(athena, query, "SUCCEEDED", "FAILED", "CANCELLED", seconds=0.3)["State"] == "SUCCEEDED"
        expected = [["n", "s"], *([str(number), f"{number}-{x}"] for x in (1, 2, 3))]
        rows = athena.get_query_results(QueryExecutionId=query)["ResultSet"]["Rows"]
        assert [[cell["VarCharValue"] for cell in row["Data"]] for row in rows] == expected
        body = s3.get_object(Bucket=BUCKET, Key=f"results/{query}.csv")["Body"].read().decode()
        assert list(csv.reader(io.StringIO(body))) == expected

    with concurrent.futures.ThreadPoolExecutor(20) as pool:
        for future in [pool.submit(ask, number) for number in range(200)]:
            future.result()


def java_process(local_aws: LocalAws) -> int:
    """The process of the server's Trino."""
    listed = subprocess.run(["ps", "-axww", "-o", "pid=,command="], capture_output=True, check=True, text=True).stdout
    commands = [line.split(None, 1) for line in listed.splitlines()]
    data_dir = str(local_aws.trino.log.parent)
    (java,) = [int(pid) for pid, command in commands if data_dir in command and command.split()[0].endswith("/java")]
    return java


def test_a_query_whose_engine_dies_fails_and_the_next_one_has_a_new_engine(
    local_aws: LocalAws, athena: Any, athena_query: Any
) -> None:
    marker = uuid.uuid4().hex
    sql = f"{FOREVER} AND '{marker}' <> ''"
    query = athena.start_query_execution(QueryString=sql, ResultConfiguration=OUTPUT)["QueryExecutionId"]
    while not any(found["state"] == "RUNNING" for found in engine_queries(local_aws, marker)):
        time.sleep(0.05)
    os.kill(java_process(local_aws), signal.SIGKILL)

    status = wait_for(athena, query, "FAILED", "SUCCEEDED", "CANCELLED")
    assert status["State"] == "FAILED"
    assert "the query engine (Trino) is down" in status["StateChangeReason"]
    assert status["AthenaError"]["ErrorCategory"] == 1
    assert status["AthenaError"]["Retryable"] is True
    assert athena_query("SELECT 1") == [("1",)]


# --- the form of answers --------------------------------------------------------------------------------------------------


def assert_fits(value: Any, shape: Shape, path: str) -> None:
    """`value`, as in JSON, is what the service model says; unknown members are none."""
    if isinstance(shape, StructureShape):
        assert isinstance(value, dict), path
        assert set(value) <= set(shape.members), (path, set(value) - set(shape.members))
        assert set(shape.required_members) <= set(value), path
        for name, item in value.items():
            assert_fits(item, shape.members[name], f"{path}.{name}")
    elif isinstance(shape, ListShape):
        for item in value:
            assert_fits(item, shape.member, f"{path}[]")
    elif isinstance(shape, MapShape):
        for key, item in value.items():
            assert_fits(key, shape.key, path)
            assert_fits(item, shape.value, f"{path}.{key}")
    else:
        types = {"string": str, "integer": int, "long": int, "boolean": bool, "timestamp": (int, float), "double": (int, float)}
        assert isinstance(value, types[shape.type_name]), (path, value)
        assert value in (shape.metadata.get("enum") or [value]), (path, value)


def test_every_answer_has_the_form_of_the_service_model(
    local_aws: LocalAws, athena: Any, athena_query: Any, execute: Execute, athena_schema: str, athena_location: str
) -> None:
    athena_query(f"CREATE TABLE t WITH (format = 'PARQUET', external_location = '{athena_location}t/') AS SELECT 1 AS n")
    read = execute("SELECT n, NULL AS nothing FROM t")["QueryExecutionId"]
    written = execute("INSERT INTO t VALUES 2")["QueryExecutionId"]
    for query in (read, written):
        status = athena.get_query_execution(QueryExecutionId=query)["QueryExecution"]["Status"]
        assert status["State"] == "SUCCEEDED", status
    failed = execute("SELECT missing FROM t")["QueryExecutionId"]
    named = athena.create_named_query(Name="n", Database=athena_schema, QueryString="SELECT 1")["NamedQueryId"]
    athena.create_prepared_statement(StatementName="s", WorkGroup="primary", QueryStatement="SELECT ?")
    catalog, here = {"CatalogName": "AwsDataCatalog"}, {"CatalogName": "AwsDataCatalog", "DatabaseName": athena_schema}
    token = {"ClientRequestToken": uuid.uuid4().hex}
    asked = [
        ("StartQueryExecution", {"QueryString": "SELECT 1", "ResultConfiguration": OUTPUT, **token}),
        ("StopQueryExecution", {"QueryExecutionId": read}),
        *(("GetQueryExecution", {"QueryExecutionId": query}) for query in (read, written, failed)),
        ("BatchGetQueryExecution", {"QueryExecutionIds": [read, written, str(uuid.uuid4())]}),
        ("ListQueryExecutions", {"MaxResults": 1}),
        *(("GetQueryResults", {"QueryExecutionId": query, "MaxResults": 1}) for query in (read, written)),
        *(("GetQueryRuntimeStatistics", {"QueryExecutionId": query}) for query in (read, written, failed)),
        ("GetWorkGroup", {"WorkGroup": "primary"}),
        ("ListEngineVersions", {}),
        ("GetNamedQuery", {"NamedQueryId": named}),
        ("BatchGetNamedQuery", {"NamedQueryIds": [named, str(uuid.uuid4())]}),
        ("ListNamedQueries", {}),
        ("GetPreparedStatement", {"StatementName": "s", "WorkGroup": "primary"}),
        ("ListPreparedStatements", {"WorkGroup": "primary"}),
        ("BatchGetPreparedStatement", {"PreparedStatementNames": ["s", "x"], "WorkGroup": "primary"}),
        ("ListDatabases", catalog),
        ("GetDatabase", here),
        ("ListTableMetadata", here),
        ("GetTableMetadata", {**here, "TableName": "t"}),
        ("ListDataCatalogs", {}),
        ("GetDataCatalog", {"Name": "AwsDataCatalog"}),
    ]
    model = botocore.session.get_session().get_service_model("athena")
    for operation, request in asked:
        headers = {"X-Amz-Target": f"AmazonAthena.{operation}", "Content-Type": "application/x-amz-json-1.1"}
        answer = requests.post(local_aws.endpoint, json=request, headers=headers, timeout=60)
        assert answer.ok, answer.text
        assert_fits(answer.json(), model.operation_model(operation).output_shape, operation)
