"""The rules of the analytics layer a second time, in plain Python: what every table must hold for a lake.

The models say the rules in SQL, for two engines; this module says them with the standard library alone and
shares no code with them, so that a mistake in one shows as a difference to the other. One function holds
one rule, and its docstring quotes it after the word "Rule:". Read it from `compute` downwards; `compare`
tells in words how two tables differ.

Conventions: datetimes are naive and in UTC, dates are `datetime.date`, a row is a dict of its columns.
"""

from __future__ import annotations

import csv
import gzip
import hashlib
import json
import math
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import MAX_EMAX, MIN_EMIN, ROUND_FLOOR, Context, Decimal
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple, TypeVar
from zoneinfo import ZoneInfo

Row = dict[str, Any]
Item = TypeVar("Item")


@dataclass(frozen=True)
class Config:
    """What a deployment configures: where the fields are in its records, and how days and sessions are cut.

    `fields` maps event_id, event_at, event_name, user_id, session_id, product_id, status_code, latency_ms,
    method, path and user_agent each to its entries, {"path": "res.statusCode", "unit": None}, in order.
    `fields_by_group` maps log groups that differ each to all of its fields.
    """

    fields: dict[str, list[dict[str, str | None]]]
    bot_pattern: str
    catalog: list[dict[str, str]]  # rows of event_catalog.csv, '' where blank
    reporting_timezone: str = "UTC"
    dedupe_horizon_days: float = 1
    max_days_from_log_time: float = 35
    session_gap_minutes: float = 30
    export_late_after_hours: float = 36
    funnels: list[dict[str, str]] = field(default_factory=list)  # rows of funnels.csv
    fields_by_group: dict[str, dict[str, list[dict[str, str | None]]]] = field(default_factory=dict)


@dataclass(frozen=True)
class Tables:
    """Every table, as a list of rows in the order of its key."""

    events: list[Row]
    fct_events: list[Row]
    rejected_log_lines: list[Row]
    loaded_exports: list[Row]  # without loaded_at, which is the time of a run
    daily_events: list[Row]
    daily_endpoint_reliability: list[Row]
    hourly_reliability: list[Row]
    sessions: list[Row]
    daily_funnel: list[Row]
    daily_product_performance: list[Row]
    daily_active_users: list[Row]
    weekly_user_retention: list[Row]
    daily_auth_failures: list[Row]
    daily_uploads: list[Row]
    export_health: list[Row]


def load_config(project_dir: Path) -> Config:
    """The configuration of a dbt project: `vars` of dbt_project.yml and the seeds.

    A field that `event_fields` names replaces that of `default_event_fields` (where the project has one).
    """
    import yaml  # the one import from outside the standard library: `compute` does not need it

    project = yaml.safe_load((project_dir / "dbt_project.yml").read_text(encoding="utf-8"))
    variables = project.get("vars") or {}
    # dbt takes them with and without a level for the project
    variables = {**variables, **(variables.get(project.get("name")) or {})}

    loggers = variables.get("loggers") or {}

    def setting(given: str | dict[str, Any] | None) -> dict[str, Any]:
        """What one setting says: the lists of its logger, and over them its own."""
        own = {"logger": given} if isinstance(given, str) else dict(given or {})
        logger = own.pop("logger", None)
        return {**loggers[logger], **own} if logger else own

    def entries(paths: Any) -> list[dict[str, str | None]]:
        listed = paths if isinstance(paths, list) else [paths]
        return [{"path": item, "unit": None} if isinstance(item, str) else {"unit": None, **item} for item in listed if item]

    def parsed(fields: dict[str, Any]) -> dict[str, list[dict[str, str | None]]]:
        return {name: entries(paths) for name, paths in fields.items()}

    everywhere = {**(variables.get("default_event_fields") or {}), **setting(variables.get("event_fields"))}
    groups = {name: {**everywhere, **setting(given)} for name, given in (variables.get("log_groups") or {}).items()}

    optional = (
        "reporting_timezone",
        "dedupe_horizon_days",
        "max_days_from_log_time",
        "session_gap_minutes",
        "export_late_after_hours",
    )
    return Config(
        fields=parsed(everywhere),
        fields_by_group={name: parsed(fields) for name, fields in groups.items()},
        bot_pattern=variables["bot_user_agents"],
        catalog=read_seed(project_dir, "event_catalog"),
        funnels=read_seed(project_dir, "funnels"),
        **{name: variables[name] for name in optional if name in variables},
    )


def read_seed(project_dir: Path, name: str) -> list[dict[str, str]]:
    with (project_dir / "seeds" / f"{name}.csv").open(encoding="utf-8", newline="") as seed:
        return [{column: value or "" for column, value in row.items()} for row in csv.DictReader(seed)]


def compute(lake: Path, config: Config) -> Tables:
    """Every table of the project, from the raw files of a lake folder: the result of a full refresh."""
    exports = published_exports(lake)
    read_event = event_reader(config)
    lines_of_export: Counter[str] = Counter()
    event_copies: list[Copy] = []
    rejected_copies: list[Copy] = []
    for export in exports:
        for line in lines_of(lake, export):
            lines_of_export[export.export_task_id] += 1
            result = read_event(line)
            if isinstance(result, Rejection):
                rejected_copies.append(rejected_row(line, result))
            else:
                event_copies.append(result)

    fct_events = one_row_per_event(event_copies, timedelta(days=config.dedupe_horizon_days))
    rejected = one_row_per_rejected_line(rejected_copies)
    return Tables(
        events=events_view(fct_events),
        fct_events=fct_events,
        rejected_log_lines=rejected,
        loaded_exports=loaded_exports(exports, lines_of_export),
        daily_events=daily_events(fct_events, config),
        daily_endpoint_reliability=daily_endpoint_reliability(fct_events, config),
        hourly_reliability=hourly_reliability(fct_events, config),
        sessions=sessions(fct_events, config),
        daily_funnel=daily_funnel(fct_events, config),
        daily_product_performance=daily_product_performance(fct_events, config),
        daily_active_users=daily_active_users(fct_events, config),
        weekly_user_retention=weekly_user_retention(fct_events, config),
        daily_auth_failures=daily_auth_failures(fct_events, config),
        daily_uploads=daily_uploads(fct_events, config),
        export_health=export_health(exports, lines_of_export, fct_events, rejected, config),
    )


# --------------------------------------------------------------------------------------------------- the lake


@dataclass(frozen=True)
class Export:
    """A published export: what its record says."""

    export_task_id: str
    log_group: str
    export_date: date
    exported_at: datetime
    bytes: int
    line_format: str
    unreadable_objects: int


class Line(NamedTuple):
    """A line of a published export: the k-th of its text in its stream."""

    export: Export
    log_stream: str
    text: str
    is_utf8: bool
    digest: int
    k: int

    @property
    def line_id(self) -> int:
        return id_of_copy(self.digest, self.k)

    @property
    def line_id_of_its_day(self) -> int:
        """Rule: A rejected line without a CloudWatch time belongs to the day it was exported for: text = its
        digest + "\\n" + export_date."""
        return id_of_copy(digest(f"{self.digest}\n{self.export.export_date}"), self.k)


def published_exports(lake: Path) -> list[Export]:
    """Rule: exports/<yyyy>/<mm>/<dd>/<export_task_id>.json: one record per COMPLETED task. exported_at =
    completed_at. A task folder with no record is unpublished: its lines do not exist for us."""
    exports = []
    for path in sorted((lake / "exports").glob("*/*/*/*.json")):
        record = json.loads(path.read_text(encoding="utf-8"))
        completed_at = datetime.fromisoformat(record["completed_at"])
        exports.append(
            Export(
                export_task_id=record["export_task_id"],
                log_group=record["log_group"],
                export_date=date.fromisoformat(record["export_date"]),
                exported_at=completed_at.astimezone(UTC).replace(tzinfo=None),
                bytes=record["bytes"],
                line_format=record.get("line_format", "cloudwatch"),
                unreadable_objects=record.get("unreadable_objects", 0),
            )
        )
    return exports


