"""What stands before the emulator's S3: TLS and plain HTTP on one port, time that passes, and faults that S3 itself has not."""

from __future__ import annotations

import http.client
import socket
import ssl
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from helpers.upload_api import UploadApi

ACTIONS = {"PUT": "put_object", "GET": "get_object", "DELETE": "delete_object"}


class S3Front(ThreadingHTTPServer):
    """later: how many seconds have passed since the URL was given; `jumps`: this many from the second request on.

    status: the answer to all requests after the first `sound` ones, if set. clock: what it tells as Date, if set. A fault sends
    on what should be refused as if the bucket's owner asked for it, so that it is really done.
    """

    daemon_threads = True

    def __init__(self, s3: str, tls: ssl.SSLContext, owner: Any) -> None:
        self.s3, self.tls, self.owner = urlsplit(s3).netloc, tls, owner
        self.api: UploadApi | None = None
        self.faults: set[str] = set()
        self.later, self.jumps, self.status, self.sound, self.clock, self.seen = 0.0, 0.0, 0, 0, "", 0
        super().__init__(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()

    def close(self) -> None:
        self.shutdown()
        self.server_close()

    def finish_request(self, request: Any, client_address: Any) -> None:
        if request.recv(1, socket.MSG_PEEK) != b"\x16":  # which TLS begins with
            super().finish_request(request, client_address)
            return
        with self.tls.wrap_socket(request, server_side=True) as secured:
            super().finish_request(secured, client_address)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Who does not trust the certificate hangs up."""

    def lets_in(self, method: str, path: str, query: str) -> bool:
        """Whether a fault lets in what should be refused."""
        key, said = path.split("/", 2)[2], dict(parse_qsl(query))
        given = urlsplit(self.api.url_given)
        good = dict(parse_qsl(given.query))
        wrong = {
            "does not look at the key": path != given.path and key.startswith("uploads/"),
            "does not look at the prefix": not key.startswith("uploads/"),
            "does not look at the method": method in ("GET", "DELETE"),
            "does not look at the signature": said.get("X-Amz-Signature") != good.get("X-Amz-Signature"),
            "does not look at what else is signed": said.get("X-Amz-Expires") != good.get("X-Amz-Expires"),
            "does not look at the time": self.later > 0,
        }
        return bool(query) and any(wrong[fault] for fault in self.faults & wrong.keys())


class Handler(BaseHTTPRequestHandler):
    server: S3Front

    def pass_on(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        front, method, address = self.server, self.command, urlsplit(self.path)
        path, headers = self.path, dict(self.headers) | {"X-Forwarded-Proto": "https" if self.is_tls else "http"}
        front.seen += 1
        if front.seen == 2:
            front.later = front.jumps
        if front.status and front.seen > front.sound:
            self.reply(front.status, b"", {})
            return
        if front.lets_in(method, address.path, address.query):
            _, bucket, key = address.path.split("/", 2)
            url = urlsplit(front.owner.generate_presigned_url(ACTIONS[method], Params={"Bucket": bucket, "Key": key}))
            path, headers["Host"] = f"{url.path}?{url.query}", url.netloc
        elif front.later and address.query:
            path = f"{address.path}?{urlsplit(front.api.signed(ago=front.later)).query}"
        s3 = http.client.HTTPConnection(front.s3, timeout=30)
        s3.request(method, path, body=body, headers=headers)
        answer = s3.getresponse()
        self.reply(answer.status, answer.read(), {"Content-Type": answer.headers.get("Content-Type", "application/xml")})
        s3.close()

    do_PUT = do_GET = do_HEAD = do_POST = do_DELETE = pass_on

    @property
    def is_tls(self) -> bool:
        return isinstance(self.connection, ssl.SSLSocket)

    def reply(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in (headers | {"Content-Length": str(len(body))}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def date_time_string(self, timestamp: float | None = None) -> str:
        return self.server.clock or super().date_time_string(timestamp)

    def log_message(self, *arguments: object) -> None:
        pass
