"""The commands `cost` and `scanned`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from .. import aws, console, options
from ..project import paths
from . import bill
from . import scanned as scans

DEFAULTS = bill.Usage(gb_per_day=0)


def _option(name: str, low: float, text: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """An option with the default of Usage."""
    default = getattr(DEFAULTS, name)
    kind = click.IntRange(min=int(low)) if isinstance(default, int) else click.FloatRange(min=low)
    return click.option(f"--{name.replace('_', '-')}", type=kind, default=default, show_default=default is not None, help=text)


@click.command("cost")
@click.option("--gb-per-day", type=click.FloatRange(min=0), required=True, help="GB of text that the API logs in a day.")
@_option("retention_days", 1, "The stack's LogRetentionDays.")
@_option("glacier_after_days", 1, "The stack's GlacierAfterDays.")
@_option("expire_after_days", 1, "The stack's ExpireLogsAfterDays.")
@_option("gzip_ratio", 1, "Bytes of text per byte in an export.")
@_option("query_gb_per_day", 0, "GB that people and dashboards scan in a day.")
@_option("dbt_gb_per_day", 0, "GB that a daily run is billed for, as `pal scanned` shows it.  [default: estimated]")
@_option("dbt_minutes", 0, "Minutes that a daily run takes.")
@click.option("--kms", "has_kms_key", is_flag=True, help="The data is encrypted with your own KMS key.")
@options.as_json
def cost(is_json: bool, **usage: Any) -> None:
    """Estimate what a month on AWS costs (docs/costs.md).

    \b
    Example:
      pal cost --gb-per-day 2
    """
    wanted = bill.Usage(**usage)
    items = list(bill.items(wanted))
    if is_json:
        content = {"prices": f"{bill.PRICES_REGION}, {bill.PRICES_DATE}", "usage": asdict(wanted), "items": [*map(asdict, items)]}
        console.echo_json(content | {"usd": sum(item.usd for item in items)})
        return
    sums = (("total", items), ("without CloudWatch Logs", [item for item in items if "CloudWatch" not in item.name]))
    rows = [(item.name, item.amount, f"{item.usd:,.2f}") for item in items]
    rows += [(name, "", f"{sum(item.usd for item in of):,.2f}") for name, of in sums]
    styles = [""] * len(items) + ["bold"] * len(sums)
    console.echo_table(("per month", "amount", "USD"), rows, right=("amount", "USD"), styles=styles)
    click.echo(bill.assumptions(wanted))


@click.command("scanned")
@options.workgroup
@options.option("--run-results", type=options.PATH, help="The run's results.  [default: target/run_results.json]")
@options.as_json
def scanned(workgroup: str, run_results: Path | None, is_json: bool) -> None:
    """Show what a dbt run on Athena scanned, and its price.

    Lists the nodes, the most expensive first.

    \b
    Example:
      pal scanned
    """
    invocation_id, started = scans.read_run(run_results or paths.target() / "run_results.json")
    found = scans.scans(aws.client("athena"), workgroup, invocation_id, started)
    total = scans.total(found)
    if is_json:
        nodes = [asdict(scan) | {"usd": scan.usd} for scan in found]
        console.echo_json({"invocation_id": invocation_id, "nodes": nodes, "total": asdict(total) | {"usd": total.usd}})
        return
    echo_scans(found, total)


def echo_scans(found: Sequence[scans.Scan], total: scans.Scan) -> None:
    """Print a table with the total last."""
    rows = [
        (scan.name, f"{scan.queries:,}", f"{scan.bytes:,}", f"{scan.billed_bytes / 1e6:,.0f}", f"{scan.usd:.5f}")
        for scan in [*found, total]
    ]
    columns = ("node", "queries", "scanned, bytes", "billed, MB", "USD")
    console.echo_table(columns, rows, right=columns[1:], styles=[""] * len(found) + ["bold"])
