"""The command `check jwt`."""

from __future__ import annotations

import os
from pathlib import Path

import click

from ... import aws
from ...errors import UserError
from ...options import PATH, option
from ..command import CheckCommand, CheckReport, canary_options


@click.command("jwt", cls=CheckCommand)
@canary_options
@option("--url", envvar="CANARY_URL", required=True, help="An endpoint that needs a token; a GET must change nothing.")
@option("--jwks-url", envvar="CANARY_JWKS_URL", default="", help="The URL of the pool's keys.  [default: the pool's own]")
@option("--other-client-id", envvar="CANARY_OTHER_CLIENT_ID", default="", help="An app client of another pool.")
@option("--save-token", type=PATH, help="Only save a token to this new file.")
def check_jwt(
    pool_id: str,
    client_id: str,
    url: str,
    token_use: str,
    jwks_url: str,
    other_client_id: str,
    save_token: Path | None,
) -> CheckReport | None:
    """Check that the API accepts the pool's tokens, and no others.

    A user of the pool signs in; then forged, expired and other tokens are tried. The user comes from CANARY_USERNAME and
    CANARY_PASSWORD, or from CANARY_SECRET, a secret in Secrets Manager.

    \b
    Example:
      pal check jwt --pool-id eu-central-1_Ab12Cd34E --client-id 4f2k --url https://api.example.com/me
    """
    import urllib3  # here, as --help does not need them

    from .. import canary
    from .check import check, unknown

    settings = canary.CanarySettings(pool_id, client_id, url, token_use, jwks_url, other_client_id)
    if save_token:
        user = canary.read_canary(os.environ, lambda: aws.client("secretsmanager"))
        _save(save_token, canary.sign_in(canary.cognito(settings), client_id, user)[token_use])
        click.echo(f"Saved to {save_token}. When it has expired, set CANARY_EXPIRED_TOKEN to it. Nothing was checked.")
        return None
    try:
        user = canary.read_canary(os.environ, lambda: aws.client("secretsmanager"))
        results = check(canary.cognito(settings), urllib3.PoolManager(), settings, user)
    except UserError as error:
        results = unknown(str(error))
    return CheckReport(url, results)


def _save(path: Path, token: str) -> None:
    """Write the token to a file that only its owner can read."""
    try:
        path.touch(mode=0o600, exist_ok=False)
        path.write_text(token)
    except OSError as error:
        raise UserError(f"{path} cannot be created: {error.strerror}. Give another --save-token.") from None