def lines_of(lake: Path, export: Export) -> Iterator[Line]:
    """Rule: logs/<yyyy>/<mm>/<dd>/<export_task_id>/<log stream>/000000.gz (000001.gz ...).
    All lines of all files below the stream folders, each with its digest: k counts the identical lines of a
    stream within one export, whatever the file."""
    task_folder = lake / "logs" / f"{export.export_date:%Y/%m/%d}" / export.export_task_id
    stream_folders = sorted(path for path in task_folder.glob("*") if path.is_dir())
    for stream_folder in stream_folders:
        seen: Counter[str] = Counter()
        for path in sorted(path for path in stream_folder.rglob("*") if path.is_file()):
            if path.name == "aws-logs-write-test":  # "written by the service, no log file"
                continue
            for raw in split_lines(read_file(path)):
                text, is_utf8 = decode(raw)
                seen[text] += 1
                text_digest = line_digest(export.log_group, stream_folder.name, text)
                yield Line(export, stream_folder.name, text, is_utf8, text_digest, seen[text])


def read_file(path: Path) -> bytes:
    """Names that end in .gz are gzip, all others plain text."""
    return gzip.decompress(path.read_bytes()) if path.name.endswith(".gz") else path.read_bytes()


def split_lines(content: bytes) -> list[bytes]:
    """Rule: a line ends at "\\n", "\\r\\n" or "\\r"; the end of the file ends the last line (no empty line after it). Empty lines
    are lines."""
    return content.splitlines()


def decode(raw: bytes) -> tuple[str, bool]:
    """The text of a line, and whether it was UTF-8. Bytes that are not are spelled out: \\xff."""
    try:
        return raw.decode(), True
    except UnicodeDecodeError:
        return raw.decode(errors="backslashreplace"), False


# --------------------------------------------------------------------------------------------------- identity


def digest(text: str) -> int:
    """Rule: first 8 bytes of md5(text) read little-endian as unsigned, shifted right one bit."""
    return int.from_bytes(hashlib.md5(text.encode(), usedforsecurity=False).digest()[:8], "little") >> 1


def line_digest(log_group: str, log_stream: str, line: str) -> int:
    """Rule: the digests of the line, of "log group " + log_group and of "log stream " + log_stream, combined
    by XOR."""
    return digest(line) ^ digest(f"log group {log_group}") ^ digest(f"log stream {log_stream}")


def id_of_copy(first: int, k: int) -> int:
    """Rule: for the k-th (k >= 2) identical line of a stream within one export, text = the id of the first as
    a decimal number + "\\n" + k."""
    return first if k == 1 else digest(f"{first}\n{k}")


def own_digest(own_event_id: str) -> int:
    """Rule: With an eventId of its own: text = "\\n" + eventId (no group, no stream)."""
    return digest("\n" + own_event_id)


class Copy(NamedTuple):
    """One line's row and its place among the copies of the same thing: the first is the one kept."""

    place: tuple  # (exported_at, export_task_id) and, for an event, (event_at, line_id)
    row: Row


def one_row_per_event(copies: Iterable[Copy], horizon: timedelta) -> list[Row]:
    """Rule: The same event_id within dedupe_horizon_days of each other in event_at is one event. The copy
    kept is the one of the earliest export (exported_at, then export_task_id, then event_at, then the
    digest of its line). Records with the same eventId farther apart than the horizon, sorted by event_at
    with gaps > horizon, are different events."""
    copies_of: dict[int, list[Copy]] = defaultdict(list)
    for copy in copies:
        copies_of[copy.row["event_id"]].append(copy)
    kept = []
    for same_id in copies_of.values():
        for event in split_at_gaps(same_id, horizon, at=lambda copy: copy.row["event_at"]):
            kept.append(min(event, key=lambda copy: copy.place).row)
    return sorted(kept, key=in_order_of_time)


def one_row_per_rejected_line(copies: Iterable[Copy]) -> list[Row]:
    """Rule: Rejected lines: line_id is made from the line (never eventId), same "earliest export" rule."""
    kept: dict[int, Copy] = {}
    for copy in copies:
        line_id = copy.row["line_id"]
        if line_id not in kept or copy.place < kept[line_id].place:
            kept[line_id] = copy
    return [kept[line_id].row for line_id in sorted(kept)]


def split_at_gaps(items: list[Item], longest_gap: timedelta, at: Callable[[Item], datetime]) -> Iterator[list[Item]]:
    """The items in the order of time, parted wherever more than `longest_gap` lies between two neighbours."""
    ordered = sorted(items, key=at)
    part = ordered[:1]
    for before, item in pairwise(ordered):
        if at(item) - at(before) > longest_gap:
            yield part
            part = []
        part.append(item)
    yield part


def in_order_of_time(event: Row) -> tuple[datetime, int]:
    return event["event_at"], event["event_id"]


# ----------------------------------------------------------------------------------------- from line to event

LOGGED_AT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z ")
LAMBDA_PLATFORM_LINES = (
    "START RequestId: ",
    "END RequestId: ",
    "REPORT RequestId: ",
    "INIT_START ",
    "INIT_REPORT",
    "EXTENSION ",
    "TELEMETRY ",
    "XRAY TraceId: ",
)


class Rejection(NamedTuple):
    """Why a line is no event."""

    reason: str
    logged_at: datetime | None


def split_logged_at(line: str) -> tuple[datetime | None, str]:
    """Rule: a line is `<yyyy-mm-ddTHH:MM:SS.mmmZ> <message>`; logged_at is that time. Plain format: without
    the prefix the whole line is the message and logged_at is null."""
    if LOGGED_AT.match(line):
        try:
            return datetime.fromisoformat(line[:23]), line[25:]
        except ValueError:  # the shape of a time, but no real one: 2026-13-01
            pass
    return None, line


def without_lambda_prefix(message: str) -> str:
    """Rule: Lambda's text format writes three cells, each ended by a tab, before what the function logs: time, request
    id, level (Node.js); or [level], time, request id (Python). JSON after them is the message."""
    cells = message.split("\t", 3)
    if len(cells) < 4 or not cells[3].startswith("{"):
        return message
    at, level = (cells[0], cells[2]) if cells[0][:1].isdigit() else (cells[1], cells[0])
    if level == cells[0]:
        if (level[:1], level[-1:]) != ("[", "]"):
            return message
        level = level[1:-1]
    is_level = level.isascii() and level.isalpha() and level.isupper()
    return cells[3] if is_level and re.fullmatch("[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]{12}Z", at) else message


def of_log_router(message: str) -> str:
    """Rule: where `log` of a record is the text of another record, that one is the message."""
    try:
        record = parse_json(message)
    except ValueError:
        return message
    inner = record.get("log") if isinstance(record, dict) else None
    return inner if isinstance(inner, str) and inner.startswith('{"') else message


