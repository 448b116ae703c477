"""What AWS is asked for while dbt runs: by dbt itself, and by Athena, which reads Glue and S3 with the rights of its caller."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qs, unquote
from xml.sax.saxutils import unescape

from local_aws import LocalAws

# Trino keeps statistics where Athena asks for none of its caller's rights.
ENGINES_OWN = re.compile(r"ColumnStatistics")


class RecordingAws(LocalAws):
    """A LocalAws that notes the requests it gets, while somebody wants to know."""

    _calls: set[tuple[str, str]] | None = None

    @contextmanager
    def recording(self, calls: set[tuple[str, str]]) -> Iterator[None]:
        """Add each (action of IAM, what it is about) to `calls`."""
        self._calls = calls
        try:
            yield
        finally:
            self._calls = None

    def _application(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        calls = self._calls
        if calls is not None:
            body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0)) if _has_parameters(environ) else b""
            if body:
                environ["wsgi.input"] = io.BytesIO(body)
            calls.update(asked(environ, body))
        return super()._application(environ, start_response)


def asked(environ: dict[str, Any], body: bytes) -> list[tuple[str, str]]:
    """The actions of IAM that a request stands for, each with what it is about.

    A place is written as `database/d`, `table/d/t`, `bucket`, `bucket/key` or `bucket?prefix`.
    """
    service, _, operation = environ.get("HTTP_X_AMZ_TARGET", "").partition(".")
    if service == "AWSGlue":
        return [] if ENGINES_OWN.search(operation) else [(f"glue:{operation}", _glue_place(operation, json.loads(body)))]
    if service == "AmazonAthena":
        return [(f"athena:{operation}", "workgroup")]
    if service:
        return [(f"{service}:{operation}", "*")]
    if _is_form(environ):
        action = parse_qs(body.decode())["Action"][0]
        return [] if action == "GetCallerIdentity" else [(action, "*")]  # which needs no permission
    path, query = unquote(environ["PATH_INFO"]).lstrip("/"), environ.get("QUERY_STRING", "")
    if _is_deletion(environ):
        return [
            ("s3:DeleteObject", f"{path.rstrip('/')}/{unescape(key)}") for key in re.findall("<Key>(.*?)</Key>", body.decode())
        ]
    return _s3(environ["REQUEST_METHOD"], path, query)


def _has_parameters(environ: dict[str, Any]) -> bool:
    """Whether the body says what is asked for. That of most S3 requests is data."""
    return "HTTP_X_AMZ_TARGET" in environ or _is_form(environ) or _is_deletion(environ)


def _is_form(environ: dict[str, Any]) -> bool:
    return environ.get("CONTENT_TYPE", "").startswith("application/x-www-form-urlencoded")


def _is_deletion(environ: dict[str, Any]) -> bool:
    return environ["REQUEST_METHOD"] == "POST" and "delete" in parse_qs(environ.get("QUERY_STRING", ""), keep_blank_values=True)


def _glue_place(operation: str, parameters: dict[str, Any]) -> str:
    name = parameters.get("Name") or parameters.get("TableName") or parameters.get("TableInput", {}).get("Name")
    database = parameters.get("DatabaseName")
    if "Table" in operation or "Partition" in operation:
        return f"table/{database}/{name or '*'}"
    return f"database/{name or '*'}"


def _s3(method: str, path: str, query: str) -> list[tuple[str, str]]:
    bucket, _, key = path.partition("/")
    parameters = parse_qs(query, keep_blank_values=True)
    if key:
        action = {"GET": "GetObject", "HEAD": "GetObject", "PUT": "PutObject", "POST": "PutObject", "DELETE": "DeleteObject"}[
            method
        ]
        if "uploadId" in parameters and method != "POST":
            action = {"PUT": "PutObject", "DELETE": "AbortMultipartUpload", "GET": "ListMultipartUploadParts"}[method]
        return [(f"s3:{action}", f"{bucket}/{key}")]
    if method == "HEAD":  # Athena looks for the bucket of the results by its location
        return [("s3:GetBucketLocation", bucket)]
    if "location" in parameters:
        return [("s3:GetBucketLocation", bucket)]
    if "uploads" in parameters:
        return [("s3:ListBucketMultipartUploads", bucket)]
    return [("s3:ListBucket", f"{bucket}?{parameters.get('prefix', [''])[0]}")]
