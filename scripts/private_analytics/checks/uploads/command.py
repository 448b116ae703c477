"""The command `check uploads`."""

from __future__ import annotations

import os
import time

import click

from ... import aws
from ...errors import UserError
from ...options import option
from ...project import variables
from ..command import CheckCommand, CheckReport, canary_options


@click.command("uploads", cls=CheckCommand)
@canary_options
@option("--url", envvar="UPLOADS_URL", required=True, help="The endpoint that returns upload URLs.")
@option("--method", envvar="UPLOADS_METHOD", type=click.Choice(["POST", "PUT", "GET"]), default="POST", help="Its HTTP method.")
@option(
    "--body",
    envvar="UPLOADS_BODY",
    default='{"contentType": "image/png", "size": "<size>"}',
    help="The JSON that it expects for a PNG.",
)
@option("--url-at", envvar="UPLOADS_URL_AT", default="url", help="Where its answer contains the URL.")
@option("--headers-at", envvar="UPLOADS_HEADERS_AT", default="headers", help="Where its answer contains headers to send, if any.")
@option("--prefix", envvar="UPLOADS_PREFIX", default="uploads", help="The prefix of all keys.")
@option("--max-bytes", envvar="UPLOADS_MAX_BYTES", type=click.IntRange(min=100), help="The largest upload allowed.")
def check_uploads(
    pool_id: str,
    client_id: str,
    token_use: str,
    url: str,
    method: str,
    body: str,
    url_at: str,
    headers_at: str,
    prefix: str,
    max_bytes: int | None,
) -> CheckReport:
    """Check that the API's upload URLs allow one picture only.

    Waits until the URL has expired. The user comes from CANARY_USERNAME and CANARY_PASSWORD, or from CANARY_SECRET.

    \b
    Example:
      pal check uploads --pool-id eu-central-1_Ab12Cd34E --client-id 4f2k --url https://api.example.com/uploads
    """
    import urllib3  # here, as --help does not need them

    from .. import canary
    from .check import check, names, unknown
    from .endpoint import Endpoint

    settings = canary.CanarySettings(pool_id, client_id, url, token_use)
    longest_s = variables.thresholds().upload_url_seconds
    endpoint = Endpoint(url, method, body, url_at, headers_at, prefix.strip("/"), max_bytes or 0, longest_s)
    try:
        user = canary.read_canary(os.environ, lambda: aws.client("secretsmanager"))
        results = check(canary.cognito(settings), urllib3.PoolManager(), settings, endpoint, user, wait)
    except UserError as error:
        results = unknown(str(error), names(endpoint))
    return CheckReport(url, results)


def wait(seconds: float) -> None:
    click.echo(f"Waiting {seconds:.0f} s until the URL has expired.", err=True)
    time.sleep(seconds)
