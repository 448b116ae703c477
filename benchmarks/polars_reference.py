"""The same tables from the same files as this project's models, in hand-written polars: what the bench compares with.

    python benchmarks/polars_reference.py LAKE OUT [BOT_PATTERN]

It has an easier task than the models: it knows only the one log format of the samples (eleven top-level keys, one form of
timestamps, days of UTC), takes every line that begins like an object for one, identifies lines with polars' own hash (polars has
no MD5), and its tables are Parquet files that no later run adds to.
"""

from __future__ import annotations

import csv
import io
import sys
from pathlib import Path

import polars as pl

TIME = "%Y-%m-%dT%H:%M:%S%.3fZ"
BEGINS_WITH_TIME = r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}[.]\d{3}Z "
LAMBDA_LINE = r"^(?:START|END|REPORT) RequestId: |^(?:INIT_START|INIT_REPORT|EXTENSION|TELEMETRY)[ \t]|^XRAY TraceId: "
BOTS = (
    r"bot\b|bot/|crawl|spider|slurp|headless|lighthouse|pingdom|uptime|monitor|curl/|wget/|python-requests|python-urllib|aiohttp"
    r"|go-http-client|libwww|scrapy"
)
UUID = "[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}"
ID_SEGMENT = rf"/(?:[0-9]+|{UUID}|[0-9a-fA-F]{{16,}}|[0-9A-Z]{{26}}|[A-Za-z]+[-_][0-9]+)(/|$)"
HORIZON = pl.duration(days=1)
SESSION_GAP = pl.duration(minutes=30)
LATE_AFTER_HOURS = 36
SEEDS = Path(__file__).resolve().parents[1] / "seeds"
FIELDS = {
    "eventId": pl.String,
    "timestamp": pl.String,
    "eventName": pl.String,
    "userId": pl.String,
    "sessionId": pl.String,
    "productId": pl.String,
    "statusCode": pl.Int32,
    "latencyMs": pl.Float64,
    "method": pl.String,
    "path": pl.String,
    "userAgent": pl.String,
}
c = pl.col


def read_exports(lake: Path) -> pl.DataFrame:
    """The published exports."""
    records = [pl.read_ndjson(path) for path in sorted((lake / "exports").glob("*/*/*/*.json"))]
    return pl.concat(records, how="diagonal_relaxed").select(
        "export_task_id",
        "log_group",
        c.export_date.str.to_date(),
        c.completed_at.str.to_datetime(TIME, time_unit="us").alias("exported_at"),
        "bytes",
    )


def read_lines(lake: Path, exports: pl.DataFrame) -> pl.DataFrame:
    """Every line of the published exports, with where it comes from and the hash that identifies it."""
    published = set(exports["export_task_id"])
    paths = [path for path in (lake / "logs").glob("*/*/*/*/*/*.gz") if path.parts[-3] in published]
    objects = pl.DataFrame(
        {
            "path": [str(path) for path in paths],
            "export_task_id": [path.parts[-3] for path in paths],
            "log_stream": [path.parts[-2] for path in paths],
        }
    ).join(exports, on="export_task_id")
    return (
        pl.scan_lines(paths, glob=False, name="line", include_file_paths="path")
        .join(objects.lazy(), on="path")
        .with_columns(
            c.line.str.contains(BEGINS_WITH_TIME).alias("has_time"),
            pl.concat_str("log_group", pl.lit("\n"), "log_stream", pl.lit("\n"), "line").hash().alias("line_id"),
        )
        .with_columns(pl.when("has_time").then(c.line.str.slice(25)).otherwise(c.line).alias("message"))
        .with_columns((c.has_time & c.message.str.starts_with("{")).alias("is_object"))
        .select(
            *("line", "message", "has_time", "is_object", "line_id"),
            *("log_group", "log_stream", "export_task_id", "export_date", "exported_at"),
        )
        .collect(engine="streaming")
    )


