"""`check jwt`: whether the pool's token is correct, and whether the API accepts it and nothing else."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import jwt
import urllib3
from cryptography.hazmat.primitives.asymmetric import rsa

from ...errors import UserError
from ..canary import ACCESS, ID, Canary, CanarySettings, RefusedError, sign_in
from ..results import FAILED, OK, UNKNOWN, Result
from . import forged

if TYPE_CHECKING:
    from mypy_boto3_cognito_idp.client import CognitoIdentityProviderClient

Keys = dict[str | None, rsa.RSAPublicKey]  # by their id

TIMEOUT_S = 10
LONG_EXPIRED_S = 600  # a few minutes of leeway for clocks are fine and must not look like a fault
LET_IN = range(200, 300)
REFUSED = {401, 403}
# Answers that do not show how the API judges tokens.
NOT_NOW = {status: f"the API answers {status}" for status in (429, 502, 503, 504)} | {0: "the API cannot be reached"}

SIGN_IN, TOKEN, VALID = "sign-in", "token", "valid token"
MUST_REFUSE = {
    "no token": "Attach the authorizer to this endpoint; if it is meant to be public, check another endpoint.",
    "tampered": "Verify the signature of the received token with a library; never only decode it.",
    "alg none": "Allow RS256 only when verifying; the token's header must not choose.",
    "HS256 with the public key": "Allow RS256 only when verifying; the token's header must not choose.",
    "another key": "Take keys from the pool's JWKS only; ignore jwk and jku in the token's header.",
    "another pool": "Check iss, and take keys from this pool's JWKS, not from where the token's iss points.",
    "expired": "Check exp, with at most a few minutes of leeway.",
    "other token_use": "Check token_use: do not accept an id token as an access token, or the reverse.",
}
NAMES = (SIGN_IN, TOKEN, VALID, *MUST_REFUSE)


def check(
    cognito: CognitoIdentityProviderClient, http: urllib3.PoolManager, settings: CanarySettings, canary: Canary
) -> list[Result]:
    """A result for each of NAMES."""
    try:
        tokens = sign_in(cognito, settings.client_id, canary)
    except RefusedError as error:
        return [Result(SIGN_IN, FAILED, error.detail, error.advice), *unknown("the canary has no token", NAMES[1:])]
    except UserError as error:
        return unknown(str(error))
    signed_in = Result(SIGN_IN, OK, f"{canary.username} has tokens")
    token, other = tokens[settings.token_use], tokens[ID if settings.token_use == ACCESS else ACCESS]
    try:
        forged.claims(token)
    except jwt.InvalidTokenError as error:
        broken = Result(TOKEN, FAILED, f"it is not a JWT: {error}", "Ask AWS: a pool does not issue such tokens.")
        return [signed_in, broken, *unknown("the canary has no token", NAMES[2:])]
    try:
        keys = fetch_keys(http, settings)
        verified, key = verified_by(token, keys, settings), keys.get(jwt.get_unverified_header(token).get("kid"))
    except UserError as error:
        keys, verified, key = {}, Result(TOKEN, UNKNOWN, str(error)), None
    hs256 = "HS256 with the public key"
    return [
        signed_in,
        verified,
        _accepted(http, settings, token),
        _refused(http, settings, "no token", [None]),
        _refused(http, settings, "tampered", forged.tampered(token)),
        _refused(http, settings, "alg none", forged.unsigned(token)),
        _refused(http, settings, hs256, forged.signed_with_public_key(token, key))
        if key
        else Result(hs256, UNKNOWN, "the pool's key is not known"),
        _refused(http, settings, "another key", forged.signed_by_another(token)),
        _another_pool(cognito, http, settings, canary, token),
        _unusable(canary.expired_token, keys, settings) or _refused(http, settings, "expired", [canary.expired_token]),
        _refused(http, settings, "other token_use", [other]),
    ]


def unknown(why: str, names: Iterable[str] = NAMES) -> list[Result]:
    """The results if nothing could be checked: unknown."""
    return [Result(name, UNKNOWN, why) for name in names]


def fetch_keys(http: urllib3.PoolManager, settings: CanarySettings) -> Keys:
    """The pool's public keys by their id. Raises UserError if they cannot be fetched."""
    try:
        answer = http.request("GET", settings.keys_url, redirect=False, retries=False, timeout=TIMEOUT_S)
        if answer.status != 200:
            raise UserError(f"the pool's keys cannot be fetched: {settings.keys_url} answers {answer.status}")
        keys = jwt.PyJWKSet.from_dict(answer.json()).keys
        return {key.key_id: key.key for key in keys if isinstance(key.key, rsa.RSAPublicKey)}
    except (urllib3.exceptions.HTTPError, jwt.PyJWTError, ValueError, TypeError, AttributeError) as error:
        raise UserError(f"the pool's keys cannot be fetched from {settings.keys_url}: {type(error).__name__}") from None


