"""What the models cost: time against zcat and a hand-written polars script on the same files, one day more, peak memory.

    python benchmarks/run.py [--events 1000000] [--memory-events 10000000] [--no-memory]

Everything is written below lake/bench-<events>. Nothing is asserted but that all who are timed compute the same figures.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

import duckdb
import yaml

PROJECT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(PROJECT / "scripts"))

from private_analytics.samples.writer import write_sample_logs  # noqa: E402

DAYS = 30
LAST_DAY = date(2026, 10, 31)
ROUNDS = 3
Figures = tuple[int | float, ...]  # of a table
DBT = Path(sys.executable).with_name("dbt")
POLARS_SCRIPT = Path(__file__).with_name("polars_reference.py")
DATABASE = "bench.duckdb"

# Of each table, as an SQL select list: what dbt and polars must agree on. Not ids, since polars has other hashes, nor what
# hangs on their order: which of two events of a session in the same millisecond was first.
FIGURES = {
    "fct_events": """count(*), count(distinct event_id), sum(epoch_us(event_at)), count(distinct event_date), count(event_name),
        count(user_id), count(distinct user_id), count(session_id), count(distinct product_id), sum(status_code), sum(latency_ms),
        count(method), sum(length(route)), count(distinct route), count_if(is_bot), count(distinct log_stream),
        sum(epoch_us(exported_at))""",
    "rejected_log_lines": """count(*), count(distinct line_id), sum(length(line)), count_if(reason = 'lambda_platform_line'),
        count_if(reason = 'continuation_line'), count_if(reason = 'not_json'), sum(epoch_us(logged_at))""",
    "daily_events": "count(*), sum(events), sum(users), sum(sessions), count(distinct event_name)",
    "daily_endpoint_reliability": """count(*), sum(requests), sum(client_errors), sum(server_errors), sum(server_error_rate),
        sum(latency_p50_ms), sum(latency_p95_ms), sum(latency_p99_ms), count(distinct route)""",
    "hourly_reliability": """count(*), sum(requests), sum(client_errors), sum(server_errors), sum(auth_failures),
        sum(latency_p95_ms)""",
    "sessions": """count(*), sum(events), sum(requests), sum(server_errors), sum(duration_seconds), count(user_id),
        count_if(converted), sum(epoch_us(started_at)), sum(epoch_us(ended_at))""",
    "daily_funnel": "count(*), sum(sessions), sum(step_number * sessions), sum(rate_from_previous), sum(rate_from_first)",
    "daily_product_performance": "count(*), sum(views), sum(add_to_carts), sum(purchases), sum(purchase_rate)",
    "daily_active_users": """count(*), sum(daily_active_users), sum(weekly_active_users), sum(monthly_active_users),
        sum(stickiness)""",
    "weekly_user_retention": """count(*), sum(week_number), sum(cohort_users), sum(active_users), sum(retention_rate),
        sum(week_number * active_users)""",
    "daily_auth_failures": "count(*), sum(attempts), sum(failures), sum(users), sum(failure_rate)",
    "daily_uploads": "count(*), sum(uploads_requested), sum(uploads_completed), sum(uploads_rejected)",
    "export_health": """count(*), sum(exports), sum(lines), sum(events), sum(rejected), sum(duplicates), sum(bytes),
        sum(lag_hours), count_if(status = 'ok'), count_if(status = 'late'), count_if(status = 'empty')""",
}


@dataclass(frozen=True)
class Timed:
    """One command: wall clock seconds, processor seconds, and the largest resident set of the process in bytes."""

    wall: float
    processor: float
    memory: int


@dataclass(frozen=True)
class DbtRun:
    """One dbt run: the process, seconds by model, and from the first model's start to the last one's end."""

    process: Timed
    stages: dict[str, float]
    models: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--memory-events", type=int, default=10_000_000)
    parser.add_argument("--no-memory", action="store_true", help="leave out the peak memory of the larger run")
    arguments = parser.parse_args()

    lake = sample_lake(arguments.events)
    files = published_files(lake)
    size = sum(path.stat().st_size for path in files)
    print(f"{arguments.events:,} sample events in {len(files)} files, {size / 1e6:.0f} MB of gzip; {os.cpu_count()} processors")
    seed(lake)
    zcats, polars, dbts = [], [], []
    for number in range(ROUNDS):
        print(f"round {number + 1} of {ROUNDS} ...", file=sys.stderr)
        zcats.append(time_zcat(files))
        dbts.append(run_dbt(lake, "--full-refresh"))
        polars.append(time_polars(lake))
    check_agreement(figures_of_database(lake.parent / DATABASE), figures_of_parquet(lake.parent / "polars"), "dbt", "polars")
    best = min(dbts, key=lambda run: run.models)
    print_times(best, min(zcats, key=lambda timed: timed.wall), min(polars, key=lambda timed: timed.wall))
    print_increment(time_one_day_more(lake), best)
    print_memory(arguments.events, best, None if arguments.no_memory else arguments.memory_events)


def sample_lake(events: int) -> Path:
    """The sample exports of about so many events, from an earlier run if that wrote them whole."""
    lake = PROJECT / "lake" / f"bench-{events}" / "lake"
    if not lake.exists():
        print(f"writing {events:,} sample events ...", file=sys.stderr)
        unfinished = lake.with_name("lake.unfinished")
        shutil.rmtree(unfinished, ignore_errors=True)
        write_sample_logs(unfinished, days=DAYS, events_per_day=max(1, round(events / DAYS)), seed=1, end_date=LAST_DAY)
        unfinished.rename(lake)
    return lake


def published_files(lake: Path) -> list[Path]:
    """The objects of the exports that have a record: what dbt reads."""
    tasks = {path.stem for path in (lake / "exports").glob("*/*/*/*.json")}
    return sorted(path for path in (lake / "logs").glob("*/*/*/*/*/*.gz") if path.parts[-3] in tasks)


def timed(command: Sequence[str | Path], *, text: bytes = b"", environment: dict[str, str] | None = None) -> Timed:
    """Run a command to its end. Of memory, only the process itself counts, not its children."""
    started = time.perf_counter()
    process = subprocess.Popen(command, cwd=PROJECT, env=os.environ | (environment or {}), stdin=subprocess.PIPE)
    assert process.stdin  # noqa: S101 (a pipe, as asked for)
    process.stdin.write(text)
    process.stdin.close()
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"failed with {process.returncode}: {' '.join(map(str, command))}")
    return Timed(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024))


def time_zcat(files: list[Path]) -> Timed:
    """Decompress the files, one zcat per processor."""
    command = ["sh", "-c", f"xargs -0 -P{os.cpu_count()} -n1 zcat > /dev/null"]
    return timed(command, text=b"\0".join(os.fsencode(path) for path in files))


def time_polars(lake: Path) -> Timed:
    out = lake.parent / "polars"
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir()
    bots = yaml.safe_load((PROJECT / "dbt_project.yml").read_text())["vars"]["bot_user_agents"]
    return timed([sys.executable, POLARS_SCRIPT, lake, out, bots])


def dbt(command: str, lake: Path, *options: str, database: str = DATABASE) -> Timed:
    """A dbt command on the exports in `lake`, with everything that it writes beside them."""
    work = lake.parent
    environment = {
        "ANALYTICS_LAKE": str(lake),
        "ANALYTICS_DB": str(work / database),
        "ANALYTICS_TARGET": "local",
        "DBT_TARGET_PATH": str(target_of(lake, database)),
        "DBT_LOG_PATH": str(work / "logs"),
        "DBT_PROJECT_DIR": str(PROJECT),
        "DBT_PROFILES_DIR": str(PROJECT),
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
    }
    return timed([DBT, command, *options, "--quiet"], environment=environment)


def target_of(lake: Path, database: str) -> Path:
    """One for each database: dbt parses the project anew where an environment variable is another than last time."""
    return lake.parent / "target" / database


def seed(lake: Path, database: str = DATABASE) -> None:
    """A new database that holds the seeds."""
    for path in lake.parent.glob(f"{database}*"):
        path.unlink()
    dbt("seed", lake, database=database)


def run_dbt(lake: Path, *options: str, database: str = DATABASE) -> DbtRun:
    process = dbt("run", lake, *options, database=database)
    results = json.loads((target_of(lake, database) / "run_results.json").read_text())["results"]
    models = [result for result in results if result["unique_id"].startswith("model.")]
    stages = {result["unique_id"].split(".")[-1]: result["execution_time"] for result in models}
    times = [datetime.fromisoformat(step[key]) for r in results for step in r["timing"] for key in ("started_at", "completed_at")]
    return DbtRun(process, stages, (max(times) - min(times)).total_seconds())


def time_one_day_more(lake: Path) -> DbtRun:
    """Load all exports but those of the last day, then the last day; best of the rounds."""
    work, database = lake.parent, "one-day-more.duckdb"
    growing = work / "growing"
    shutil.rmtree(growing, ignore_errors=True)
    shutil.copytree(lake / "exports", growing / "exports")
    (growing / "logs").symlink_to(lake / "logs")
    last_day = Path("exports", f"{LAST_DAY:%Y/%m/%d}")
    shutil.rmtree(growing / last_day)
    seed(growing, database)
    run_dbt(growing, "--full-refresh", database=database)
    shutil.copy(work / database, work / "before.duckdb")
    shutil.copytree(lake / last_day, growing / last_day)
    runs = []
    for number in range(ROUNDS):
        print(f"one day more, round {number + 1} of {ROUNDS} ...", file=sys.stderr)
        shutil.copy(work / "before.duckdb", work / database)
        runs.append(run_dbt(growing, database=database))
    whole, grown = figures_of_database(work / DATABASE), figures_of_database(work / database)
    check_agreement(whole, grown, "the full run", "the incremental run")
    return min(runs, key=lambda run: run.models)


def figures_of_database(database: Path) -> dict[str, Figures]:
    with duckdb.connect(str(database), read_only=True) as connection:
        return {table: figures_of(connection, table, table) for table in FIGURES}


def figures_of_parquet(folder: Path) -> dict[str, Figures]:
    with duckdb.connect() as connection:
        return {table: figures_of(connection, table, f"'{folder / table}.parquet'") for table in FIGURES}


def figures_of(connection: duckdb.DuckDBPyConnection, table: str, place: str) -> Figures:
    return connection.execute(f"select {FIGURES[table]} from {place}").fetchall()[0]  # noqa: S608


def check_agreement(one: dict[str, Figures], other: dict[str, Figures], one_name: str, other_name: str) -> None:
    """Exit unless all figures are the same; sums of fractions to a millionth."""
    for table, figures in one.items():
        items = [item.strip() for item in FIGURES[table].replace("\n", " ").split(", ")]
        for item, left, right in zip(items, figures, other[table], strict=True):
            same = math.isclose(left, right, rel_tol=1e-6) if isinstance(left, float) else left == right
            if not same:
                sys.exit(f"{table}: {item} is {left} by {one_name}, {right} by {other_name}. They do different work: no times.")


def print_times(run: DbtRun, zcat: Timed, polars: Timed) -> None:
    def line(name: str, seconds: float) -> None:
        print(f"{name:<34}{seconds:8.2f}{seconds / zcat.wall:9.2f}{seconds / polars.wall:10.2f}")

    print(f"\n{'best of ' + str(ROUNDS):<34}{'seconds':>8}{'x zcat':>9}{'x polars':>10}")
    line("zcat, one per processor", zcat.wall)
    line("polars script", polars.wall)
    for name, seconds in run.stages.items():
        line(f"  {name}", seconds)
    line("all models, start to end", run.models)
    line("dbt itself: start, parsing, end", run.process.wall - run.models)
    line("dbt run, whole process", run.process.wall)
    print(f"processor seconds: zcat {zcat.processor:.1f}, polars {polars.processor:.1f}, dbt run {run.process.processor:.1f}")


def print_increment(run: DbtRun, full: DbtRun) -> None:
    print(f"\n{'one day more, of ' + str(DAYS):<34}{'seconds':>8}{'x full run':>12}")
    for name, part, whole in (("all models", run.models, full.models), ("whole process", run.process.wall, full.process.wall)):
        print(f"{name:<34}{part:8.2f}{part / whole:12.2f}")


def print_memory(events: int, run: DbtRun, more_events: int | None) -> None:
    print(f"\n{'peak memory of dbt run':<34}{'MB':>8}{'x ' + format(events, ','):>12}")
    print(f"{format(events, ',') + ' events':<34}{run.process.memory / 1e6:8.0f}{1:12.2f}")
    if more_events:
        lake = sample_lake(more_events)
        seed(lake)
        larger = run_dbt(lake, "--full-refresh")
        ratio, longer = larger.process.memory / run.process.memory, larger.models / run.models
        print(f"{format(more_events, ',') + ' events':<34}{larger.process.memory / 1e6:8.0f}{ratio:12.2f}")
        print(f"{'  all models, seconds':<34}{larger.models:8.1f}{longer:12.2f}")


if __name__ == "__main__":
    main()
