"""`check jwt` against a real HTTP API, with Cognito served by moto: break either, and the check says what."""

from __future__ import annotations

import base64
import hmac
import json
import stat
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import jwt
import pytest
import requests
from click.testing import CliRunner, Result
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt.algorithms import RSAAlgorithm
from moto.cognitoidp.utils import check_secret_hash
from moto.server import ThreadedMotoServer
from moto.utilities.utils import load_resource

from helpers.jwt_api import Api
from private_analytics.checks import canary
from private_analytics.checks.jwt import check as tokens
from private_analytics.checks.jwt import forged
from private_analytics.checks.jwt.check import NAMES
from private_analytics.cli import cli

REGION, PASSWORD = "eu-central-1", "Correct-horse-7-battery"
KEYS = {"aws_access_key_id": "local", "aws_secret_access_key": "local"}
POOL_KEY = RSAAlgorithm.from_jwk(load_resource("cognitoidp/resources/jwks-private.json"))
FAULTS = {
    "needs no token": "no token",
    "remembers signatures": "tampered",
    "believes a header that says none": "alg none",
    "takes the algorithm from the header": "HS256 with the public key",
    "takes the key from the header": "another key",
    "does not look at where a token is from": "another pool",
    "does not look at exp": "expired",
    "does not look at token_use": "other token_use",
}


@dataclass
class World:
    """A pool with a canary in it, and an API that takes the pool's tokens."""

    cognito: Any
    endpoint: str
    pool_id: str
    client_id: str
    api: Api

    def claims(self, **changes: object) -> dict:
        now = int(time.time())
        issuer = f"https://cognito-idp.{REGION}.amazonaws.com/{self.pool_id}"
        good = {"iss": issuer, "sub": "s", "client_id": self.client_id, "token_use": "access", "iat": now - 9, "exp": now + 99}
        return good | changes

    def token(self, key: Any = POOL_KEY, key_id: str = "dummy", **changes: object) -> str:
        return jwt.encode(self.claims(**changes), key, algorithm="RS256", headers={"kid": key_id})