def event_reader(config: Config) -> Callable[[Line], Copy | Rejection]:
    """The function that makes of a line its event, or says why it is none.
    Rule: first that fits: continuation_line, lambda_platform_line, not_json, not_an_object,
    unreadable_timestamp, timestamp_out_of_range, timestamp_far_from_log_time, no_timestamp (plain, neither own
    nor logged time)."""
    looks_like_a_bot = bot_detector(config.bot_pattern)
    max_from_log_time = timedelta(days=config.max_days_from_log_time)

    def compiled(fields: dict[str, list[dict[str, str | None]]]) -> dict[str, list[tuple[Any, str | None]]]:
        return {name: [(keys_of(entry["path"]), entry.get("unit")) for entry in entries] for name, entries in fields.items()}

    common = compiled(config.fields)
    by_group = {name: compiled(fields) for name, fields in config.fields_by_group.items()}

    def read_event(line: Line) -> Copy | Rejection:
        export = line.export
        paths = by_group.get(export.log_group, common)
        logged_at, message = split_logged_at(line.text)
        if logged_at is None and export.line_format == "cloudwatch":
            return Rejection("continuation_line", logged_at)
        if message.startswith(LAMBDA_PLATFORM_LINES):
            return Rejection("lambda_platform_line", logged_at)
        message = of_log_router(without_lambda_prefix(message))
        if not line.is_utf8:
            return Rejection("not_json", logged_at)
        try:
            record = parse_json(message)
        except ValueError:
            return Rejection("not_json", logged_at)
        if not isinstance(record, dict):
            return Rejection("not_an_object", logged_at)
        if str(record.get("type")).startswith("platform.") and isinstance(record.get("record"), dict):
            return Rejection("lambda_platform_line", logged_at)

        def field(name: str) -> str | None:
            return first_that_counts(record, paths.get(name, ()))[0]

        event_at: datetime | str | None = logged_at
        own_time = field("event_at")
        if own_time is not None:
            event_at = read_timestamp(own_time)
            if event_at is None:
                return Rejection("unreadable_timestamp", logged_at)
        if event_at is None:
            return Rejection("no_timestamp", logged_at)
        if event_at is OUT_OF_RANGE or not FIRST_TIME <= event_at < END_OF_TIME:
            return Rejection("timestamp_out_of_range", logged_at)
        if logged_at is not None and abs(event_at - logged_at) > max_from_log_time:
            return Rejection("timestamp_far_from_log_time", logged_at)

        own_id, user_id, user_agent = field("event_id"), field("user_id"), field("user_agent")
        method, route, status = read_method(field("method")), read_route(field("path")), read_status_code(field("status_code"))
        latency, unit = first_that_counts(record, paths.get("latency_ms", ()))
        row = {
            "event_id": line.line_id if own_id is None else own_digest(own_id),
            "event_at": event_at,
            "event_date": event_at.date(),
            "event_name": field("event_name") or name_of_request(method, route, status),
            "user_id": user_id,
            "session_id": field("session_id"),
            "product_id": field("product_id"),
            "status_code": status,
            "latency_ms": read_latency_ms(latency, unit),
            "method": method,
            "route": route,
            "is_bot": user_id is None and looks_like_a_bot(user_agent),
            "client": read_client(user_agent, looks_like_a_bot(user_agent)),
            "log_group": export.log_group,
            "log_stream": line.log_stream,
            "export_task_id": export.export_task_id,
            "exported_at": export.exported_at,
        }
        return Copy((export.exported_at, export.export_task_id, event_at, line.line_id), row)

    return read_event


def rejected_row(line: Line, rejection: Rejection) -> Copy:
    """Rule: line_at is logged_at or, without one, the start of the exported day."""
    export, logged_at = line.export, rejection.logged_at
    row = {
        "line_id": line.line_id_of_its_day if logged_at is None else line.line_id,
        "logged_at": logged_at,
        "line_at": logged_at or datetime.combine(export.export_date, time.min),
        "line": line.text,
        "reason": rejection.reason,
        "log_group": export.log_group,
        "log_stream": line.log_stream,
        "export_task_id": export.export_task_id,
        "exported_at": export.exported_at,
    }
    return Copy((export.exported_at, export.export_task_id), row)


# ------------------------------------------------------------------------------------------------------- JSON