def read_fields(lines: pl.DataFrame, bots: str) -> pl.DataFrame:
    """The lines that are events, with their fields: copies are still in it."""
    objects = lines.filter("is_object")
    text = io.BytesIO()
    # Written out and read as one JSON-lines file: a third faster than str.json_decode.
    objects.select("message").write_csv(text, include_header=False, quote_style="never")
    values = pl.read_ndjson(text.getvalue(), schema=FIELDS)
    if len(values) != len(objects):
        raise ValueError(f"{len(objects)} lines begin like objects, {len(values)} were read")
    doubled = c.path.str.extract("^([^?#]*)").str.replace_all("/", "//", literal=True)
    fields = values.lazy().select(
        pl.when(c.eventId != "").then(c.eventId.hash(1)).alias("own_id"),
        c.timestamp.str.to_datetime(TIME, time_unit="us").alias("event_at"),
        c.eventName.alias("event_name"),
        c.userId.alias("user_id"),
        c.sessionId.alias("session_id"),
        c.productId.alias("product_id"),
        pl.when(c.statusCode.is_between(100, 599)).then(c.statusCode).alias("status_code"),
        pl.when(c.latencyMs >= 0, c.latencyMs.is_finite()).then(c.latencyMs).alias("latency_ms"),
        pl.when(c.method.str.contains("^[A-Za-z]+$")).then(c.method.str.to_uppercase()).alias("method"),
        doubled.str.replace_all(ID_SEGMENT, "/:id$1").str.replace_all("//", "/", literal=True).alias("route"),
        (c.userAgent.str.to_lowercase().str.contains(bots).fill_null(False) & c.userId.is_null()).alias("is_bot"),
    )
    origin = objects.select("line_id", "log_group", "log_stream", "export_task_id", "exported_at")
    return fields.collect(engine="streaming").hstack(origin)


def find_events(lines: pl.DataFrame) -> pl.DataFrame:
    """fct_events: of copies the one of the earliest export. Only lines that repeat are numbered and ranked."""
    lines = lines.with_columns(pl.coalesce("own_id", "line_id").alias("event_id"))
    is_repeated = c.event_id.is_duplicated()
    number = pl.int_range(pl.len()).over("export_task_id", "line_id")
    starts_event = c.event_at > c.event_at.shift().over("event_id") + HORIZON
    copies = (
        lines.filter(is_repeated)
        .with_columns(pl.when(c.own_id.is_null()).then(number).otherwise(0).alias("number"))
        .with_columns(pl.when(c.number == 0).then("event_id").otherwise(pl.struct("event_id", "number").hash()).alias("event_id"))
        .sort("event_id", "event_at")
        .with_columns(starts_event.fill_null(True).cum_sum().alias("event_number"))
        .sort("exported_at", "export_task_id", "event_at", "line_id")
        .unique(["event_id", "event_number"], keep="first", maintain_order=True)
        .select(lines.columns)
    )
    return pl.concat([lines.filter(~is_repeated), copies]).select(
        "event_id",
        "event_at",
        c.event_at.dt.date().alias("event_date"),
        pl.exclude("own_id", "line_id", "event_id", "event_at"),
    )


def find_rejected(lines: pl.DataFrame) -> pl.DataFrame:
    """rejected_log_lines."""
    number = pl.int_range(pl.len()).over("export_task_id", "line_id")
    reason = (
        pl.when(~c.has_time)
        .then(pl.lit("continuation_line"))
        .when(c.message.str.contains(LAMBDA_LINE))
        .then(pl.lit("lambda_platform_line"))
        .otherwise(pl.lit("not_json"))
    )
    identity = ["line_id", "day", "copy_number"]
    return (
        lines.filter(~c.is_object)
        .with_columns(number.alias("copy_number"), pl.when(~c.has_time).then("export_date").alias("day"))
        .sort("exported_at", "export_task_id")
        .unique(identity, keep="first", maintain_order=True)
        .select(
            pl.struct(identity).hash().alias("line_id"),
            pl.when("has_time").then(c.line.str.slice(0, 24)).str.to_datetime(TIME, time_unit="us").alias("logged_at"),
            "line",
            reason.alias("reason"),
            "log_group",
            "log_stream",
            "export_task_id",
            "exported_at",
        )
    )


def meaning_of_events() -> pl.Expr:
    """What the event catalog says that an event means: the most specific row that fits it."""

    def filled(row: dict[str, str]) -> tuple[int, list[bool]]:
        is_filled = [bool(row[key]) for key in ("status_code", "event_name", "route", "method")]
        return sum(is_filled), is_filled

    with (SEEDS / "event_catalog.csv").open(newline="") as file:
        rows = sorted(csv.DictReader(file), key=filled, reverse=True)
    meanings = []
    for row in rows:
        parts = [c(key) == row[key] for key in ("event_name", "method", "route") if row[key]]
        parts += [c.status_code == int(row["status_code"])] if row["status_code"] else []
        meanings.append(pl.when(pl.all_horizontal(parts).fill_null(False)).then(pl.lit(row["meaning"])))
    return pl.coalesce(meanings).alias("meaning")


