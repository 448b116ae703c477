"""One statement on Trino through its client protocol: pages of rows, and statistics while it runs."""

import contextlib
import re
import time
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import urlsplit

import requests
from trino.client import ClientSession, TrinoRequest, TrinoStatus
from trino.exceptions import HttpError, TrinoConnectionError, TrinoQueryError

USER = "athena"
TIMEOUT_SECONDS = (5, 60)  # connect, read: Trino answers a poll within a second, unless a garbage collection holds it up
CLEANING_SECONDS = 60
NODE_SECONDS = 30

NOTHING: Mapping[str, str] = {}


class EngineDownError(Exception):
    """Trino cannot be reached, or no longer knows the query: it ended, or was started anew."""


@dataclass(frozen=True)
class Column:
    """A column of a result: its name, its type as Trino prints it, and the same type as Trino's nested signature."""

    name: str
    type: str
    signature: Mapping[str, Any]


@dataclass(frozen=True)
class Page:
    """What one poll brought. `columns` is empty until Trino knows them; values are as in Trino's JSON."""

    query_id: str
    columns: list[Column]
    rows: list[list[Any]]
    stats: Mapping[str, Any]  # Trino's StatementStats: bytes, rows and milliseconds so far
    update_type: str | None
    update_count: int | None


def run(
    url: str, sql: str, *, catalog: str, schema: str | None, session: Mapping[str, str] = NOTHING
) -> Generator[Page, None, None]:
    """Run `sql` and yield a page for every poll. Closing the iterator before its end cancels the query in Trino.

    Raises trino.exceptions.TrinoQueryError if the query fails, once it no longer touches files, and EngineDownError if Trino
    is not there.
    """
    give_up = time.monotonic() + NODE_SECONDS
    while True:
        try:
            yield from _run(url, sql, catalog, schema, session)
            return
        except TrinoQueryError as error:
            # For some seconds after it has started, Trino does not know that it is a node of its catalogs. Nothing has run.
            if error.error_name != "NO_NODES_AVAILABLE" or time.monotonic() > give_up:
                raise
            time.sleep(0.2)


def _run(url: str, sql: str, catalog: str, schema: str | None, session: Mapping[str, str]) -> Generator[Page, None, None]:
    client = ClientSession(USER, catalog=catalog, schema=schema, properties=dict(session), timezone="UTC", source="athena")
    host, _, port = urlsplit(url).netloc.partition(":")
    with requests.Session() as http:
        http.trust_env = False  # a proxy for the internet is none for loopback
        request = TrinoRequest(host, int(port), client, http_session=http, request_timeout=TIMEOUT_SECONDS)
        try:
            status = _answer(request, request.post, sql)
            yield _page(status)
            while status.next_uri:
                status = _answer(request, request.get, status.next_uri)
                yield _page(status)
        except TrinoQueryError as error:
            _wait_until_over(url, error.query_id)
            raise
        except GeneratorExit:
            if status.next_uri:
                with contextlib.suppress(requests.RequestException):
                    request.delete(status.next_uri)
            raise


def _wait_until_over(url: str, query_id: str | None) -> None:
    """Wait for the end of a query that has failed: for seconds its writers may go on to close files and to delete them.

    dbt empties the location of a CREATE TABLE AS that failed and at once begins another there.
    """
    give_up = time.monotonic() + CLEANING_SECONDS
    with contextlib.suppress(requests.RequestException):
        while query_id and time.monotonic() < give_up and not _query_info(url, query_id).get("finalQueryInfo", True):
            time.sleep(0.05)


def _answer(request: TrinoRequest, send: Callable[[str], requests.Response], what: str) -> TrinoStatus:
    try:
        return request.process(send(what))
    except (requests.RequestException, HttpError, TrinoConnectionError) as error:
        raise EngineDownError(str(error)) from error


def _page(status: TrinoStatus) -> Page:
    columns = [Column(column["name"], column["type"], column["typeSignature"]) for column in status.columns or ()]
    return Page(status.id, columns, cast("list[list[Any]]", status.rows), status.stats, status.update_type, status.update_count)


def syntax_error(url: str, sql: str) -> str | None:
    """What Trino's parser says against `sql`, with positions in it; None if nothing. Takes about 15 ms, runs nothing."""
    try:
        for _ in run(url, f"PREPARE statement FROM\n{sql}", catalog="system", schema=None):
            pass
    except TrinoQueryError as error:
        if error.error_name == "SYNTAX_ERROR":
            return re.sub(r"^line (\d+)", lambda match: f"line {int(match[1]) - 1}", error.message)
    except EngineDownError:
        pass  # the run will tell; a statement whose answer does not fit an HTTP header has been parsed
    return None


def written_table(url: str, query_id: str) -> tuple[str, str, str] | None:
    """Catalog, schema and name of the table that a finished query wrote to; None if it wrote none."""
    output = _query_info(url, query_id).get("output")
    return output and (output["catalogName"], output["schema"], output["table"])


def _query_info(url: str, query_id: str) -> Mapping[str, Any]:
    """Trino's QueryInfo, less what is long; empty if it has forgotten the query."""
    with requests.Session() as http:
        http.trust_env = False
        answer = http.get(
            f"{url}/v1/query/{query_id}", params={"pruned": "true"}, headers={"X-Trino-User": USER}, timeout=TIMEOUT_SECONDS
        )
    return answer.json() if answer.ok else {}