def first_key_wins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Rule: Duplicate keys: the first one."""
    return dict(reversed(pairs))


DECODER = json.JSONDecoder(
    object_pairs_hook=first_key_wins,
    parse_int=str,  # a number is kept as its text: 1e2 stays '1e2', any number of digits stays exact
    parse_float=str,
)
ESCAPES = re.compile(
    r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"  # a pair of surrogates is one character
    r"|(?P<lone>\\u[dD][89a-fA-F][0-9a-fA-F]{2})"
    r"|\\."
)


STRING_OR_NAN = re.compile(r"\"(?:\\.|[^\"\\])*\"|(?P<nan>-?(?:nan|inf|infinity)\b)", re.IGNORECASE)


def parse_json(text: str) -> Any:
    """The value of a JSON text, with numbers as their text; ValueError if it is none. Strict: no raw control
    characters in strings and no lone surrogates, of which no text can be made. But NaN and Infinity, in any
    spelling, are null."""
    text = STRING_OR_NAN.sub(lambda found: "null" if found["nan"] else found[0], text)
    try:
        value = DECODER.decode(text)
    except RecursionError:
        value = parse_deep_json(text)
    if "\\u" in text and any(escape["lone"] for escape in ESCAPES.finditer(text)):
        raise ValueError("a lone surrogate")
    return value


TOKEN = re.compile(
    r"[ \t\n\r]*(?:(?P<sign>[][{}:,])|(?P<string>\")|(?P<word>true|false|null)"
    r"|(?P<number>-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?))"
)
WORDS = {"true": True, "false": False, "null": None}


def parse_deep_json(text: str) -> Any:
    """What DECODER does, for texts nested deeper than its recursion goes: the open arrays and objects are on
    a list."""
    open_ones: list[tuple[str, list]] = []  # (closing sign, its items so far), innermost last
    document: list = []
    items, closing = document, ""
    key: str | None = None
    position, end = 0, len(text.rstrip(" \t\n\r"))
    expected = "value"
    while position < end:
        token = TOKEN.match(text, position)
        if not token:
            raise ValueError(f"no JSON at {position}")
        position = token.end()
        sign, value = token["sign"], None
        if sign in ("]", "}"):
            if sign != closing or expected not in ("comma", "first"):
                raise ValueError(f"{sign} at {position}")
            value = first_key_wins(items) if sign == "}" else items
            (closing, items, key), expected = open_ones.pop(), "value"
        elif sign == ",":
            if expected != "comma" or not closing:
                raise ValueError(f"comma at {position}")
            expected = "key" if closing == "}" else "value"
            continue
        elif sign == ":":
            if expected != "colon":
                raise ValueError(f"colon at {position}")
            expected = "value"
            continue
        elif sign in ("[", "{"):
            if expected != "value" and (expected != "first" or closing != "]"):
                raise ValueError(f"{sign} at {position}")
            open_ones.append((closing, items, key))
            closing, items, expected = "]" if sign == "[" else "}", [], "first"
            continue
        elif token["string"]:
            value, position = json.decoder.scanstring(text, position, True)
            if expected == "key" or (expected == "first" and closing == "}"):
                key, expected = value, "colon"
                continue
        else:
            value = token["number"] or WORDS[token["word"]]
        if expected != "value" and (expected != "first" or closing != "]"):
            raise ValueError(f"value at {position}")
        items.append((key, value) if closing == "}" else value)
        expected = "comma"
    if open_ones or expected != "comma":
        raise ValueError("unfinished JSON")
    return document[0]


def keys_of(path: str) -> tuple[str, ...]:
    """Rule: dots descend; "a.b" in double quotes inside the path is one literal key."""
    return tuple(quoted or plain for quoted, plain in re.findall(r'(?:"([^"]*)"|([^".]+))(?:\.|$)', path))


def text_of(value: Any) -> str | None:
    """Rule: A value counts if it is a scalar (string, number, boolean as 'true'/'false'); JSON null, objects,
    arrays, missing, the empty string and '-' are missing. A number is its text already, see DECODER."""
    if isinstance(value, str):
        return None if value in ("", "-") else value
    if isinstance(value, bool):
        return "true" if value else "false"
    return None


def first_that_counts(record: dict, paths: Iterable[tuple[tuple[str, ...], str | None]]) -> tuple[str | None, str | None]:
    """Rule: Each canonical field has an ordered list of JSON paths. First that counts wins.
    From the (keys, unit) of each path to the text of the value and the unit of its path."""
    for keys, unit in paths:
        value: Any = record
        for key in keys:
            value = value.get(key) if isinstance(value, dict) else None
        if value is not None and (text := text_of(value)) is not None:
            return text, unit
    return None, None


# ----------------------------------------------------------------------------------------------------- fields

NUMBER = r"[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?"
IS_NUMBER = re.compile(NUMBER).fullmatch
EPOCH = datetime(1970, 1, 1)
FIRST_TIME = datetime(2000, 1, 1)
END_OF_TIME = datetime(2100, 1, 1)
OUT_OF_RANGE = "a time that is too far away for a datetime"


def read_timestamp(text: str) -> datetime | str | None:
    """A time as a number, in ISO 8601 or as web servers write it. None if unreadable; OUT_OF_RANGE may stand
    for a time outside [FIRST_TIME, END_OF_TIME)."""
    if IS_NUMBER(text):
        return read_epoch(text)
    if match := ISO_8601.fullmatch(text):
        year, month, day, hour, minute, second, fraction, zone = match.groups()
    elif match := WEB_SERVER_TIME.fullmatch(text[1:-1] if text[:1] + text[-1:] == "[]" else text):
        day, month, year, hour, minute, second, zone = match.groups()
        month, fraction = MONTHS.index(month) + 1, ""
    else:
        return None
    microsecond = int((fraction or "")[:6].ljust(6, "0"))  # "fraction cut to microseconds"
    offset = read_offset(zone)
    like_year = 2000 + int(year) % 400  # the calendar repeats: the year 0000 has a 29 February, 0001 none
    try:
        moment = datetime(like_year, int(month), int(day), int(hour), int(minute), int(second or 0))
    except ValueError:
        return None
    if offset is None:
        return None
    if not 1999 <= int(year) <= 2100:
        return OUT_OF_RANGE
    return moment.replace(year=int(year), microsecond=microsecond) - offset


MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
ISO_8601 = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})[T ]([0-9]{2}):([0-9]{2})(?::([0-9]{2})(?:[.,]([0-9]+))?)?"
    r"(Z| UTC| ?[-+][0-9]{2}(?::?[0-9]{2})?)?"
)
WEB_SERVER_TIME = re.compile(
    rf"([0-9]{{2}})/({'|'.join(MONTHS)})/([0-9]{{4}}):([0-9]{{2}}):([0-9]{{2}}):([0-9]{{2}}) ([-+][0-9]{{4}})"
)


def read_offset(zone: str | None) -> timedelta | None:
    """Rule: Z / +hh:mm / +hhmm / +hh, none = UTC.
    None comes back if no clock can be that far off."""
    zone = zone and zone.strip()
    if zone in (None, "Z", "UTC"):
        return timedelta(0)
    digits = zone[1:].replace(":", "").ljust(4, "0")
    hours, minutes = int(digits[:2]), int(digits[2:])
    if hours * 60 + minutes > 14 * 60 or minutes > 59:
        return None
    return timedelta(hours=hours, minutes=minutes) * (-1 if zone[0] == "-" else 1)


EXACT = Context(prec=200, rounding=ROUND_FLOOR, Emax=MAX_EMAX, Emin=MIN_EMIN, traps=[])
MICROSECONDS_IN_RANGE = (
    Decimal((FIRST_TIME - EPOCH) // timedelta(microseconds=1)),
    Decimal((END_OF_TIME - EPOCH) // timedelta(microseconds=1)),
)
POWERS_BY_SIZE = [(Decimal("1e11"), 6), (Decimal("1e14"), 3), (Decimal("1e17"), 0), (Decimal("Infinity"), -3)]


def read_epoch(text: str) -> datetime | str | None:
    """Rule: text of number -> epoch, by magnitude of abs value: < 1e11 s, < 1e14 ms, < 1e17 us, else ns
    (exact decimal arithmetic, floor to microsecond)."""
    value = EXACT.create_decimal(text)
    size = value.copy_abs()
    if size >= 2**63:
        return None  # no clock counts that far
    to_microseconds = next(power for limit, power in POWERS_BY_SIZE if size < limit)
    microseconds = EXACT.scaleb(value, to_microseconds)
    first, end = MICROSECONDS_IN_RANGE
    if not first <= microseconds < end:
        return OUT_OF_RANGE
    return EPOCH + timedelta(microseconds=math.floor(microseconds))


def read_status_code(text: str | None) -> int | None:
    """Rule: a number (200, "200", 200.0) that is whole and 100..599, else null. Three characters, a blank and anything
    are the number and its phrase ("200 OK"). Three digits may come after the protocol ("HTTP 200", "HTTP/1.1 200 OK")."""
    if text is not None and text.startswith("HTTP"):
        protocol, code, *_phrase = [*text.split(" ", 2), ""]
        name, slash, version = protocol.partition("/")
        if name != "HTTP" or bool(slash) != bool(version) or set(version) - set("0123456789.") or len(code) != 3:
            return None
        text = code if set(code) <= set("0123456789") else None
    elif text is not None and text.find(" ") == 3:
        text = text[:3]
    if text is None or not IS_NUMBER(text):
        return None
    value = EXACT.create_decimal(text)
    return int(value) if 100 <= value <= 599 and value == int(value) else None


# Unicode has two signs for micro: U+00B5 and the Greek letter U+03BC.
MILLISECONDS_OF_LETTER = {"n": 0.000001, "u": 0.001, "\u00b5": 0.001, "\u03bc": 0.001, "m": 1.0, "": 1000.0}
MILLISECONDS_OF_WORD = {"nano": 0.000001, "micro": 0.001, "milli": 1.0}
MILLISECONDS = {
    **{letter + end: size for letter, size in MILLISECONDS_OF_LETTER.items() for end in ("s", "sec", "secs")},
    **{word + end: size for word, size in MILLISECONDS_OF_WORD.items() for end in ("s", "second", "seconds")},
    **{"second": 1000.0, "seconds": 1000.0},
}
LATENCY = re.compile(rf"({NUMBER})(?: ?({'|'.join(MILLISECONDS)}))?")


def read_latency_ms(text: str | None, unit: str | None) -> float | None:
    """Rule: number times the unit of its path (ms default, s, us, ns); text may carry a suffix ns|us|µs|ms|s or a word for it,
    which then is the unit; negative, NaN, infinite, unreadable -> null. A duration of hours, minutes and seconds has its own."""
    if text is None:
        return None
    if match := LATENCY.fullmatch(text):
        latency = float(match[1]) * MILLISECONDS[match[2] or unit or "ms"]
    elif (seconds := seconds_of_duration(text)) is not None:
        latency = float(EXACT.multiply(seconds, Decimal(1000)))
    else:
        return None
    return latency if 0 <= latency < math.inf else None


def seconds_of_duration(text: str) -> Decimal | None:
    """Rule: PT1H2M3.5S (any of the three, in this order), 1:02:03.5 (minutes and seconds of two digits, below 60), 1h2m3.5s
    (without hours if they are 0). Only seconds have a fraction."""
    if text.startswith("PT"):
        parts = re.findall(r"([0-9.]+)([A-Z])", text)
        units = "".join(unit for _, unit in parts)
        if not parts or units not in ("H", "HM", "HMS", "HS", "M", "MS", "S"):
            return None
        if "PT" + "".join(number + unit for number, unit in parts) != text:
            return None
        numbers = {unit: number for number, unit in parts}
    elif text.count(":") == 2:
        numbers = dict(zip("HMS", text.split(":"), strict=True))
        if any(re.match("[0-5][0-9](?![0-9])", numbers[unit]) is None for unit in "MS"):
            return None
    elif text.endswith("s"):
        hours, h, rest = text[:-1].rpartition("h")
        minutes, m, seconds = rest.partition("m")
        numbers = {"M": minutes, "S": seconds, **({"H": hours} if h else {})}
        if not m:
            return None
    else:
        return None
    total = Decimal(0)
    for unit, number in numbers.items():
        whole, point, fraction = number.partition(".")
        if any(set(digits) - set("0123456789") or not digits for digits in (whole, *([fraction] if point else []))):
            return None
        if point and unit != "S":
            return None
        total = EXACT.fma(Decimal(number), Decimal({"H": 3600, "M": 60, "S": 1}[unit]), total)
    return total


REQUEST_LINE = re.compile(r"([A-Za-z]+) ([^ ]+)(?: HTTP/[0-9.]+)?")


def read_method(text: str | None) -> str | None:
    """Rule: upper case, letters only, else null. May come from a request line (`GET /a/b?x=1 HTTP/1.1`)."""
    if text is None:
        return None
    if request_line := REQUEST_LINE.fullmatch(text):
        text = request_line[1]
    return text.upper() if re.fullmatch(r"[A-Za-z]+", text) else None


def read_route(text: str | None) -> str | None:
    """Rule: path without scheme+host, query and fragment; each segment that is an id becomes ':id'. May come
    from a request line. What begins neither with / nor with a scheme is no path; an URL without one has /."""
    if text is None:
        return None
    if request_line := REQUEST_LINE.fullmatch(text):
        text = request_line[2]
    if " " in text:
        return None
    if url := re.match(r"[A-Za-z][-+.A-Za-z0-9]*://[^/?#]*", text):
        text = text[url.end() :]
        path = re.split(r"[?#]", text, maxsplit=1)[0] or "/"
    elif text.startswith("/"):
        path = re.split(r"[?#]", text, maxsplit=1)[0]
    else:
        return None
    return "/".join(":id" if ID_SEGMENT.fullmatch(segment) else segment for segment in path.split("/"))


def bot_detector(pattern: str) -> Callable[[str | None], bool]:
    """Rule: lower-cased user agent matches the pattern in var bot_user_agents; no user agent = false."""
    matches = re.compile(pattern).search

    @cache  # user agents are few, and searching them takes long
    def is_bot(user_agent: str | None) -> bool:
        return user_agent is not None and matches(user_agent.lower()) is not None

    return is_bot


def name_of_request(method: str | None, route: str | None, status: int | None) -> str | None:
    """Rule: a request (it has a status) without an event name is named by method and route, or by method and
    status if it failed (400 and above). Without method or route it has no name."""
    if None in (method, route, status):
        return None
    return f"{method} ({status})" if status >= 400 else f"{method} {route}"


BROWSERS = {
    "firefox": "Firefox/ FxiOS/",
    "internet explorer": "MSIE Trident/",
    "facebook": "[FBAN/ [FB_IAB/",
    "instagram": "Instagram",
    "wechat": "MicroMessenger/",
    "edge": "Edg/ EdgA/ EdgiOS/ Edge/",
    "opera": "OPR/ OPiOS/ OPT/ OPX/",
    "samsung internet": "SamsungBrowser/",
    "yandex": "YaBrowser/",
    "vivaldi": "Vivaldi/",
    "duckduckgo": "DuckDuckGo/ Ddg/",
    "uc browser": "UCBrowser/",
    "mi browser": "XiaoMi/MiuiBrowser/",
    "huawei browser": "HuaweiBrowser/",
    "silk": "Silk/",
    "google app": "GSA/",
    "electron": "Electron/",
    "chrome": "Chrome/ CriOS/ Chromium/",
    "android browser": "Android",
    "safari": "Safari/",
}
BOT_WORDS = ("bot", "crawl", "spider", "headless", "lighthouse", "pingdom", "uptime", "monitor")
NAME = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-"


@cache
def read_client(user_agent: str | None, looks_like_a_bot: bool) -> str | None:
    """Rule: the family of the user agent; `other` if it has no name or one of more than 40 characters or more
    than 3 digits; no user agent = null."""
    if user_agent is None:
        return None
    name = client_named_in(user_agent, looks_like_a_bot)
    is_harmless = 0 < len(name) <= 40 and sum(character in "0123456789" for character in name) <= 3
    return name.replace("%20", " ") if is_harmless else "other"


def client_named_in(user_agent: str, looks_like_a_bot: bool) -> str:
    """Rule: Opera/ is opera. What does not call itself Mozilla is named by its first product, of up to four
    words; a product after Python/<version> comes before it. Mozilla: by what follows `compatible; `, except MSIE; a bot by
    the text around a bot's word; a browser by the first of BROWSERS whose mark begins a word; the product
    after Mobile/<build>, else safari; the first product after Mozilla/ and its comment."""
    products = user_agent.split(" ")
    if user_agent.startswith("Opera/"):
        return "opera"
    if not user_agent.startswith("Mozilla/"):
        after_python = products[0].startswith("Python/") and name_at(" ".join(products[1:]), more_words=3)
        return after_python or name_at(user_agent, more_words=3)
    _, compatible, after = user_agent.partition("compatible; ")
    if compatible and "compatible; MSIE " not in user_agent:
        return name_at(after)
    if looks_like_a_bot:
        texts = "".join(c if c in NAME else " " for c in user_agent).split()
        for text in texts:
            if any(word in text.lower() for word in BOT_WORDS):
                return text
    marked = [product.lstrip("(") for product in products]
    for browser, marks in BROWSERS.items():
        if any(product.startswith(mark) for mark in marks.split() for product in marked):
            return browser
    for place, product in enumerate(products):
        if product.startswith("Mobile/"):
            rest = products[place + 1 :]
            return name_at(" ".join(rest[1:] if rest[:1] == ["Safari"] else rest)) or "safari"
    rest = user_agent.partition(" ")[2]
    if rest.startswith("("):
        rest = rest.partition(")")[2].strip(" ")
    return name_at(rest)


def name_at(text: str, more_words: int = 0) -> str:
    """The name that the text begins with: letters, digits, '.', '_', '-' and %20, then perhaps words like
    "CloudFront". It begins with a letter and ends at one of ! + / ( ; , ) or a space. Otherwise ''."""
    place = 0
    while place < len(text) and (text[place] in NAME or text.startswith("%20", place)):
        place += 3 if text[place] == "%" else 1
    if not text[:1].isalpha() or not text[:1].isascii() or text[place : place + 1] not in ("", *"!+/ (;,)"):
        return ""
    name, words = text[:place], re.split("([!+/(;,)])", text[place:])[0].split(" ")[1:]
    for word in words[:more_words]:
        if not (word.isascii() and word.isalpha() and word[0].isupper()):
            break
        name += " " + word
    return name


# Rule: all digits; UUID; 16+ hex digits; ULID (26 of 0-9A-Z); letters then one - or _ then digits (p-123,
# sku_42).
ID_SEGMENT = re.compile(
    r"[0-9]+"
    r"|[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}"
    r"|[0-9a-fA-F]{16,}"
    r"|[0-9A-Z]{26}"
    r"|[A-Za-z]+[-_][0-9]+"
)


# ------------------------------------------------------------------------------------------------------ marts


def events_view(fct_events: list[Row]) -> list[Row]:
    """Rule: events: eventName, userId, sessionId, productId, statusCode, latencyMs, timestamp."""
    return [
        {
            "eventName": event["event_name"],
            "userId": event["user_id"],
            "sessionId": event["session_id"],
            "productId": event["product_id"],
            "statusCode": event["status_code"],
            "latencyMs": event["latency_ms"],
            "timestamp": event["event_at"],
        }
        for event in fct_events
    ]


def loaded_exports(exports: list[Export], lines_of_export: Counter[str]) -> list[Row]:
    return [
        {
            "export_task_id": export.export_task_id,
            "log_group": export.log_group,
            "export_date": export.export_date,
            "lines": lines_of_export[export.export_task_id],
            "bytes": export.bytes,
            "exported_at": export.exported_at,
        }
        for export in sorted(exports, key=lambda export: export.export_task_id)
    ]


def daily_events(fct_events: list[Row], config: Config) -> list[Row]:
    """Rule: bots left out; event_name null -> '(none)'; users/sessions = distinct non-null user_id /
    session_id."""
    local = local_time(config)
    groups = group_by(without_bots(fct_events), lambda e: (local(e["event_at"]).date(), or_none(e["event_name"])))
    return [
        {
            "event_date": day,
            "event_name": name,
            "events": len(events),
            "users": len({event["user_id"] for event in events} - {None}),
            "sessions": len({event["session_id"] for event in events} - {None}),
        }
        for (day, name), events in groups
    ]


def daily_endpoint_reliability(fct_events: list[Row], config: Config) -> list[Row]:
    """Rule: requests only, bots included; method/route null -> '(none)'; percentiles = linear interpolation
    over non-null latencies of those requests."""
    local = local_time(config)
    groups = group_by(
        requests_of(fct_events),
        lambda e: (local(e["event_at"]).date(), or_none(e["method"]), or_none(e["route"])),
    )
    return [
        {
            "event_date": day,
            "method": method,
            "route": route,
            "requests": len(requests),
            "client_errors": client_errors(requests),
            "server_errors": server_errors(requests),
            "server_error_rate": server_errors(requests) / len(requests),
            "latency_p50_ms": percentile(latencies(requests), 0.50),
            "latency_p95_ms": percentile(latencies(requests), 0.95),
            "latency_p99_ms": percentile(latencies(requests), 0.99),
        }
        for (day, method, route), requests in groups
    ]


def hourly_reliability(fct_events: list[Row], config: Config) -> list[Row]:
    """Rule: bots included; auth_failures = events that mean auth_failure (see meanings_of); an hour has
    a row if it has a request or an auth failure; p95 over requests."""
    local = local_time(config)
    meaning_of = meanings_of(config.catalog)
    rows = []
    hours = group_by(fct_events, lambda e: local(e["event_at"]).replace(minute=0, second=0, microsecond=0))
    for hour, events in hours:
        requests = requests_of(events)
        auth_failures = sum(meaning_of(event) == "auth_failure" for event in events)
        if requests or auth_failures:
            rows.append(
                {
                    "event_hour": hour,
                    "requests": len(requests),
                    "client_errors": client_errors(requests),
                    "server_errors": server_errors(requests),
                    "auth_failures": auth_failures,
                    "latency_p95_ms": percentile(latencies(requests), 0.95),
                }
            )
    return rows


def sessions(fct_events: list[Row], config: Config) -> list[Row]:
    """Rule: user_id = first non-null user_id by (event_at, event_id). entry/exit_event = event_name of
    first/last by (event_at, event_id), null -> '(none)'. converted = any event that means purchase. event_date =
    local date of the first event."""
    meaning_of, local = meanings_of(config.catalog), local_time(config)
    rows = []
    for session_id, events in events_by_session(fct_events, config):
        first, last = events[0], events[-1]
        rows.append(
            {
                "event_date": local(first["event_at"]).date(),
                "session_id": session_id,
                "user_id": next((event["user_id"] for event in events if event["user_id"] is not None), None),
                "started_at": first["event_at"],
                "ended_at": last["event_at"],
                "duration_seconds": (last["event_at"] - first["event_at"]).total_seconds(),
                "events": len(events),
                "requests": len(requests_of(events)),
                "server_errors": server_errors(events),
                "entry_event": or_none(first["event_name"]),
                "exit_event": or_none(last["event_name"]),
                "converted": any(meaning_of(event) == "purchase" for event in events),
            }
        )
    return sorted(rows, key=lambda row: row["session_id"])


def events_by_session(fct_events: list[Row], config: Config) -> Iterator[tuple[str, list[Row]]]:
    """Rule: bots left out. Events with a session_id belong to that session, whatever the gaps. Events with no
    session_id but a user_id: the same user's such events with gaps of at most 30 minutes are one session,
    whose session_id is user_id || '@' || start as yyyy-mm-ddTHH:MM:SS.ffffffZ. Neither -> no session.
    The events of a session come in the order of (event_at, event_id)."""
    events = sorted(without_bots(fct_events), key=in_order_of_time)
    with_id = [event for event in events if event["session_id"] is not None]
    user_only = [event for event in events if event["session_id"] is None and event["user_id"] is not None]
    yield from group_by(with_id, lambda event: event["session_id"])
    longest_gap = timedelta(minutes=config.session_gap_minutes)
    for user_id, events_of_user in group_by(user_only, lambda event: event["user_id"]):
        for part in split_at_gaps(events_of_user, longest_gap, at=lambda event: event["event_at"]):
            start = part[0]["event_at"]
            yield f"{user_id}@{start.isoformat(timespec='microseconds')}Z", part


def daily_funnel(fct_events: list[Row], config: Config) -> list[Row]:
    """Rule: event_date is the local date of the session's first event (whatever that event is; it need not be
    a step). sessions = number of sessions of that date that reached at least step_number. For each (date,
    funnel) with at least one session that reached step 1 there is one row for each step of the funnel (also
    with 0 sessions); otherwise no row. rate_from_previous = sessions / sessions of the step before (null for
    step 1, null over zero). rate_from_first = sessions / sessions of step 1."""
    local = local_time(config)
    sessions_of_day = group_by(
        [events for _, events in events_by_session(fct_events, config)],
        lambda events: local(events[0]["event_at"]).date(),
    )
    funnels = group_by(config.funnels, lambda step: step["funnel"])
    rows = []
    for day, sessions_here in sessions_of_day:
        for funnel, steps in funnels:
            names = [step["event_name"] for step in sorted(steps, key=lambda step: int(step["step_number"]))]
            reached = [steps_reached(events, names) for events in sessions_here]
            at_least = [sum(steps >= number for steps in reached) for number in range(len(names) + 1)]
            if at_least[1] == 0:
                continue
            for number, name in enumerate(names, start=1):
                rows.append(
                    {
                        "event_date": day,
                        "funnel": funnel,
                        "step_number": number,
                        "event_name": name,
                        "sessions": at_least[number],
                        "rate_from_previous": None if number == 1 else rate(at_least[number], at_least[number - 1]),
                        "rate_from_first": rate(at_least[number], at_least[1]),
                    }
                )
    return rows


def steps_reached(events: list[Row], names: list[str]) -> int:
    """Rule: walk through its events in order of (event_at, event_id); it has reached 0 steps at first; an
    event whose event_name is that of step (reached + 1) adds one to reached. One event advances a funnel by
    one step at most (even where two steps have the same event name)."""
    to_come = [*names]
    for event in events:
        if to_come and event["event_name"] == to_come[0]:
            to_come.pop(0)
    return len(names) - len(to_come)


def daily_product_performance(fct_events: list[Row], config: Config) -> list[Row]:
    """Rule: events not by bots with a product_id, by local date: how many mean product_view, add_to_cart,
    purchase. A row where at least one of the three is not 0. purchase_rate = purchases / views."""
    local = local_time(config)
    meaning_of = meanings_of(config.catalog)
    of_products = [event for event in without_bots(fct_events) if event["product_id"] is not None]
    rows = []
    for (day, product_id), events in group_by(of_products, lambda e: (local(e["event_at"]).date(), e["product_id"])):
        events_meaning = Counter(map(meaning_of, events))
        views, add_to_carts, purchases = (events_meaning[meaning] for meaning in ("product_view", "add_to_cart", "purchase"))
        if views or add_to_carts or purchases:
            rows.append(
                {
                    "event_date": day,
                    "product_id": product_id,
                    "views": views,
                    "add_to_carts": add_to_carts,
                    "purchases": purchases,
                    "purchase_rate": rate(purchases, views),
                }
            )
    return rows


def daily_active_users(fct_events: list[Row], config: Config) -> list[Row]:
    """Rule: weekly = distinct users active on the date or the 6 days before, monthly = or the 29 days before.
    stickiness = daily / monthly. A row for each date with at least one active user."""
    active_on = users_by_day(fct_events, config)

    def active_in_days_up_to(day: date, days: int) -> int:
        return len(set().union(*[active_on.get(day - timedelta(days=n), set()) for n in range(days)]))

    return [
        {
            "event_date": day,
            "daily_active_users": active_in_days_up_to(day, 1),
            "weekly_active_users": active_in_days_up_to(day, 7),
            "monthly_active_users": active_in_days_up_to(day, 30),
            "stickiness": rate(active_in_days_up_to(day, 1), active_in_days_up_to(day, 30)),
        }
        for day in sorted(active_on)
    ]


def users_by_day(fct_events: list[Row], config: Config) -> dict[date, set[str]]:
    """Rule: active on a local date = a user_id (not null) with an event there that is no bot's."""
    local = local_time(config)
    users = defaultdict(set)
    for event in without_bots(fct_events):
        if event["user_id"] is not None:
            users[local(event["event_at"]).date()].add(event["user_id"])
    return dict(users)