def means(meaning: str) -> pl.Expr:
    return (c.meaning == meaning).fill_null(False)


def count_errors() -> list[pl.Expr]:
    return [
        c.status_code.count().cast(pl.Int64).alias("requests"),
        c.status_code.is_between(400, 499).sum().cast(pl.Int64).alias("client_errors"),
        (c.status_code >= 500).sum().cast(pl.Int64).alias("server_errors"),
    ]


def percentile(fraction: float) -> pl.Expr:
    return c.latency_ms.quantile(fraction, "linear").alias(f"latency_p{round(100 * fraction)}_ms")


def daily_events(events: pl.LazyFrame) -> pl.LazyFrame:
    return (
        events.filter(~c.is_bot)
        .group_by("event_date", c.event_name.fill_null("(none)"))
        .agg(
            pl.len().cast(pl.Int64).alias("events"),
            c.user_id.drop_nulls().n_unique().cast(pl.Int64).alias("users"),
            c.session_id.drop_nulls().n_unique().cast(pl.Int64).alias("sessions"),
        )
    )


def daily_endpoint_reliability(events: pl.LazyFrame) -> pl.LazyFrame:
    return (
        events.filter(c.status_code.is_not_null())
        .group_by("event_date", c.method.fill_null("(none)"), c.route.fill_null("(none)"))
        .agg(*count_errors(), percentile(0.5), percentile(0.95), percentile(0.99))
        .with_columns((c.server_errors / c.requests).alias("server_error_rate"))
    )


def hourly_reliability(events: pl.LazyFrame) -> pl.LazyFrame:
    return (
        events.with_columns(means("auth_failure").alias("is_auth_failure"))
        .filter(c.status_code.is_not_null() | c.is_auth_failure)
        .with_columns(pl.when(c.status_code.is_not_null()).then("latency_ms").alias("latency_ms"))
        .group_by(c.event_at.dt.truncate("1h").alias("event_hour"))
        .agg(*count_errors(), c.is_auth_failure.sum().cast(pl.Int64).alias("auth_failures"), percentile(0.95))
    )


def session_events(events: pl.LazyFrame) -> pl.LazyFrame:
    """The events that belong to a session, in their order, with the session's id."""
    people = events.filter(~c.is_bot).select(
        "event_id", "event_at", "event_name", "user_id", "session_id", "status_code", means("purchase").alias("converts")
    )
    starts = (c.event_at > c.event_at.shift() + SESSION_GAP).fill_null(True)
    start = c.event_at.min().over("user_id", "number")
    without_id = (
        people.filter(c.session_id.is_null(), c.user_id.is_not_null())
        .sort("user_id", "event_at", "event_id")
        .with_columns(starts.cum_sum().over("user_id").alias("number"))
        .with_columns((c.user_id + "@" + start.dt.strftime("%Y-%m-%dT%H:%M:%S%.6fZ")).alias("session_id"))
        .drop("number")
    )
    return pl.concat([people.filter(c.session_id.is_not_null()), without_id]).sort("event_at", "event_id")


def sessions(events: pl.LazyFrame) -> pl.LazyFrame:
    return (
        session_events(events)
        .group_by("session_id")
        .agg(
            c.user_id.drop_nulls().first(),
            c.event_at.first().alias("started_at"),
            c.event_at.last().alias("ended_at"),
            ((c.event_at.last() - c.event_at.first()).dt.total_microseconds() / 1e6).alias("duration_seconds"),
            pl.len().cast(pl.Int64).alias("events"),
            c.status_code.count().cast(pl.Int64).alias("requests"),
            (c.status_code >= 500).sum().cast(pl.Int64).alias("server_errors"),
            c.event_name.first().fill_null("(none)").alias("entry_event"),
            c.event_name.last().fill_null("(none)").alias("exit_event"),
            c.converts.any().alias("converted"),
        )
    )


