"""What planning the exports of a year of 20 log groups costs: time, memory, and the API calls of a steady day.

    python benchmarks/export_planning.py [--days 365] [--log-groups 20]

The reference is what nobody can do without: to sort the names of the records and read the day and time in each.
"""

from __future__ import annotations

import argparse
import sys
import time
import tracemalloc
from collections.abc import Callable
from datetime import date
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(PROJECT / folder) for folder in ("local_aws/src", "scripts", "tests/python/exports")]

from helpers.export_account import BUCKET, NOON, Account, Exporter, a_steady_day  # noqa: E402
from private_analytics.days import DAY_MS, HOUR_MS  # noqa: E402
from private_analytics.exports.plan import make_plan  # noqa: E402

ROUNDS = 5


def best(work: Callable[[], object]) -> float:
    """The shortest of some runs, in seconds."""
    times = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        work()
        times.append(time.perf_counter() - began)
    return min(times)


def peak_mb(work: Callable[[], object]) -> float:
    tracemalloc.start()
    work()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak / 1e6


def names_read(names: list[str]) -> list[tuple[date, int]]:
    return [(date.fromisoformat(name[8:18].replace("/", "-")), int(name.split(".")[1])) for name in sorted(names)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--days", type=int, default=365)
    parser.add_argument("--log-groups", type=int, default=20)
    options = parser.parse_args()

    account, exporter = a_steady_day(options.log_groups, options.days)
    names = list(account.buckets[BUCKET])
    reference = best(lambda: names_read(names))
    print(f"{options.log_groups} log groups, {options.days} days, {len(names):,} export records")
    print(f"reference: names sorted and read        {reference * 1000:8.1f} ms")

    def report(what: str, exporter: Exporter, now_ms: int) -> None:
        seen, rules = exporter.world(), exporter.settings.rules
        seconds = best(lambda: make_plan(seen, rules, now_ms))
        made = make_plan(seen, rules, now_ms)
        memory = peak_mb(lambda: make_plan(exporter.world(), rules, now_ms))
        print(
            f"{what:40}{seconds * 1000:8.1f} ms  {seconds / reference:5.1f} x reference  peak {memory:5.1f} MB"
            f"  {len(made.queue):,} of {made.days:,} days wanted"
        )

    report("plan of a steady day", exporter, NOON)
    report("plan after 30 days without a run", exporter, NOON + 30 * DAY_MS)
    empty, newcomer = a_steady_day(options.log_groups, options.days)
    empty.buckets[BUCKET].clear()
    for group in list(empty.groups):
        empty.groups[group] = type(empty.groups[group])(group, 0)  # kept for ever
    report("plan of a backfill from nothing", newcomer, NOON)

    account.calls.made.clear()
    exporter.run_for(hours=12)
    show_calls("one run that waits until all is done", account, options.log_groups)
    account, exporter = a_steady_day(options.log_groups, options.days)
    for hour in range(24):
        exporter.run_for(hours=0.25)
        account.pass_time(ms=NOON + (hour + 1) * HOUR_MS - account.now_ms)
    show_calls("a run of up to 15 minutes each hour", account, options.log_groups)


def show_calls(how: str, account: Account, log_groups: int) -> None:
    calls = account.calls.made
    print(f"API calls of a steady day, {how}: {calls.total() / log_groups:.1f} a log group {dict(calls)}")


if __name__ == "__main__":
    main()
