"""Tokens that an API must refuse, made from a valid one. Each list is one kind of forgery, in forms known to have worked."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import uuid
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt.algorithms import RSAAlgorithm


def tampered(token: str) -> list[str]:
    """Somebody else's claims under the same signature."""
    header, _, signature = token.split(".")
    return [f"{header}.{_encoded(claims(token) | {'sub': str(uuid.uuid4())})}.{signature}"]


def unsigned(token: str) -> list[str]:
    """No signature, and a header that says so."""
    header = jwt.get_unverified_header(token)
    return [f"{_encoded(header | {'alg': none})}.{token.split('.')[1]}." for none in ("none", "None", "NONE")]


def signed_with_public_key(token: str, key: rsa.RSAPublicKey) -> list[str]:
    """HS256 with the public key as the secret: accepted by an API that lets the token choose the algorithm."""
    signed = f"{_encoded(jwt.get_unverified_header(token) | {'alg': 'HS256'})}.{token.split('.')[1]}"
    texts = [key.public_bytes(Encoding.PEM, form) for form in (PublicFormat.SubjectPublicKeyInfo, PublicFormat.PKCS1)]
    secrets = [*texts, *(text.strip() for text in texts), key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)]
    return [f"{signed}.{_base64(hmac.digest(secret, signed.encode(), hashlib.sha256))}" for secret in secrets]


def signed_by_another(token: str) -> list[str]:
    """A key that is not the pool's: under the pool's key id, or embedded in the token."""
    key = _new_key()
    public = json.loads(RSAAlgorithm.to_jwk(key.public_key()))
    name = jwt.get_unverified_header(token).get("kid")
    headers = [{"kid": name}, *({"kid": kid, "jwk": public | {"kid": kid}} for kid in (name, "another"))]
    return [jwt.encode(claims(token), key, algorithm="RS256", headers=header) for header in headers]


def of_another_pool(token: str) -> str:
    """A token as another pool would issue it, with its own issuer and key."""
    good = claims(token)
    return jwt.encode(good | {"iss": f"{good.get('iss')}0"}, _new_key(), algorithm="RS256", headers={"kid": "another"})


def claims(token: str) -> dict[str, Any]:
    """The token's claims, unverified. Raises jwt.InvalidTokenError if it is not a JWT."""
    return jwt.decode(token, options={"verify_signature": False})


def _new_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def _encoded(content: dict[str, Any]) -> str:
    return _base64(json.dumps(content, separators=(",", ":")).encode())


def _base64(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()