def weekly_user_retention(fct_events: list[Row], config: Config) -> list[Row]:
    """Rule: weeks are local, Monday to Sunday, named by their Monday. cohort_week = the week of a user's first
    active date. week_number = weeks since cohort_week (0 = the same week). A row for each cohort and each
    week, from the cohort's on, in which any user of any cohort was active (so also with active_users 0).
    cohort_users = users of the cohort, active_users = those of them active in that week, retention_rate =
    active_users / cohort_users.
    The cohort of a week are its users who were in no week before."""
    active_in: dict[date, set[str]] = defaultdict(set)
    for day, users in users_by_day(fct_events, config).items():
        active_in[monday_of(day)] |= users
    weeks = sorted(active_in)
    rows = []
    for n, cohort_week in enumerate(weeks):
        cohort = active_in[cohort_week].difference(*[active_in[week] for week in weeks[:n]])
        for week in weeks[n:] if cohort else []:
            rows.append(
                {
                    "cohort_week": cohort_week,
                    "week_number": (week - cohort_week).days // 7,
                    "cohort_users": len(cohort),
                    "active_users": len(cohort & active_in[week]),
                    "retention_rate": rate(len(cohort & active_in[week]), len(cohort)),
                }
            )
    return rows


def monday_of(day: date) -> date:
    """The Monday of the week that `day` is in: weeks begin on it."""
    year, week, _ = day.isocalendar()
    return date.fromisocalendar(year, week, 1)


