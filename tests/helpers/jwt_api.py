"""An HTTP API on loopback that wants a token of a user pool; joserfc verifies it. Each fault is one that real APIs have had."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet, RSAKey
from joserfc.jws import JWSRegistry


class Api:
    """`faults` may be changed at any time; `status`, where it is set, is the answer to everything (302: to a public page)."""

    def __init__(self, keys: dict, issuer: str, client_id: str, kind: str = "access") -> None:
        self._keys, self._claims = KeySet.import_key_set(keys), {"iss": issuer, "token_use": kind}
        self._claims |= {"client_id" if kind == "access" else "aud": client_id}
        self.faults: set[str] = set()
        self.status = 0
        self._signatures: set[str] = set()
        api = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                is_page = self.path == "/sign-in"
                self.send_response(200 if is_page else api.status or api.judge(self.headers.get("Authorization", "")))
                self.send_header("Location", "/sign-in")
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *arguments: object) -> None:
                pass

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._http.server_port}/orders"
        threading.Thread(target=self._http.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._http.shutdown()
        self._http.server_close()

    def judge(self, authorization: str) -> int:
        token = authorization.removeprefix("Bearer ")
        if not token:
            return 200 if "needs no token" in self.faults else 401
        head, content, signature = token.split(".")
        header = json.loads(decoded(head))
        if "believes a header that says none" in self.faults and header["alg"].lower() == "none":
            return 200
        if "takes the algorithm from the header" in self.faults and header["alg"] == "HS256":
            secret = self._keys.keys[0].as_pem(private=False)
            right = hmac.digest(secret, f"{head}.{content}".encode(), hashlib.sha256)
            return 200 if hmac.compare_digest(right, decoded(signature)) else 401
        if "remembers signatures" in self.faults and signature in self._signatures:
            return 200
        keys, registry = self._keys, JWSRegistry(algorithms=["RS256"])
        if "takes the key from the header" in self.faults and "jwk" in header:
            keys = RSAKey.import_key(header["jwk"])
            registry.max_header_length = len(head)
        try:
            found = jwt.decode(token, keys, registry=registry)
            wanted = {name: {"essential": True, "value": value} for name, value in self._claims.items()}
            if "does not look at token_use" in self.faults:
                wanted = {"iss": wanted["iss"]}
            if "does not look at where a token is from" in self.faults:
                wanted = {"token_use": wanted["token_use"]}
            claims = dict(found.claims)
            if "does not look at exp" in self.faults:
                del claims["exp"]
            jwt.JWTClaimsRegistry(**wanted).validate(claims)
            self._signatures.add(signature)
        except (JoseError, ValueError):
            return 500 if "crashes" in self.faults else 401
        return 200


def decoded(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