def daily_funnel(events: pl.LazyFrame) -> pl.LazyFrame:
    """Step by step: of the sessions that came to the step before, those with this step's event after it."""
    ordered = session_events(events).with_columns(pl.int_range(pl.len()).alias("place"))
    began = ordered.group_by("session_id").agg(c.event_at.min().dt.date().alias("event_date"))
    steps = pl.read_csv(SEEDS / "funnels.csv").sort("funnel", "step_number")
    tables = []
    for (funnel,), rows in steps.group_by("funnel", maintain_order=True):
        reached = began.with_columns(pl.lit(-1, pl.Int64).alias("at"))
        for number, name in rows.select("step_number", "event_name").iter_rows():
            happened = ordered.filter(c.event_name == name).select("session_id", "place")
            reached = (
                reached.join(happened, on="session_id")
                .filter(c.place > c.at)
                .group_by("session_id", "event_date")
                .agg(c.place.min().cast(pl.Int64).alias("at"))
            )
            counted = reached.group_by("event_date").agg(pl.len().cast(pl.Int64).alias("sessions"))
            tables.append(
                counted.with_columns(
                    pl.lit(funnel).alias("funnel"),
                    pl.lit(number, pl.Int32).alias("step_number"),
                    pl.lit(name).alias("event_name"),
                )
            )
    found = pl.concat(tables)
    entered = found.filter(c.step_number == 1).select("event_date", "funnel", c.sessions.alias("first"))
    return (
        entered.join(steps.lazy().with_columns(c.step_number.cast(pl.Int32)), on="funnel")
        .join(found, on=["event_date", "funnel", "step_number", "event_name"], how="left")
        .with_columns(c.sessions.fill_null(0))
        .sort("event_date", "funnel", "step_number")
        .with_columns(c.sessions.shift().over("event_date", "funnel").alias("previous"))
        .with_columns(
            pl.when(c.previous > 0).then(c.sessions / c.previous).alias("rate_from_previous"),
            (c.sessions / c.first).alias("rate_from_first"),
        )
        .drop("first", "previous")
    )


def daily_product_performance(events: pl.LazyFrame) -> pl.LazyFrame:
    meanings = {"views": "product_view", "add_to_carts": "add_to_cart", "purchases": "purchase"}
    return (
        events.filter(~c.is_bot, c.product_id.is_not_null())
        .group_by("event_date", "product_id")
        .agg(means(meaning).sum().cast(pl.Int64).alias(column) for column, meaning in meanings.items())
        .filter(pl.any_horizontal(c(*meanings) > 0))
        .with_columns(pl.when(c.views > 0).then(c.purchases / c.views).alias("purchase_rate"))
    )


def active_days(events: pl.LazyFrame) -> pl.LazyFrame:
    return events.filter(~c.is_bot, c.user_id.is_not_null()).select("event_date", "user_id").unique()


def daily_active_users(events: pl.LazyFrame) -> pl.LazyFrame:
    days = active_days(events)
    daily = days.group_by("event_date").agg(pl.len().cast(pl.Int64).alias("daily_active_users"))
    for column, length in (("weekly_active_users", 7), ("monthly_active_users", 30)):
        shifted = [days.with_columns(c.event_date + pl.duration(days=n)) for n in range(length)]
        window = pl.concat(shifted).unique().group_by("event_date").agg(pl.len().cast(pl.Int64).alias(column))
        daily = daily.join(window, on="event_date")
    return daily.with_columns((c.daily_active_users / c.monthly_active_users).alias("stickiness"))