def daily_auth_failures(fct_events: list[Row], config: Config) -> list[Row]:
    """Rule: by local date and endpoint, bots included; null method / route -> '(none)'. failures = events that
    mean auth_failure. attempts = events that are a request (status_code not null) or mean login or
    auth_failure. users = distinct user_ids (not null) among the failures. failure_rate = failures / attempts.
    A row where the endpoint had at least one event on that date that means login or auth_failure."""
    local = local_time(config)
    meaning_of = meanings_of(config.catalog)
    groups = group_by(
        fct_events,
        lambda e: (local(e["event_at"]).date(), or_none(e["method"]), or_none(e["route"])),
    )
    rows = []
    for (day, method, route), events in groups:
        failures = [event for event in events if meaning_of(event) == "auth_failure"]
        logins = [event for event in events if meaning_of(event) == "login"]
        if failures or logins:
            others = [event for event in requests_of(events) if meaning_of(event) not in ("login", "auth_failure")]
            attempts = len(failures) + len(logins) + len(others)
            rows.append(
                {
                    "event_date": day,
                    "method": method,
                    "route": route,
                    "attempts": attempts,
                    "failures": len(failures),
                    "users": len({event["user_id"] for event in failures} - {None}),
                    "failure_rate": rate(len(failures), attempts),
                }
            )
    return rows


