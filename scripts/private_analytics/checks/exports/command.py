"""The command `check exports`."""

from __future__ import annotations

import click

from ...errors import UserError
from ...exports.commands import export_clients, export_settings
from ...exports.reconcile import Clock
from ...exports.settings import ExportSettings
from ..command import CheckCommand, CheckReport
from . import check


@click.command("exports", cls=CheckCommand)
@export_settings
def check_exports(settings: ExportSettings) -> CheckReport:
    """Check that the days of each log group arrive.

    Says what is late, failed, or was lost in the last week, and what to do.

    \b
    Example:
      pal check exports --bucket shop-exports --log-group /ecs/shop-api --first-day 2026-10-01
    """
    try:
        results = check.look(export_clients(), settings, Clock().now_ms())
    except UserError as error:
        results = check.unknown(settings, str(error))
    return CheckReport(settings.place, results)
