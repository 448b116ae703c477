"""What a client was seen to need, as actions of IAM and what they are about."""

import io
from collections.abc import Callable
from typing import Any

import pytest

from local_aws import Call, LocalAws
from local_aws.recording import calls_of


def test_what_a_query_needs(
    local_aws: LocalAws, athena_query: Callable[..., Any], athena_schema: str, athena_location: str
) -> None:
    with local_aws.recording() as of_both:
        athena_query(f"create external table t (a int) location '{athena_location}t/'")
        with local_aws.recording() as of_the_select:
            athena_query("select a from t")
    athena_query("drop table t")

    needed = {
        Call("athena:StartQueryExecution", "workgroup"),
        Call("athena:GetQueryResults", "workgroup"),
        Call("glue:GetTable", f"table/{athena_schema}/t"),
        Call("s3:GetBucketLocation", "athena-results"),
        Call("s3:ListBucket", f"athena-data?{athena_schema}/t/"),
    }
    assert needed <= of_the_select <= of_both
    created = Call("glue:CreateTable", f"table/{athena_schema}/t")
    assert created in of_both - of_the_select
    assert any(action == "s3:PutObject" and place.startswith("athena-results/") for action, place in of_the_select)
    assert not any(action == "glue:DeleteTable" for action, _ in of_both)


DELETION = b"<Delete><Object><Key>a/b</Key></Object><Object><Key>c&amp;d</Key></Object></Delete>"

REQUESTS: list[tuple[dict[str, str], bytes, list[Call]]] = [
    ({"REQUEST_METHOD": "HEAD", "PATH_INFO": "/b/k/x"}, b"", [Call("s3:GetObject", "b/k/x")]),
    ({"REQUEST_METHOD": "POST", "PATH_INFO": "/b/k", "QUERY_STRING": "uploads"}, b"", [Call("s3:PutObject", "b/k")]),
    (
        {"REQUEST_METHOD": "DELETE", "PATH_INFO": "/b/k", "QUERY_STRING": "uploadId=1"},
        b"",
        [Call("s3:AbortMultipartUpload", "b/k")],
    ),
    ({"REQUEST_METHOD": "GET", "PATH_INFO": "/b", "QUERY_STRING": "uploads"}, b"", [Call("s3:ListBucketMultipartUploads", "b")]),
    (
        {"REQUEST_METHOD": "POST", "PATH_INFO": "/b/", "QUERY_STRING": "delete"},
        DELETION,
        [Call("s3:DeleteObject", "b/a/b"), Call("s3:DeleteObject", "b/c&d")],
    ),
    ({"HTTP_X_AMZ_TARGET": "AWSGlue.GetDatabases"}, b"{}", [Call("glue:GetDatabases", "database/*")]),
    ({"HTTP_X_AMZ_TARGET": "AWSGlue.UpdateColumnStatisticsForTable"}, b"{}", []),
    ({"HTTP_X_AMZ_TARGET": "secretsmanager.GetSecretValue"}, b"{}", [Call("secretsmanager:GetSecretValue", "*")]),
    ({"CONTENT_TYPE": "application/x-www-form-urlencoded; charset=utf-8"}, b"Action=GetCallerIdentity", []),
]


@pytest.mark.parametrize(("request_", "body", "calls"), REQUESTS)
def test_requests(request_: dict[str, str], body: bytes, calls: list[Call]) -> None:
    environ: dict[str, Any] = {"REQUEST_METHOD": "POST", "PATH_INFO": "/", **request_}
    environ |= {"wsgi.input": io.BytesIO(body), "CONTENT_LENGTH": str(len(body))}
    assert calls_of(environ) == calls
    assert environ["wsgi.input"].read() == body  # there is still somebody to answer it