def verified_by(token: str, keys: Keys, settings: CanarySettings) -> Result:
    """Whether a token is what the pool should issue to the canary."""
    try:
        _verify(token, keys, settings)
    except jwt.PyJWTError as error:
        advice = (
            "Compare pool, client and --token-use with what the API wants; if they are right, do not trust this pool's tokens."
        )
        return Result(TOKEN, FAILED, f"{type(error).__name__}: {error}", advice)
    return Result(TOKEN, OK, f"{settings.token_use} token of {settings.pool_id}, for {settings.client_id}")


def _verify(token: str, keys: Keys, settings: CanarySettings, *, expired: bool = False) -> dict[str, Any]:
    """The token's claims. Raises jwt.PyJWTError."""
    key_id = jwt.get_unverified_header(token).get("kid")
    if key_id not in keys:
        raise jwt.InvalidKeyError(f"the pool has no key {key_id!r}")
    for_whom = "client_id" if settings.token_use == ACCESS else "aud"
    claims = jwt.decode(
        token,
        keys[key_id],
        algorithms=["RS256"],
        issuer=settings.issuer,
        options={"require": ["exp", "iat", "iss", "sub", "token_use", for_whom], "verify_aud": False, "verify_exp": not expired},
    )
    for name, wanted in (("token_use", settings.token_use), (for_whom, settings.client_id)):
        if claims[name] != wanted:
            raise jwt.InvalidTokenError(f"{name} is {claims[name]!r}, not {wanted!r}")
    return claims


def _unusable(token: str, keys: Keys, settings: CanarySettings) -> Result | None:
    """Why a token cannot show whether the API refuses expired ones: it must be expired and otherwise valid."""
    how = "Save a token with --save-token FILE, and set CANARY_EXPIRED_TOKEN to it when it has expired."
    if not keys:
        return Result("expired", UNKNOWN, "the pool's keys are not known")
    if not token:
        return Result("expired", UNKNOWN, "there is no expired token to try", how)
    try:
        since = time.time() - _verify(token, keys, settings, expired=True)["exp"]
    except jwt.PyJWTError as error:
        return Result("expired", UNKNOWN, f"CANARY_EXPIRED_TOKEN would be refused for another reason: {error}", how)
    if since < LONG_EXPIRED_S:
        return Result("expired", UNKNOWN, f"CANARY_EXPIRED_TOKEN can be tried in {(LONG_EXPIRED_S - since) / 60:.0f} minutes")
    return None


def _accepted(http: urllib3.PoolManager, settings: CanarySettings, token: str) -> Result:
    status = _ask(http, settings.url, token)
    if status in NOT_NOW:
        return Result(VALID, UNKNOWN, NOT_NOW[status])
    if status in LET_IN:
        return Result(VALID, OK, f"accepted ({status})")
    advice = "Compare the API's pool, client, kind of token and clock with these settings. 404: give the URL of an endpoint."
    return Result(VALID, FAILED, f"not accepted ({status})", advice)


def _refused(http: urllib3.PoolManager, settings: CanarySettings, name: str, attempts: Sequence[str | None]) -> Result:
    """The worst of all attempts counts."""
    statuses = [_ask(http, settings.url, attempt) for attempt in attempts]
    for status in statuses:
        if status in LET_IN:
            return Result(name, FAILED, f"accepted ({status})", MUST_REFUSE[name])
    for status in statuses:
        if status not in REFUSED and status not in NOT_NOW:
            return Result(name, FAILED, f"neither accepted nor refused ({status})", "Answer 401 to an invalid token.")
    for status in statuses:
        if status in NOT_NOW:
            return Result(name, UNKNOWN, NOT_NOW[status])
    return Result(name, OK, f"refused ({statuses[0]})")


def _another_pool(
    cognito: CognitoIdentityProviderClient, http: urllib3.PoolManager, settings: CanarySettings, canary: Canary, token: str
) -> Result:
    """Try a token that another pool issued, if there is one: its signature is valid, but it is from the wrong pool."""
    name, attempts = "another pool", [forged.of_another_pool(token)]
    if not settings.other_client_id:
        result = _refused(http, settings, name, attempts)
        return replace(result, detail=f"{result.detail}: a forged one, as CANARY_OTHER_CLIENT_ID is not set")
    try:
        attempts.append(sign_in(cognito, settings.other_client_id, replace(canary, client_secret=""))[settings.token_use])
    except UserError as error:
        return Result(name, UNKNOWN, str(error))
    return _refused(http, settings, name, attempts)


def _ask(http: urllib3.PoolManager, url: str, token: str | None) -> int:
    """The status of the API's answer, or 0. A redirect to a sign-in page is not followed: it is not an API's answer."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    try:
        return http.request("GET", url, headers=headers, redirect=False, retries=False, timeout=TIMEOUT_S).status
    except urllib3.exceptions.HTTPError:
        return 0
