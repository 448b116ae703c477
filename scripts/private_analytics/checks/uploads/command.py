"""The command `check uploads`."""

from __future__ import annotations

import os
import time

import click

from ... import aws, project_vars
from ...errors import UserError
from ..command import Check, Found, canary_options


@click.command("uploads", cls=Check)
@canary_options
@click.option("--url", envvar="UPLOADS_URL", show_envvar=True, required=True, help="The endpoint that gives upload URLs.")
@click.option(
    "--method",
    envvar="UPLOADS_METHOD",
    show_envvar=True,
    type=click.Choice(["POST", "PUT", "GET"]),
    default="POST",
    show_default=True,
    help="How it is asked.",
)
@click.option(
    "--body",
    envvar="UPLOADS_BODY",
    show_envvar=True,
    default='{"contentType": "image/png", "size": "<size>"}',
    show_default=True,
    help="The JSON it wants for a PNG.",
)
@click.option(
    "--url-at", envvar="UPLOADS_URL_AT", show_envvar=True, default="url", show_default=True, help="Where its answer has the URL."
)
@click.option(
    "--headers-at",
    envvar="UPLOADS_HEADERS_AT",
    show_envvar=True,
    default="headers",
    show_default=True,
    help="Where its answer has headers to send, if anywhere.",
)
@click.option(
    "--prefix", envvar="UPLOADS_PREFIX", show_envvar=True, default="uploads", show_default=True, help="What all keys are below."
)
@click.option(
    "--max-bytes", envvar="UPLOADS_MAX_BYTES", show_envvar=True, type=click.IntRange(min=100), help="The largest upload allowed."
)
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
) -> Found:
    """Whether an upload URL that the API gives works, for one picture, and is refused for everything else.

    Waits until the URL has expired. The user comes from CANARY_USERNAME and CANARY_PASSWORD, or from CANARY_SECRET.
    """
    import urllib3  # here, as --help needs none of them

    from .. import canary
    from .check import check, names, unknown
    from .endpoint import Endpoint, checked

    settings = canary.checked(canary.Settings(pool_id, client_id, url, token_use))
    longest_s = project_vars.thresholds().upload_url_seconds
    endpoint = checked(Endpoint(url, method, body, url_at, headers_at, prefix.strip("/"), max_bytes or 0, longest_s))
    try:
        user = canary.read_canary(os.environ, lambda: aws.client("secretsmanager"))
        results = check(canary.cognito(settings), urllib3.PoolManager(), settings, endpoint, user, wait)
    except UserError as error:
        results = unknown(str(error), names(endpoint))
    return Found(url, results)


def wait(seconds: float) -> None:
    click.echo(f"Waiting {seconds:.0f} s, until the URL has expired.", err=True)
    time.sleep(seconds)
