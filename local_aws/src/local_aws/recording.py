"""What AWS was asked for: the IAM action of each request, and the resource that it is about.

Athena reads Glue and S3 with the rights of its caller, and so does the server here. So what a client was seen to need is what
its IAM policy has to allow.
"""

import io
import json
import re
from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import parse_qs, unquote
from xml.sax.saxutils import unescape

# Trino keeps statistics where Athena asks for none of its caller's rights.
_ENGINES_OWN = re.compile(r"ColumnStatistics")

_OBJECT_ACTIONS = {
    "GET": "GetObject",
    "HEAD": "GetObject",
    "PUT": "PutObject",
    "POST": "PutObject",
    "DELETE": "DeleteObject",
}
_UPLOAD_ACTIONS = {"PUT": "PutObject", "DELETE": "AbortMultipartUpload", "GET": "ListMultipartUploadParts"}


class Call(NamedTuple):
    """An action of IAM and what it is about.

    `resource` is `database/d`, `table/d/t`, `bucket`, `bucket/key`, `bucket?prefix` for a listing, `workgroup`, or `*`.
    """

    action: str
    resource: str


def calls_of(environ: dict[str, Any]) -> list[Call]:
    """The calls that a WSGI request stands for. Its body can still be read afterwards."""
    body = b""
    if _has_parameters(environ):
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        environ["wsgi.input"] = io.BytesIO(body)
    service, _, operation = environ.get("HTTP_X_AMZ_TARGET", "").partition(".")
    if service == "AWSGlue":
        place = _glue_place(operation, json.loads(body))
        return [] if _ENGINES_OWN.search(operation) else [Call(f"glue:{operation}", place)]
    if service == "AmazonAthena":
        return [Call(f"athena:{operation}", "workgroup")]
    if service:
        return [Call(f"{service}:{operation}", "*")]
    if _is_form(environ):
        action = parse_qs(body.decode())["Action"][0]
        return [] if action == "GetCallerIdentity" else [Call(action, "*")]  # which needs no permission
    path = unquote(environ["PATH_INFO"]).lstrip("/")
    if _is_deletion(environ):
        keys = re.findall("<Key>(.*?)</Key>", body.decode())
        return [Call("s3:DeleteObject", f"{path.rstrip('/')}/{unescape(key)}") for key in keys]
    return [_s3_call(environ["REQUEST_METHOD"], path, _query(environ))]


def _has_parameters(environ: Mapping[str, Any]) -> bool:
    """Whether the body says what is asked for. That of most S3 requests is data."""
    return "HTTP_X_AMZ_TARGET" in environ or _is_form(environ) or _is_deletion(environ)


def _is_form(environ: Mapping[str, Any]) -> bool:
    return str(environ.get("CONTENT_TYPE", "")).startswith("application/x-www-form-urlencoded")


def _is_deletion(environ: Mapping[str, Any]) -> bool:
    return environ["REQUEST_METHOD"] == "POST" and "delete" in _query(environ)


def _query(environ: Mapping[str, Any]) -> dict[str, list[str]]:
    return parse_qs(environ.get("QUERY_STRING", ""), keep_blank_values=True)


def _glue_place(operation: str, parameters: Mapping[str, Any]) -> str:
    name = parameters.get("Name") or parameters.get("TableName") or parameters.get("TableInput", {}).get("Name")
    if "Table" in operation or "Partition" in operation:
        return f"table/{parameters.get('DatabaseName')}/{name or '*'}"
    return f"database/{name or '*'}"


def _s3_call(method: str, path: str, parameters: Mapping[str, list[str]]) -> Call:
    bucket, _, key = path.partition("/")
    if key:
        actions = _UPLOAD_ACTIONS if "uploadId" in parameters and method != "POST" else _OBJECT_ACTIONS
        return Call(f"s3:{actions[method]}", f"{bucket}/{key}")
    if method == "HEAD" or "location" in parameters:  # Athena looks for the bucket of the results by its location
        return Call("s3:GetBucketLocation", bucket)
    if "uploads" in parameters:
        return Call("s3:ListBucketMultipartUploads", bucket)
    return Call("s3:ListBucket", f"{bucket}?{parameters.get('prefix', [''])[0]}")
