"""The canary: a user of the pool that exists only for checks, and how it signs in."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Literal
from urllib.parse import urlsplit

from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError
from pydantic import AfterValidator
from pydantic.dataclasses import dataclass as checked_dataclass

from .. import aws
from ..errors import UserError

if TYPE_CHECKING:
    from mypy_boto3_cognito_idp.client import CognitoIdentityProviderClient
    from mypy_boto3_secretsmanager.client import SecretsManagerClient

LOOPBACK = {"localhost", "127.0.0.1", "::1"}
ACCESS, ID = "access", "id"


def _pool_id(text: str) -> str:
    if not re.fullmatch(r"[a-z]{2}(-[a-z]+)+-\d_[0-9a-zA-Z]+", text):
        raise UserError(f"{text!r} is not the id of a user pool. Give an id such as eu-central-1_Ab12Cd34E.")
    return text


def _private(url: str) -> str:
    address = urlsplit(url)
    if address.scheme != "https" and not (address.scheme == "http" and address.hostname in LOOPBACK):
        raise UserError(f"{url} must begin with https://: over HTTP, others could read tokens or replace the keys.")
    return url


PoolId = Annotated[str, AfterValidator(_pool_id)]
PrivateUrl = Annotated[str, AfterValidator(_private)]


@checked_dataclass(frozen=True)
class CanarySettings:
    """What is checked. url: an endpoint that needs a token and changes nothing. token_use: the kind of token it wants.
    other_client_id: an app client without a secret in another pool in which the canary exists too.

    Raises UserError for invalid settings.
    """

    pool_id: PoolId
    client_id: str
    url: PrivateUrl
    token_use: str = ACCESS
    jwks_url: Literal[""] | PrivateUrl = ""
    other_client_id: str = ""

    @property
    def issuer(self) -> str:
        return f"https://cognito-idp.{self.region}.amazonaws.com/{self.pool_id}"

    @property
    def region(self) -> str:
        return self.pool_id.partition("_")[0]

    @property
    def keys_url(self) -> str:
        return self.jwks_url or f"{self.issuer}/.well-known/jwks.json"


@dataclass(frozen=True)
class Canary:
    """The canary's secrets, which repr() does not show. expired_token: an earlier token of the canary that has expired."""

    username: str
    password: str = field(repr=False)
    client_secret: str = field(default="", repr=False)
    expired_token: str = field(default="", repr=False)


class RefusedError(UserError):
    """Cognito refused the canary: why, and what to do."""

    def __init__(self, detail: str, advice: str) -> None:
        super().__init__(f"{detail}. {advice}")
        self.detail, self.advice = detail, advice


def read_canary(variables: Mapping[str, str], secrets: Callable[[], SecretsManagerClient]) -> Canary:
    """Read the canary from CANARY_USERNAME, CANARY_PASSWORD and so on, or from the JSON of the secret in CANARY_SECRET.

    Raises UserError if they are missing.
    """
    names = ("username", "password", "client_secret", "expired_token")
    found = {name: variables.get(f"CANARY_{name.upper()}", "") for name in names}
    if secret := variables.get("CANARY_SECRET"):
        try:
            with aws.aws_errors(f"read the secret {secret}"):
                text = secrets().get_secret_value(SecretId=secret)["SecretString"]
            stored = json.loads(text)
            found |= {name: str(stored[name]) for name in names if stored.get(name)}
        except (ValueError, KeyError, AttributeError):
            raise UserError(f"The secret {secret} is not a JSON object with username and password.") from None
    if not (found["username"] and found["password"]):
        raise UserError("The canary has no username or no password. Set CANARY_USERNAME and CANARY_PASSWORD, or CANARY_SECRET.")
    return Canary(**found)


def cognito(settings: CanarySettings) -> CognitoIdentityProviderClient:
    """A Cognito client without AWS credentials: signing in needs none."""
    patience = Config(signature_version=UNSIGNED, connect_timeout=10, read_timeout=10, retries={"total_max_attempts": 2})
    return aws.client("cognito-idp", region_name=settings.region, config=patience)


def sign_in(client: CognitoIdentityProviderClient, client_id: str, canary: Canary) -> dict[str, str]:
    """The canary's tokens: access and id. Raises RefusedError, and UserError if Cognito cannot be asked."""
    parameters = {"USERNAME": canary.username, "PASSWORD": canary.password}
    if canary.client_secret:
        message = (canary.username + client_id).encode()
        digest = hmac.digest(canary.client_secret.encode(), message, hashlib.sha256)
        parameters["SECRET_HASH"] = base64.b64encode(digest).decode()
    with aws.aws_errors(f"sign in to app client {client_id}"):
        try:
            answer = client.initiate_auth(AuthFlow="USER_PASSWORD_AUTH", ClientId=client_id, AuthParameters=parameters)
        except ClientError as error:
            code = aws.error_code(error)
            if code in REFUSALS:
                raise RefusedError(f"Cognito says {code}: {error.response['Error']['Message']}", REFUSALS[code]) from None
            raise
    if challenge := answer.get("ChallengeName"):
        raise RefusedError(
            f"Cognito asks for {challenge}",
            "Give the canary a permanent password (aws cognito-idp admin-set-user-password --permanent) and no MFA.",
        )
    tokens = answer["AuthenticationResult"]
    return {ACCESS: tokens["AccessToken"], ID: tokens["IdToken"]}


_SIGN_IN = "Reset the canary's password in the pool, and set the same in CANARY_PASSWORD or in the secret named by CANARY_SECRET."
_CLIENT = "Allow ALLOW_USER_PASSWORD_AUTH for the app client; if it has a secret, set CANARY_CLIENT_SECRET."
REFUSALS = {
    "NotAuthorizedException": _SIGN_IN,
    "UserNotFoundException": _SIGN_IN,
    "PasswordResetRequiredException": _SIGN_IN,
    "UserNotConfirmedException": _SIGN_IN,
    "InvalidParameterException": _CLIENT,
    "ResourceNotFoundException": "Compare CANARY_POOL_ID and CANARY_CLIENT_ID with the pool.",
}
