"""`cost`: what the user types and sees."""

from __future__ import annotations

import click

from . import cost as bill

DEFAULTS = bill.Usage(gb_per_day=0)


def _option(name: str, low: float, text: str) -> object:
    """An option whose default is Usage's."""
    default = getattr(DEFAULTS, name)
    kind = click.IntRange(min=int(low)) if isinstance(default, int) else click.FloatRange(min=low)
    return click.option(f"--{name.replace('_', '-')}", type=kind, default=default, show_default=default is not None, help=text)


@click.command("cost")
@click.option("--gb-per-day", type=click.FloatRange(min=0), required=True, help="Text that the API logs in a day.")
@_option("retention_days", 1, "LogRetentionDays of the stack.")
@_option("glacier_after_days", 1, "GlacierAfterDays of the stack.")
@_option("expire_after_days", 1, "ExpireLogsAfterDays of the stack.")
@_option("gzip_ratio", 1, "Bytes of text for one byte in an export.")
@_option("query_gb_per_day", 0, "What people and dashboards scan in a day.")
@_option("dbt_gb_per_day", 0, "What a daily run is billed for, as the command scanned shows it.  [default: worked out]")
@_option("dbt_minutes", 0, "How long a daily run takes.")
@click.option("--kms", "has_kms_key", is_flag=True, help="A KMS key of yours encrypts the data.")
def cost(**usage: float) -> None:
    """Show what a month on AWS costs, service by service (docs/costs.md)."""
    click.echo(bill.table(bill.Usage(**usage)))
