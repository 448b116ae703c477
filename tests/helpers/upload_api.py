"""An HTTP API on loopback that gives upload URLs to users of a pool, signed by boto3. Each fault is one that real APIs have."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from unittest import mock

import jwt

MAX_BYTES = 5_000_000
KEY = "uploads/canary/picture.png"
HEADERS = {"Content-Type": "image/png", "Content-Length": "67"}


class UploadApi:
    """All may be changed at any time. status: what it answers to everything, if set. answer: its JSON for a URL."""

    def __init__(self, bucket: str, s3: Any, s3_version_2: Any, keys_url: str, client_id: str) -> None:
        self._bucket, self._s3, self._s3_version_2 = bucket, s3, s3_version_2
        self._keys, self._client_id = jwt.PyJWKClient(keys_url), client_id
        self.faults: set[str] = set()
        self.status, self.seconds, self.key = 0, 60, KEY
        self.answer: Callable[[str], object] = lambda url: {"url": url, "headers": HEADERS}
        self.is_awake = threading.Event()
        self.is_awake.set()
        self.asked: list[tuple[str, str, str]] = []
        self.url_given = ""
        self._params: dict = {}
        api = self

        class Handler(BaseHTTPRequestHandler):
            def ask(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
                api.asked.append((self.command, self.path, body))
                api.is_awake.wait(30)
                token = self.headers.get("Authorization", "").removeprefix("Bearer ")
                status, content = api.judge(token, json.loads(body).get("size", 67) if body else 67)
                self.send_response(api.status or status)
                self.send_header("Content-Length", str(len(content)))
                self.send_header("Location", "/sign-in")
                self.end_headers()
                self.wfile.write(content)

            do_POST = do_GET = ask

            def log_message(self, *arguments: object) -> None:
                pass

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._http.handle_error = lambda *arguments: None  # who was kept waiting hangs up
        self.endpoint = f"http://127.0.0.1:{self._http.server_port}/upload-urls"
        threading.Thread(target=self._http.serve_forever, args=(0.01,), daemon=True).start()

    def close(self) -> None:
        self._http.shutdown()
        self._http.server_close()

    def judge(self, token: str, size: int) -> tuple[int, bytes]:
        if "gives URLs to everybody" not in self.faults and not self._knows(token):
            return 401, b"{}"
        if "does not look at the size" not in self.faults and size > MAX_BYTES:
            return 413, b"{}"
        self._params = {"Bucket": self._bucket, "Key": self.key, "ContentType": "image/png", "ContentLength": size}
        if "does not sign the content type" in self.faults:
            del self._params["ContentType"]
        if "does not sign the size" in self.faults:
            del self._params["ContentLength"]
        self.url_given = self.signed()
        return 200, json.dumps(self.answer(self.url_given)).encode()

    def signed(self, ago: float = 0) -> str:
        """The URL as it would be, had it been signed so many seconds ago."""
        s3 = self._s3_version_2 if "signs with version 2" in self.faults else self._s3
        with mock.patch("botocore.auth.get_current_datetime", lambda *_: datetime.now(UTC) - timedelta(seconds=ago)):
            return s3.generate_presigned_url("put_object", Params=self._params, ExpiresIn=self.seconds)

    def _knows(self, token: str) -> bool:
        try:
            claims = jwt.decode(token, self._keys.get_signing_key_from_jwt(token).key, algorithms=["RS256"])
        except jwt.PyJWTError:
            return False
        return (claims["token_use"], claims["client_id"]) == ("access", self._client_id)
