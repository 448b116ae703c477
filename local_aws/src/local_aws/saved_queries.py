"""Named queries and prepared statements. moto has a few of their operations, this has all of them."""

import time
import uuid
from collections.abc import Callable, Sequence
from typing import Any

from local_aws.protocol import ApiError, Request, Response, invalid, page

Workgroup = Callable[[str], Any]  # raises ApiError if there is none of this name


class NamedQueries:
    """The queries that users keep in a workgroup under a name."""

    def __init__(self, check_workgroup: Workgroup) -> None:
        self._check_workgroup = check_workgroup
        self._by_id: dict[str, dict[str, Any]] = {}

    def create(self, request: Request) -> Response:
        workgroup = request.get("WorkGroup", "primary")
        self._check_workgroup(workgroup)
        kept = _only(request, "Name", "Description", "Database", "QueryString")
        id_ = str(uuid.uuid4())
        self._by_id[id_] = {**kept, "NamedQueryId": id_, "WorkGroup": workgroup}
        return {"NamedQueryId": id_}

    def get(self, request: Request) -> Response:
        return {"NamedQuery": self._find(request["NamedQueryId"])}

    def batch_get(self, request: Request) -> Response:
        found, missing = _sort_out(request["NamedQueryIds"], self._by_id)
        return {"NamedQueries": found, "UnprocessedNamedQueryIds": [_unprocessed("NamedQueryId", id_) for id_ in missing]}

    def list(self, request: Request) -> Response:
        workgroup = request.get("WorkGroup", "primary")
        self._check_workgroup(workgroup)
        ids, more = page([id_ for id_, query in self._by_id.items() if query["WorkGroup"] == workgroup], request)
        return {"NamedQueryIds": ids, **more}

    def update(self, request: Request) -> Response:
        self._find(request["NamedQueryId"]).update(_only(request, "Name", "Description", "QueryString"))
        return {}

    def delete(self, request: Request) -> Response:
        self._find(request["NamedQueryId"])
        del self._by_id[request["NamedQueryId"]]
        return {}

    def _find(self, id_: str) -> dict[str, Any]:
        if id_ not in self._by_id:
            raise invalid(f"NamedQuery {id_} was not found", "NAMED_QUERY_NOT_FOUND")
        return self._by_id[id_]


class PreparedStatements:
    """The statements with parameters that users keep in a workgroup, for EXECUTE."""

    def __init__(self, check_workgroup: Workgroup) -> None:
        self._check_workgroup = check_workgroup
        self._by_name: dict[tuple[str, str], dict[str, Any]] = {}

    def create(self, request: Request) -> Response:
        self._check_workgroup(request["WorkGroup"])
        if self._key(request) in self._by_name:
            raise invalid(f"PreparedStatement {request['StatementName']} already exists", "PREPARED_STATEMENT_ALREADY_EXISTS")
        self._by_name[self._key(request)] = {
            **_only(request, "StatementName", "QueryStatement", "Description"),
            "WorkGroupName": request["WorkGroup"],
            "LastModifiedTime": time.time(),
        }
        return {}

    def get(self, request: Request) -> Response:
        return {"PreparedStatement": self._find(request)}

    def text(self, workgroup: str, name: str) -> str | None:
        """The SQL of a prepared statement; None if there is none of this name."""
        kept = self._by_name.get((workgroup, name))
        return str(kept["QueryStatement"]) if kept else None

    def batch_get(self, request: Request) -> Response:
        self._check_workgroup(request["WorkGroup"])
        here = {name: kept for (workgroup, name), kept in self._by_name.items() if workgroup == request["WorkGroup"]}
        found, missing = _sort_out(request["PreparedStatementNames"], here)
        unprocessed = [_unprocessed("StatementName", name) for name in missing]
        return {"PreparedStatements": found, "UnprocessedPreparedStatementNames": unprocessed}

    def list(self, request: Request) -> Response:
        self._check_workgroup(request["WorkGroup"])
        here = [kept for (workgroup, _), kept in sorted(self._by_name.items()) if workgroup == request["WorkGroup"]]
        kept, more = page(here, request)
        return {"PreparedStatements": [_only(one, "StatementName", "LastModifiedTime") for one in kept], **more}

    def update(self, request: Request) -> Response:
        self._find(request).update(_only(request, "QueryStatement", "Description"), LastModifiedTime=time.time())
        return {}

    def delete(self, request: Request) -> Response:
        self._find(request)
        del self._by_name[self._key(request)]
        return {}

    def _key(self, request: Request) -> tuple[str, str]:
        return request["WorkGroup"], request["StatementName"]

    def _find(self, request: Request) -> dict[str, Any]:
        self._check_workgroup(request["WorkGroup"])
        if self._key(request) not in self._by_name:
            raise ApiError("ResourceNotFoundException", f"PreparedStatement {request['StatementName']} was not found")
        return self._by_name[self._key(request)]


def _only(source: Request, *names: str) -> dict[str, Any]:
    return {name: source[name] for name in names if name in source}


def _sort_out(keys: Sequence[str], kept: dict[str, dict[str, Any]]) -> tuple[list[dict[str, Any]], list[str]]:
    return [kept[key] for key in keys if key in kept], [key for key in keys if key not in kept]


def _unprocessed(key: str, value: str) -> dict[str, str]:
    return {key: value, "ErrorCode": "INTERNAL_FAILURE", "ErrorMessage": f"{value} was not found"}
