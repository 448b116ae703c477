"""The tables against the oracle, and what tests of loading share."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

from helpers import oracle
from helpers.project import TABLES, Project
from private_analytics.project import paths

# What a run builds, step by step; the marts of one step do not build on one another.
STEPS = (
    "loaded_exports table_versions",
    "batch_exports",
    "batch_lines",
    "batch_counts batch_copies batch_identified",
    "changed_days",
    "fct_events",
    "rejected_log_lines",
    "events int_events",
    "daily_events daily_endpoint_reliability hourly_reliability daily_product_performance daily_auth_failures daily_uploads",
    "int_users__active_days int_exports__daily_lines",
    "batch_session_events sessions",
    "int_sessions__funnels",
    "daily_funnel daily_active_users weekly_user_retention",
    "export_health",
)


def assert_equals_oracle(project: Project, **config: object) -> None:
    """Every column of every row of every table is what plain Python computes from the raw files."""
    settings = oracle.load_config(paths.root())
    expected = oracle.compute(project.lake, replace(settings, **config))
    for name, key in TABLES.items():
        if not hasattr(expected, name):  # a mart that somebody added
            continue
        differences = oracle.compare(getattr(expected, name), project.table(name), key)
        assert not differences, f"{name}:\n" + "\n".join(differences)


def hide_records(records: list[Path]) -> list[Path]:
    """Exports are not published yet; show_records() publishes them."""
    return [record.rename(record.with_suffix(".hidden")) for record in records]


def show_records(hidden: list[Path]) -> None:
    for record in hidden:
        record.rename(record.with_suffix(".json"))


def line(day: str, **record: str | int) -> str:
    return f"{day}T12:00:00.000Z {json.dumps(record)}"