@pytest.fixture(scope="module")
def moto() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def world(moto: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    requests.post(f"{moto}/moto-api/reset", timeout=10)
    for name, value in {"AWS_ENDPOINT_URL": moto, "AWS_DEFAULT_REGION": REGION}.items():
        monkeypatch.setenv(name, value)
    for name in ("AWS_PROFILE", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name, raising=False)
    cognito = boto3.client("cognito-idp", **KEYS)
    pool_id = cognito.create_user_pool(PoolName="customers")["UserPool"]["Id"]
    client_id = new_client(cognito, pool_id)["ClientId"]
    other_pool_id = cognito.create_user_pool(PoolName="staff")["UserPool"]["Id"]
    for pool in (pool_id, other_pool_id):
        cognito.admin_create_user(UserPoolId=pool, Username="canary")
        cognito.admin_set_user_password(UserPoolId=pool, Username="canary", Password=PASSWORD, Permanent=True)
    keys = requests.get(f"{moto}/{pool_id}/.well-known/jwks.json", timeout=10).json()
    api = Api(keys, f"https://cognito-idp.{REGION}.amazonaws.com/{pool_id}", client_id)
    world = World(cognito, moto, pool_id, client_id, api)
    for name, value in {
        "CANARY_POOL_ID": pool_id,
        "CANARY_CLIENT_ID": client_id,
        "CANARY_OTHER_CLIENT_ID": new_client(cognito, other_pool_id)["ClientId"],
        "CANARY_URL": api.url,
        "CANARY_JWKS_URL": f"{moto}/{pool_id}/.well-known/jwks.json",
        "CANARY_USERNAME": "canary",
        "CANARY_PASSWORD": PASSWORD,
        "CANARY_EXPIRED_TOKEN": world.token(exp=int(time.time()) - 3600),
    }.items():
        monkeypatch.setenv(name, value)
    yield world
    api.close()


def new_client(cognito: Any, pool_id: str, **more: Any) -> dict:
    flows = ["ALLOW_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"]
    return cognito.create_user_pool_client(UserPoolId=pool_id, ClientName="c", ExplicitAuthFlows=flows, **more)["UserPoolClient"]


def check(*arguments: str) -> Result:
    """Run on the command line; whatever happens, it shows no secret and no traceback."""
    result = CliRunner().invoke(cli, ["check", "jwt", *arguments])
    assert PASSWORD not in result.output
    assert "eyJ" not in result.output  # how every token begins
    assert result.exception is None or isinstance(result.exception, SystemExit)
    return result


def statuses() -> dict[str, str]:
    """Name -> status; they agree with the exit code, and every failure has its line of advice."""
    result = check("--json")
    answer = json.loads(result.stdout)
    found = {line["name"]: line["status"] for line in answer["results"]}
    assert tuple(found) == NAMES
    assert answer["ok"] == (set(found.values()) == {"ok"}) == (result.exit_code == 0)
    assert all(line["advice"] for line in answer["results"] if line["status"] == "failed")
    return found


def failing(found: dict[str, str]) -> dict[str, str]:
    return {name: status for name, status in found.items() if status != "ok"}


@pytest.mark.parametrize("form", ["PEM", "PEM without its last newline", "PKCS1", "PKCS1 without its last newline", "DER"])
def test_a_key_is_tried_as_a_secret_in_each_form_that_a_library_may_hand_out(form: str):
    encoding = Encoding.DER if form == "DER" else Encoding.PEM
    kind = PublicFormat.PKCS1 if form.startswith("PKCS1") else PublicFormat.SubjectPublicKeyInfo
    secret = POOL_KEY.public_key().public_bytes(encoding, kind)
    secret = secret.removesuffix(b"\n") if form.endswith("newline") else secret
    token = jwt.encode({"sub": "s"}, POOL_KEY, algorithm="RS256")
    attempts = [attempt.rpartition(".") for attempt in forged.signed_with_public_key(token, POOL_KEY.public_key())]
    right = [hmac.digest(secret, signed.encode(), "sha256") for signed, _, _ in attempts]
    signatures = [base64.urlsafe_b64decode(signature + "==") for _, _, signature in attempts]
    assert sum(given == wanted for given, wanted in zip(signatures, right, strict=True)) == 1


def test_a_sound_api(world: World) -> None:
    assert not failing(statuses())
    result = check()
    assert result.exit_code == 0
    assert [line.split()[0] for line in result.output.splitlines()] == ["ok"] * len(NAMES)


@pytest.mark.parametrize(("fault", "line"), FAULTS.items(), ids=FAULTS)
def test_each_fault_of_an_api_turns_its_line_red(world: World, fault: str, line: str) -> None:
    world.api.faults = {fault}
    assert failing(statuses()) == {line: "failed"}
    last = check().output.splitlines()[-1]
    assert last == f"failed  {tokens.MUST_REFUSE[line]}"


def test_an_api_that_lets_everybody_in(world: World) -> None:
    world.api.status = 200
    assert failing(statuses()) == dict.fromkeys(tokens.MUST_REFUSE, "failed")


@pytest.mark.parametrize("status", [401, 404, 302])
def test_an_api_that_lets_nobody_in(world: World, status: int) -> None:
    world.api.status = status
    expected = {"valid token"} if status == 401 else {"valid token", *tokens.MUST_REFUSE}
    assert failing(statuses()) == dict.fromkeys(expected, "failed")


def test_an_api_that_crashes_on_a_bad_token(world: World) -> None:
    world.api.faults = {"crashes"}
    assert failing(statuses()) == dict.fromkeys(tokens.MUST_REFUSE.keys() - {"no token"}, "failed")


def test_an_api_that_wants_the_id_token(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    assert failing(statuses()) == {}
    keys = requests.get(f"{world.endpoint}/{world.pool_id}/.well-known/jwks.json", timeout=10).json()
    api = Api(keys, f"https://cognito-idp.{REGION}.amazonaws.com/{world.pool_id}", world.client_id, kind="id")
    monkeypatch.setenv("CANARY_URL", api.url)
    assert failing(statuses())["valid token"] == "failed"
    monkeypatch.setenv("CANARY_TOKEN_USE", "id")
    expired = {"token_use": "id", "aud": world.client_id, "exp": int(time.time()) - 3600}
    monkeypatch.setenv("CANARY_EXPIRED_TOKEN", world.token(**expired))
    assert failing(statuses()) == {}
    api.close()


def test_without_a_client_of_another_pool(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The line says what it could not try."""
    monkeypatch.setenv("CANARY_OTHER_CLIENT_ID", "nobody's")
    assert failing(statuses()) == {"another pool": "unknown"}
    monkeypatch.delenv("CANARY_OTHER_CLIENT_ID")
    assert not failing(statuses())
    assert "a forged one, as CANARY_OTHER_CLIENT_ID is not set" in check().output


@pytest.mark.parametrize("status", [429, 503])
def test_an_api_that_cannot_answer_now(world: World, status: int) -> None:
    world.api.status = status
    assert failing(statuses()) == dict.fromkeys(NAMES[2:], "unknown")


def test_an_api_that_is_not_there(world: World) -> None:
    world.api.close()
    assert failing(statuses()) == dict.fromkeys(NAMES[2:], "unknown")


@pytest.mark.parametrize(
    "content",
    [None, "no JSON", "[]", '{"keys": []}', '{"keys": [{"kty": "EC"}]}'],
    ids=["404", "text", "list", "none", "bad key"],
)
def test_keys_that_are_not_to_be_had(world: World, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, content: str | None) -> None:
    import http.server
    import threading
    from functools import partial

    if content is not None:
        (tmp_path / "jwks.json").write_text(content)

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *arguments: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=tmp_path))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("CANARY_JWKS_URL", f"http://127.0.0.1:{server.server_port}/jwks.json")
    expected = {"token": "unknown", "HS256 with the public key": "unknown", "expired": "unknown"}
    assert failing(statuses()) == expected
    server.shutdown()
    server.server_close()
    assert failing(statuses()) == expected


def test_no_cognito(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
        assert failing(statuses()) == dict.fromkeys(NAMES, "unknown")
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    assert failing(statuses()) == dict.fromkeys(NAMES, "unknown")


def test_a_canary_that_may_not_sign_in(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = {"sign-in": "failed"} | dict.fromkeys(NAMES[1:], "unknown")
    with monkeypatch.context() as patch:
        patch.setenv("CANARY_PASSWORD", "wrong")
        assert failing(statuses()) == expected
        assert "NotAuthorizedException" in check().output
    with monkeypatch.context() as patch:
        patch.setenv("CANARY_CLIENT_ID", "another")
        assert failing(statuses()) == expected
    world.cognito.admin_create_user(UserPoolId=world.pool_id, Username="new", TemporaryPassword=PASSWORD)
    monkeypatch.setenv("CANARY_USERNAME", "new")
    assert failing(statuses()) == expected
    assert "--permanent" in check().output


def test_a_client_with_a_secret() -> None:
    """moto does not ask for the hash of the secret when a password is given, but it has AWS's formula."""
    asked: dict = {}

    class Cognito:
        def initiate_auth(self, **request: Any) -> dict:
            asked.update(request)
            return {"AuthenticationResult": {"AccessToken": "a", "IdToken": "i"}}

    assert canary.sign_in(Cognito(), "client", canary.Canary("canary", PASSWORD, "hush")) == {"access": "a", "id": "i"}
    assert check_secret_hash("hush", "client", "canary", asked["AuthParameters"]["SECRET_HASH"])


def test_secrets_in_secrets_manager(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    expired = world.token(exp=int(time.time()) - 3600)
    for name in ("CANARY_USERNAME", "CANARY_PASSWORD", "CANARY_EXPIRED_TOKEN"):
        monkeypatch.delenv(name)
    result = check()
    assert result.exit_code == 1
    assert "Set CANARY_USERNAME and CANARY_PASSWORD, or CANARY_SECRET" in result.output
    monkeypatch.setenv("CANARY_SECRET", "canary")
    assert "Could not read the secret canary" in check().output
    assert failing(statuses()) == dict.fromkeys(NAMES, "unknown")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "local")
    secrets = boto3.client("secretsmanager")
    secrets.create_secret(Name="canary", SecretString="[]")
    assert "not a JSON object" in check().output
    stored = {"username": "canary", "password": PASSWORD, "expired_token": expired}
    secrets.put_secret_value(SecretId="canary", SecretString=json.dumps(stored))
    assert not failing(statuses())


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"exp": 1}, "ExpiredSignatureError"),
        ({"iss": f"https://cognito-idp.{REGION}.amazonaws.com/{REGION}_Other"}, "InvalidIssuerError"),
        ({"client_id": "another"}, "client_id is 'another'"),
        ({"token_use": "id"}, "token_use is 'id'"),
        ({"key_id": "unknown"}, "the pool has no key 'unknown'"),
        ({"key": rsa.generate_private_key(public_exponent=65537, key_size=2048)}, "InvalidSignatureError"),
    ],
    ids=["expired", "issuer", "client", "token_use", "unknown key", "signature"],
)
def test_a_pool_that_issues_a_wrong_token(world: World, changes: dict, says: str) -> None:
    settings = canary.CanarySettings(world.pool_id, world.client_id, "https://unused", "access", "https://unused")
    result = tokens.verified_by(world.token(**changes), {"dummy": POOL_KEY.public_key()}, settings)
    assert (result.status, says in result.detail, bool(result.advice)) == ("failed", True, True)
    assert tokens.verified_by(world.token(), {"dummy": POOL_KEY.public_key()}, settings).status == "ok"


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        (None, "there is no expired token"),
        ({}, "can be tried in 1"),
        ({"exp": 1, "client_id": "another"}, "another reason"),
        ({"exp": 1, "key_id": "rotated"}, "another reason"),
    ],
    ids=["none", "not expired", "another client's", "a key that is gone"],
)
def test_without_a_good_expired_token_nothing_is_known_of_it(
    world: World, monkeypatch: pytest.MonkeyPatch, changes: dict | None, says: str
) -> None:
    """Else its refusal would prove nothing: the API here does not look at exp."""
    world.api.faults = {"does not look at exp"}
    monkeypatch.setenv("CANARY_EXPIRED_TOKEN", "" if changes is None else world.token(**changes))
    assert failing(statuses()) == {"expired": "unknown"}
    assert says in check().output


def test_keeping_a_token(world: World, tmp_path: Path) -> None:
    file = tmp_path / "token"
    assert check("--save-token", str(file)).exit_code == 0
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    kept = jwt.decode(file.read_text(), POOL_KEY.public_key(), algorithms=["RS256"])
    assert {"token_use": "access", "client_id": world.client_id}.items() <= kept.items()
    assert check("--save-token", str(file)).exit_code == 1


@pytest.mark.parametrize(
    ("option", "value"),
    [("--url", "http://api.example.com/orders"), ("--jwks-url", "http://keys.example.com/"), ("--pool-id", "x")],
)
def test_settings_that_cannot_be_right(world: World, option: str, value: str) -> None:
    result = check(option, value)
    assert result.exit_code == 1
    assert result.output.startswith("Error: ")