def weekly_user_retention(events: pl.LazyFrame) -> pl.LazyFrame:
    weeks = active_days(events).select("user_id", c.event_date.dt.truncate("1w").alias("week")).unique()
    weeks = weeks.with_columns(c.week.min().over("user_id").alias("cohort_week"))
    cohorts = weeks.group_by("cohort_week").agg(c.user_id.n_unique().cast(pl.Int64).alias("cohort_users"))
    active = weeks.group_by("cohort_week", "week").agg(pl.len().cast(pl.Int64).alias("active_users"))
    return (
        cohorts.join(weeks.select("week").unique(), how="cross")
        .filter(c.week >= c.cohort_week)
        .join(active, on=["cohort_week", "week"], how="left")
        .select(
            "cohort_week",
            ((c.week - c.cohort_week).dt.total_days() // 7).cast(pl.Int32).alias("week_number"),
            "cohort_users",
            c.active_users.fill_null(0),
            (c.active_users.fill_null(0) / c.cohort_users).alias("retention_rate"),
        )
    )


def daily_auth_failures(events: pl.LazyFrame) -> pl.LazyFrame:
    return (
        events.with_columns(means("login").alias("is_login"), means("auth_failure").alias("is_failure"))
        .group_by("event_date", c.method.fill_null("(none)"), c.route.fill_null("(none)"))
        .agg(
            (c.status_code.is_not_null() | c.is_login | c.is_failure).sum().cast(pl.Int64).alias("attempts"),
            c.is_failure.sum().cast(pl.Int64).alias("failures"),
            c.user_id.filter(c.is_failure).drop_nulls().n_unique().cast(pl.Int64).alias("users"),
            (c.is_login | c.is_failure).any().alias("is_listed"),
        )
        .filter("is_listed")
        .drop("is_listed")
        .with_columns((c.failures / c.attempts).alias("failure_rate"))
    )


def daily_uploads(events: pl.LazyFrame) -> pl.LazyFrame:
    meanings = ("upload_requested", "upload_completed", "upload_rejected")
    columns = {meaning.replace("upload", "uploads"): meaning for meaning in meanings}
    return (
        events.group_by("event_date")
        .agg(means(meaning).sum().cast(pl.Int64).alias(column) for column, meaning in columns.items())
        .filter(pl.any_horizontal(c(*columns) > 0))
    )


def export_health(exports: pl.DataFrame, lines: pl.DataFrame, events: pl.DataFrame, rejected: pl.DataFrame) -> pl.DataFrame:
    counted = exports.with_columns(pl.lit(1).alias("exports"))
    for name, table in (("lines", lines), ("events", events), ("rejected", rejected)):
        counted = counted.join(table.group_by("export_task_id").agg(pl.len().alias(name)), on="export_task_id", how="left")
    names = ["exports", "lines", "events", "rejected", "bytes"]
    by_day = counted.group_by(c.export_date.alias("event_date"), "log_group").agg(
        c(names).fill_null(0).cast(pl.Int64).sum(), c.exported_at.min()
    )
    days = by_day.select(pl.date_range(c.event_date.min(), c.event_date.max()).alias("event_date"))
    delay = (c.exported_at - (c.event_date + pl.duration(days=1)).cast(pl.Datetime("us"))).dt.total_microseconds() / 3.6e9
    return (
        days.join(by_day.select("log_group").unique(), how="cross")
        .join(by_day, on=["event_date", "log_group"], how="left")
        .with_columns(c(names).fill_null(0))
        .with_columns((c.lines - c.events - c.rejected).alias("duplicates"), delay.alias("lag_hours"))
        .with_columns(
            pl.when(c.exports == 0)
            .then(pl.lit("missing"))
            .when(c.lag_hours > LATE_AFTER_HOURS)
            .then(pl.lit("late"))
            .when(c.lines == 0)
            .then(pl.lit("empty"))
            .otherwise(pl.lit("ok"))
            .alias("status")
        )
    )


def build_tables(lake: Path, out: Path, bots: str = BOTS) -> None:
    """Write each table to a Parquet file in `out`."""
    exports = read_exports(lake)
    lines = read_lines(lake, exports)
    rejected = find_rejected(lines)
    counts = lines.select("export_task_id")
    fields = read_fields(lines, bots)
    del lines
    events = find_events(fields).with_columns(meaning_of_events())
    del fields
    marts = (
        daily_events,
        daily_endpoint_reliability,
        hourly_reliability,
        sessions,
        daily_funnel,
        daily_product_performance,
        daily_active_users,
        weekly_user_retention,
        daily_auth_failures,
        daily_uploads,
    )
    tables = dict(zip([mart.__name__ for mart in marts], pl.collect_all([mart(events.lazy()) for mart in marts]), strict=True))
    tables |= {"fct_events": events.drop("meaning"), "rejected_log_lines": rejected}
    tables["export_health"] = export_health(exports, counts, events, rejected)
    for name, table in tables.items():
        table.write_parquet(out / f"{name}.parquet", compression="lz4")


if __name__ == "__main__":
    build_tables(Path(sys.argv[1]), Path(sys.argv[2]), *sys.argv[3:4])
