"""The API's endpoint that returns upload URLs, and the servers' answers to `check uploads`."""

from __future__ import annotations

import json
import re
import time
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Annotated, Self

import urllib3
from pydantic import AfterValidator, model_validator
from pydantic.dataclasses import dataclass as checked_dataclass

from ...errors import UserError

TIMEOUT_S = 10
API, S3 = "the API", "S3"
LET_IN = range(200, 300)
NOT_NOW = {0, 429, 502, 503, 504}  # does not show what is accepted; 0: no answer
S3_REFUSES = 403
S3_REFUSALS = {"MethodNotAllowed", "EntityTooLarge", "AuthorizationQueryParametersError"}  # with another status
SIZE = "<size>"
NOT_OURS = {"host", "content-length"}  # set by the HTTP client


@dataclass(frozen=True)
class Answer:
    """An answer. of: who answered. status: 0 if there was no answer. at: when, by the clock of the server."""

    of: str
    status: int
    body: bytes = b""
    at: float = 0

    @property
    def is_let_in(self) -> bool:
        return self.status in LET_IN

    @property
    def is_refused_by_s3(self) -> bool:
        return self.status == S3_REFUSES or self._said("Code") in S3_REFUSALS

    @property
    def has_expired(self) -> bool:
        return self.status == S3_REFUSES and self._said("Message").startswith("Request has expired")

    @property
    def silence(self) -> str:
        """Why the answer proves nothing; '' if it does."""
        if self.status not in NOT_NOW:
            return ""
        return f"{self.of} answers {self.status}" if self.status else f"{self.of} cannot be reached"

    def __str__(self) -> str:
        return f"{self.status} {self._said('Code')}".strip()

    def _said(self, name: str) -> str:
        """A field of S3's XML. Nothing else of it is shown, as it also contains signatures and keys."""
        found = re.search(rf"<{name}>([\w .]+)</{name}>".encode(), self.body)
        return found[1].decode() if found else ""


def ask(http: urllib3.PoolManager, of: str, method: str, url: str, headers: dict[str, str], body: bytes | None = None) -> Answer:
    """Send a request. A redirect is not followed: it is not an answer of an API or of S3."""
    try:
        answer = http.request(method, url, body=body, headers=headers, redirect=False, retries=False, timeout=TIMEOUT_S)
    except urllib3.exceptions.HTTPError:
        return Answer(of, 0)
    try:
        at = parsedate_to_datetime(answer.headers.get("Date", "")).timestamp()
    except ValueError:
        at = time.time()
    return Answer(of, answer.status, answer.data, at)


def _json(text: str) -> str:
    try:
        json.loads(text)
    except ValueError as error:
        raise UserError(f"UPLOADS_BODY is not JSON: {error}. Set it to the JSON that the API expects.") from None
    return text


@checked_dataclass(frozen=True)
class Endpoint:
    """How to call the API. url_at, headers_at: where to find these in its answer, as dotted names. max_bytes 0: no limit.

    Raises UserError for invalid settings.
    """

    url: str
    method: str
    body: Annotated[str, AfterValidator(_json)]
    url_at: str
    headers_at: str
    prefix: str
    max_bytes: int
    longest_s: float

    @model_validator(mode="after")
    def _tells_the_size(self) -> Self:
        if self.max_bytes and SIZE not in self.url + (self.body if self.method != "GET" else ""):
            raise UserError(
                f'UPLOADS_MAX_BYTES is set, but the API is not told a size. Put "{SIZE}" in UPLOADS_BODY where the size goes.'
            )
        return self

    def ask(self, http: urllib3.PoolManager, token: str, size: int) -> Answer:
        """Ask for the URL of an upload of `size` bytes."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        body = None
        if self.method != "GET":
            headers["Content-Type"] = "application/json"
            body = self.body.replace(f'"{SIZE}"', str(size)).encode()
        return ask(http, API, self.method, self.url.replace(SIZE, str(size)), headers, body)

    def url_and_headers(self, answer: Answer) -> tuple[str, dict[str, str]]:
        """The URL and the headers to send. Raises UserError if the answer contains no URL."""
        try:
            content = json.loads(answer.body)
        except ValueError:
            raise UserError("the API's answer is not JSON") from None
        url, headers = _at(content, self.url_at), _at(content, self.headers_at)
        if not isinstance(url, str):
            raise UserError(f"the API's answer has no string at {self.url_at}")
        given = headers.items() if isinstance(headers, dict) else ()
        return url, {name.lower(): str(value) for name, value in given if name.lower() not in NOT_OURS}


def _at(content: object, names: str) -> object:
    for name in names.split("."):
        content = content.get(name) if isinstance(content, dict) else None
    return content