def daily_uploads(fct_events: list[Row], config: Config) -> list[Row]:
    """Rule: by local date, bots included: events that mean upload_requested, upload_completed,
    upload_rejected. A row where at least one is not 0."""
    local = local_time(config)
    meaning_of = meanings_of(config.catalog)
    rows = []
    for day, events in group_by(fct_events, lambda e: local(e["event_at"]).date()):
        events_meaning = Counter(map(meaning_of, events))
        counts = {f"uploads_{what}": events_meaning[f"upload_{what}"] for what in ("requested", "completed", "rejected")}
        if any(counts.values()):
            rows.append({"event_date": day, **counts})
    return rows


def export_health(
    exports: list[Export],
    lines_of_export: Counter[str],
    fct_events: list[Row],
    rejected: list[Row],
    config: Config,
) -> list[Row]:
    """Rule: per export_date and log group over published exports: counts of lines; events/rejected credited
    to those exports; duplicates = lines - events - rejected; exported_at = earliest completion for that day.
    Every group has a row for each day between the first and the last export_date of any group."""
    if not exports:
        return []
    events_of_export = Counter(event["export_task_id"] for event in fct_events)
    rejected_of_export = Counter(line["export_task_id"] for line in rejected)
    exports_of = defaultdict(list)
    for export in exports:
        exports_of[export.export_date, export.log_group].append(export)
    first_day = min(export.export_date for export in exports)
    last_day = max(export.export_date for export in exports)
    rows = []
    for day in (first_day + timedelta(days=n) for n in range((last_day - first_day).days + 1)):
        for log_group in sorted({export.log_group for export in exports}):
            here = exports_of.get((day, log_group), [])
            lines = sum(lines_of_export[export.export_task_id] for export in here)
            events = sum(events_of_export[export.export_task_id] for export in here)
            rejections = sum(rejected_of_export[export.export_task_id] for export in here)
            exported_at = min((export.exported_at for export in here), default=None)
            lag_hours = hours_after_end_of(day, exported_at) if exported_at else None
            rows.append(
                {
                    "event_date": day,
                    "log_group": log_group,
                    "exports": len(here),
                    "lines": lines,
                    "events": events,
                    "rejected": rejections,
                    "duplicates": lines - events - rejections,
                    "bytes": sum(export.bytes for export in here),
                    "exported_at": exported_at,
                    "lag_hours": lag_hours,
                    "status": export_status(here, lines, lag_hours, config.export_late_after_hours),
                }
            )
    return rows


def hours_after_end_of(day: date, exported_at: datetime) -> float:
    """Rule: lag_hours = from the end of that day to exported_at."""
    end_of_day = datetime(day.year, day.month, day.day) + timedelta(days=1)
    return (exported_at - end_of_day).total_seconds() / 3600


def export_status(exports: list[Export], lines: int, lag_hours: float | None, late_after_hours: float) -> str:
    """Rule: 'missing' (no export), 'damaged' (an export has unreadable objects), 'late' (lag_hours >
    export_late_after_hours), 'empty' (0 lines), else 'ok'.
    The first that fits."""
    if lag_hours is None:
        return "missing"
    if any(export.unreadable_objects > 0 for export in exports):
        return "damaged"
    if lag_hours > late_after_hours:
        return "late"
    return "empty" if lines == 0 else "ok"


CONDITIONS = ("status_code", "event_name", "route", "method")  # the weightiest first


def meanings_of(catalog: list[dict[str, str]]) -> Callable[[Row], str | None]:
    """Rule: a row [of event_catalog.csv] fits the events whose values equal all of its non-blank conditions. An
    event means what the most specific row that fits says: the one with more conditions or, of equally many, the
    one with the weightiest. Without a row that fits it means None."""
    meanings = []
    for row in catalog:
        conditions = {column: row[column] for column in CONDITIONS if row.get(column)}
        specificity = (len(conditions), *[column in conditions for column in CONDITIONS])
        meanings.append((specificity, conditions, row["meaning"]))
    meanings.sort(key=lambda each: each[0], reverse=True)

    def meaning_of(event: Row) -> str | None:
        values = {column: str(event[column]) for column in CONDITIONS if event[column] is not None}
        return next((meaning for _, conditions, meaning in meanings if conditions.items() <= values.items()), None)

    return meaning_of


def local_time(config: Config) -> Callable[[datetime], datetime]:
    """Rule: dates in reporting_timezone.
    The function from a UTC time to the time on the clocks there."""
    zone = ZoneInfo(config.reporting_timezone)
    return lambda at: at.replace(tzinfo=UTC).astimezone(zone).replace(tzinfo=None, fold=0)


def without_bots(events: Iterable[Row]) -> list[Row]:
    return [event for event in events if not event["is_bot"]]


def requests_of(events: Iterable[Row]) -> list[Row]:
    """Rule: "request" = event with a status code."""
    return [event for event in events if event["status_code"] is not None]


def client_errors(events: Iterable[Row]) -> int:
    return sum(400 <= (event["status_code"] or 0) <= 499 for event in events)


def server_errors(events: Iterable[Row]) -> int:
    return sum(500 <= (event["status_code"] or 0) <= 599 for event in events)


def latencies(events: Iterable[Row]) -> list[float]:
    return [event["latency_ms"] for event in events if event["latency_ms"] is not None]


def percentile(values: list[float], fraction: float) -> float | None:
    """Rule: percentiles = linear interpolation over non-null latencies.
    The value at place fraction * (n - 1) of the sorted ones, counted from 0."""
    if not values:
        return None
    ordered = sorted(values)
    place = fraction * (len(ordered) - 1)
    below, above = ordered[math.floor(place)], ordered[math.ceil(place)]
    return below + (above - below) * (place - math.floor(place))


def rate(part: int, whole: int) -> float | None:
    """Rule: rates are fractions of 1, null over zero."""
    return part / whole if whole else None


def or_none(text: str | None) -> str:
    return "(none)" if text is None else text


def group_by(items: Iterable[Item], key: Callable[[Item], Any]) -> list[tuple[Any, list[Item]]]:
    groups = defaultdict(list)
    for item in items:
        groups[key(item)].append(item)
    return sorted(groups.items(), key=lambda group: group[0])


# ---------------------------------------------------------------------------------------------------- compare


def compare(
    expected_rows: Iterable[Row],
    actual_rows: Iterable[Row],
    key: tuple[str, ...],
    float_columns: Collection[str] | None = None,
    relative: float = 1e-9,
    at_most: int = 50,
) -> list[str]:
    """How two tables differ, in words; an empty list if they do not.

    Rows are compared as multisets over all columns, in no order; `key` only tells which rows belong together
    when differences are told. Columns of `float_columns` (by default, those in which either table holds a
    float) are compared within `relative`. More than `at_most` differences are counted, not told.
    """
    expected_rows, actual_rows = list(expected_rows), list(actual_rows)
    expected_types, actual_types = types_by_column(expected_rows), types_by_column(actual_rows)
    if expected_rows and actual_rows and expected_types.keys() != actual_types.keys():
        missing = sorted(expected_types.keys() - actual_types.keys())
        unexpected = sorted(actual_types.keys() - expected_types.keys())
        return [f"column {name}: missing" for name in missing] + [f"column {name}: unexpected" for name in unexpected]
    types = {name: expected_types.get(name, set()) | actual_types.get(name, set()) for name in expected_types}
    types = types or actual_types
    if float_columns is None:
        float_columns = {name for name, found in types.items() if float in found}
    tolerant = sorted(name for name in types if name in float_columns)
    strict = sorted(name for name in types if name not in float_columns)
    flags = [name for name in strict if bool in types[name]]  # True is equal to 1 for Python, but not for us

    def exact_part(row: Row) -> tuple:
        return (*[row[name] for name in strict], *[isinstance(row[name], bool) for name in flags])

    def is_near(one: float | None, other: float | None) -> bool:
        if one is None or other is None:
            return one is other
        return math.isclose(one, other, rel_tol=relative) or (math.isnan(one) and math.isnan(other))

    def are_same(row: Row, other: Row) -> bool:  # for rows with the same exact part
        return all(is_near(row[name], other[name]) for name in tolerant)

    def differ_in(name: str, row: Row, other: Row) -> bool:
        if name in tolerant:
            return not is_near(row[name], other[name])
        return row[name] != other[name] or isinstance(row[name], bool) != isinstance(other[name], bool)

    def in_order_of_floats(row: Row) -> list[tuple[bool, float]]:
        return [(row[name] is not None, row[name] or 0.0) for name in tolerant]

    missing, unexpected = [], []
    actual_alike = rows_by(exact_part, actual_rows)
    for part, rows in rows_by(exact_part, expected_rows).items():
        candidates = sorted(actual_alike.pop(part, ()), key=in_order_of_floats)
        for row in sorted(rows, key=in_order_of_floats):
            same = next((n for n, other in enumerate(candidates) if are_same(row, other)), None)
            if same is None:
                missing.append(row)
            else:
                candidates.pop(same)
        unexpected.extend(candidates)
    for rows in actual_alike.values():
        unexpected.extend(rows)

    def key_of(row: Row) -> tuple:
        return tuple(row[name] for name in key)

    differences = []
    unexpected_by_key = rows_by(key_of, unexpected)
    for row in missing:
        name = ", ".join(f"{column}={row[column]}" for column in key)
        if partners := unexpected_by_key.get(key_of(row)):
            other = partners.pop()
            differences += [
                f"{name}: {column}: expected {row[column]!r}, found {other[column]!r}"
                for column in row
                if differ_in(column, row, other)
            ]
        else:
            differences.append(f"{name}: missing, expected {row}")
    for rows in unexpected_by_key.values():
        for row in rows:
            name = ", ".join(f"{column}={row[column]}" for column in key)
            differences.append(f"{name}: unexpected, found {row}")
    differences.sort()
    more = len(differences) - at_most
    return differences if more <= 0 else [*differences[:at_most], f"... and {more} more differences"]


def types_by_column(rows: list[Row]) -> dict[str, set[type]]:
    columns = dict.fromkeys(name for row in rows for name in row)
    return {name: {type(row.get(name)) for row in rows} for name in columns}


def rows_by(key: Callable[[Row], tuple], rows: Iterable[Row]) -> dict[tuple, list[Row]]:
    groups: dict[tuple, list[Row]] = {}
    for row in rows:
        groups.setdefault(key(row), []).append(row)
    return groups
