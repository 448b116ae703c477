"""`pull`: what lies in the folder is what was logged, wherever it broke off, and a build takes it for the same events."""

from __future__ import annotations

import fcntl
import gzip
import json
import time
import tracemalloc
from collections import Counter, defaultdict
from datetime import UTC, date, datetime
from pathlib import Path
from types import SimpleNamespace

import pytest
from botocore.exceptions import NoCredentialsError, ReadTimeoutError
from click.testing import CliRunner, Result

from helpers.export_account import NOON, REGION, Account, client_error
from helpers.project import Project
from private_analytics import aws, console
from private_analytics.cli import cli
from private_analytics.errors import UserError
from private_analytics.exports import pull as pulling
from private_analytics.exports.reconcile import Clock
from private_analytics.lake import folder

GROUP = "/shop/api"
FIRST, LAST, TODAY = date(2026, 10, 7), date(2026, 10, 9), date(2026, 10, 10)
FOLDERS = {"api/prod/i-1": "api-prod-i-1", "2026/10/07/[$LATEST]0a1b": "2026-10-07-[$LATEST]0a1b", ".é": ".é"}
MESSAGES = ['{"a": 1}', "two\nlines", "the end\n", 'tab\tnul\0 quote" \u2028 é 🙂', "x" * 5000, "2026-10-07T00:00:00.000Z"]


@pytest.fixture
def account() -> Account:
    """A log group with events at the edges of three days and within, that came in in no order, some twice."""
    account = Account(page=7)
    account.add_group(GROUP)
    for day in (FIRST, LAST):  # none between
        for number, (stream, message) in enumerate((s, m) for s in FOLDERS for m in [*MESSAGES, MESSAGES[0]]):
            for time_of_day in (86_399_999, 0, 43_200_000 + number % 3):
                account.log(GROUP, epoch_ms(day) + time_of_day, message, stream)
                account.now_ms += 1
    account.log(GROUP, epoch_ms(FIRST) - 1, "the day before")
    return account


def epoch_ms(day: date) -> int:
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()) * 1000


def logged(account: Account, first: date = FIRST, last: date = LAST) -> dict[str, dict[str, str]]:
    """What must lie there: by day and folder, the text of all lines by time, then as they came in."""
    found: dict[str, dict[str, str]] = defaultdict(lambda: defaultdict(str))
    for event in sorted(account.logged[GROUP], key=lambda event: event.timestamp):
        at = datetime.fromtimestamp(event.timestamp // 1000, UTC).replace(microsecond=event.timestamp % 1000 * 1000, tzinfo=None)
        if first <= at.date() <= last:
            found[f"{at.date()}"][FOLDERS[event.stream]] += f"{at.isoformat(timespec='milliseconds')}Z {event.message}\n"
    return found


def pulled(out: Path) -> dict[str, list[dict[str, str]]]:
    """What a reader finds: by day its exports, each by folder the text."""
    opened = folder.open_lake(out, out.with_name("view"))
    assert (opened.root, opened.notes) == (out, ())
    assert folder.checked(opened, out.with_name("view")).damaged == ()
    found = defaultdict(list)
    for export in opened.exports:
        assert export.record.log_group == GROUP
        assert export.record.objects == len(export.files)
        assert export.record.bytes == sum(path.stat().st_size for path in export.files)
        found[export.record.export_date].append(texts_of(export))
    return found


def readable(out: Path) -> dict[str, list[dict[str, str]]]:
    """The same in the middle of a pull: nothing, or days."""
    try:
        opened = folder.open_lake(out, out.with_name("view"))
    except UserError as error:
        assert any(words in str(error) for words in ("no such folder", "no logs found", "nothing is published yet"))
        return {}
    assert opened.root == out
    found = defaultdict(list)
    for export in opened.exports:
        assert export.record.log_group == GROUP
        found[export.record.export_date].append(texts_of(export))
    return found


def texts_of(export: folder.Export) -> dict[str, str]:
    return {path.parent.name: gzip.decompress(path.read_bytes()).decode() for path in export.files}


def pull(account: Account, out: Path, first: date = FIRST, last: date = LAST, **options) -> pulling.Pulled:
    clock = Clock(lambda: account.now_ms, lambda ms: account.pass_time(ms=ms))
    return pulling.pull(account.aws.logs, GROUP, first, last, out, clock, **options)


def is_whole(account: Account, out: Path) -> bool:
    expected = logged(account)
    return pulled(out) == {day: [expected.get(day, {})] for day in ("2026-10-07", "2026-10-08", "2026-10-09")}


def test_what_was_logged_lies_in_the_folder(account: Account, tmp_path: Path):
    said: list[str] = []
    total = pull(account, tmp_path / "out", say=said.append)
    assert is_whole(account, tmp_path / "out")
    assert (total.days, total.events) == (3, len(account.logged[GROUP]) - 1)
    assert [line.split(",")[0] for line in said] == ["2026-10-07: 63 events", "2026-10-08: 0 events", "2026-10-09: 63 events"]
    calls = account.calls.made.total()
    assert pull(account, tmp_path / "out").days == 0 and account.calls.made.total() == calls  # nothing is lacking
    assert pull(account, tmp_path / "out", again=True).days == 3
    assert all(exports[0] == exports[1] for exports in pulled(tmp_path / "out").values())


class Crash(BaseException):
    """The process is gone."""


STEPS = ("_append", "_stage", "_move")


def test_a_pull_that_breaks_off_anywhere_loses_and_doubles_nothing(account: Account, tmp_path: Path, monkeypatch):
    """At each edge of each call, and of each step on the disk."""
    passed, crash_at = 0, 0

    def boundary(*edge: str) -> None:
        nonlocal passed
        passed += 1
        if passed == crash_at:
            raise Crash

    def at_edges(step):
        def stepped(*arguments):
            boundary(step.__name__, "before")
            result = step(*arguments)
            boundary(step.__name__, "after")
            return result

        return stepped

    for name in STEPS:
        monkeypatch.setattr(pulling, name, at_edges(getattr(pulling, name)))
    account.calls.boundary = boundary
    expected = logged(account)
    has_crashed = True
    while has_crashed:
        passed, crash_at, has_crashed = 0, crash_at + 1, False
        out = tmp_path / str(crash_at) / "out"
        out.parent.mkdir()
        try:
            pull(account, out)
        except Crash:
            has_crashed = True
            assert all(exports == [expected.get(day, {})] for day, exports in readable(out).items()), "a day is not whole"
        pull(account, out)
        assert is_whole(account, out), crash_at
        assert [path.name for path in (out / ".pull").iterdir()] == ["lock"]
    assert crash_at > 100


def test_today_is_pulled_again_until_it_is_over(account: Account, tmp_path: Path):
    out, folder = tmp_path / "out", FOLDERS["api/prod/i-1"]
    account.now_ms = NOON
    account.log(GROUP, NOON - 5, "{}", "api/prod/i-1")
    account.log(GROUP, NOON + 1000, "clock ahead", "api/prod/i-1")
    assert pull(account, out, TODAY, TODAY).events == 1
    account.pass_time(hours=1)
    account.log(GROUP, NOON - 5, "{}", "api/prod/i-1")  # a second one just like it
    assert pull(account, out, TODAY, TODAY).events == 3
    account.pass_time(hours=11.5)  # over, but its last events may be on their way
    account.log(GROUP, NOON + 6 * 3_600_000, "late", "api/prod/i-1")
    assert pull(account, out, TODAY, TODAY).days == 1
    account.pass_time(hours=1)
    assert pull(account, out, TODAY, TODAY).days == 1
    assert pull(account, out, TODAY, TODAY).days == 0
    exports = [Counter(texts[folder].splitlines()) for texts in pulled(out)["2026-10-10"]]
    assert [lines.total() for lines in exports] == [1, 3, 4, 4]
    union = Counter()
    for lines in exports:
        union |= lines  # the k-th identical line of an export is the k-th of another
    assert union == Counter(logged(account, TODAY, TODAY)["2026-10-10"][folder].splitlines())


def test_busy_is_waited_out_and_then_given_up_with_what_was_pulled_kept(account: Account, tmp_path: Path):
    faults = [client_error("ThrottlingException", "Rate exceeded"), ReadTimeoutError(endpoint_url="https://logs")] * 4
    shown: list[str] = []

    def some(operation: str, side: str) -> None:
        if faults and side == "after":
            raise faults.pop()

    account.calls.boundary = some
    pull(account, tmp_path / "out", FIRST, FIRST, show=lambda text, done, total: shown.append(text))
    assert pulled(tmp_path / "out") == {"2026-10-07": [logged(account)["2026-10-07"]]}
    waits = [line.rpartition("again in ")[2] for line in shown if "busy" in line]
    assert waits == ["1 s", "2 s", "4 s", "8 s", "16 s", "32 s", "60 s", "60 s"]

    def always(operation: str, side: str) -> None:
        raise client_error("ThrottlingException", "Rate exceeded")

    account.calls.boundary = always
    with pytest.raises(UserError, match=r"Rate exceeded.*Run the same command again later: it continues with this day"):
        pull(account, tmp_path / "out")
    account.calls.boundary = lambda operation, side: None
    assert pull(account, tmp_path / "out").days == 2
    assert is_whole(account, tmp_path / "out")


def test_no_more_than_five_calls_a_second(account: Account, tmp_path: Path):
    at: list[int] = []
    account.calls.boundary = lambda operation, side: at.append(account.now_ms) if side == "before" else None
    pull(account, tmp_path / "out")
    assert len(at) > 30
    assert all(later - earlier >= 1000 for earlier, later in zip(at, at[5:], strict=False))


def test_two_log_groups_in_one_folder(account: Account, tmp_path: Path):
    account.add_group("/other")
    account.log("/other", epoch_ms(FIRST), "theirs")
    pull(account, tmp_path / "out")
    clock = Clock(lambda: account.now_ms, lambda ms: account.pass_time(ms=ms))
    assert pulling.pull(account.aws.logs, "/other", FIRST, LAST, tmp_path / "out", clock).events == 1
    assert len(folder.open_lake(tmp_path / "out", tmp_path / "view").exports) == 6


def test_memory_does_not_grow_with_the_day(tmp_path: Path):
    """32 MB of events in pages of 400 kB, of which no two are made at once."""

    def filter_log_events(nextToken="0", **_):
        page = int(nextToken)
        events = [{"logStreamName": f"s{n % 20}", "timestamp": page, "message": f"{page} {n} " + "x" * 1000} for n in range(400)]
        return {"events": events, **({"nextToken": str(page + 1)} if page < 80 else {})}

    logs = SimpleNamespace(filter_log_events=filter_log_events)
    day = date(1970, 1, 1)
    tracemalloc.start()
    total = pulling.pull(logs, GROUP, day, day, tmp_path / "out", Clock(lambda: NOON, lambda ms: None))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert total.bytes > 32_000_000
    assert peak < 4_000_000


@pytest.mark.parametrize("stream", ["..", ".", "a\nb", "nul\0", "é" * 400, "half \ud800"])
def test_a_stream_whose_name_no_folder_can_have(account: Account, tmp_path: Path, stream: str):
    account.log(GROUP, epoch_ms(FIRST) + 7, "here", stream)
    account.log(GROUP, epoch_ms(FIRST) + 8, "here", stream + "2")
    pull(account, tmp_path / "out", FIRST, FIRST)
    [texts] = pulled(tmp_path / "out")["2026-10-07"]
    assert sum(text.count("Z here\n") for text in texts.values()) == 2
    assert len(texts) == len(FOLDERS) + 2


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (client_error("ResourceNotFoundException"), f"There is no log group {GROUP} in {REGION}. Check --log-group and AWS_DEF"),
        (client_error("ExpiredTokenException", "expired"), "aws sso login"),
        (client_error("AccessDeniedException", "not authorized to perform: logs:FilterLogEvents"), "docs/infrastructure.md"),
        (NoCredentialsError(), "aws sso login"),
    ],
)
def test_an_error_says_what_to_do(account: Account, tmp_path: Path, error: Exception, says: str):
    def fail(operation: str, side: str) -> None:
        raise error

    account.calls.boundary = fail
    with pytest.raises(UserError, match=says):
        pull(account, tmp_path / "out")
    account.calls.boundary = lambda operation, side: None
    pull(account, tmp_path / "out")
    assert is_whole(account, tmp_path / "out")


def test_a_folder_of_something_else_is_left_alone(account: Account, tmp_path: Path):
    (tmp_path / "logs").mkdir()
    with pytest.raises(UserError, match=r"holds other files\. Give --out a new or empty folder"):
        pull(account, tmp_path)
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="holds other files"):
        pull(account, tmp_path / "file")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "logs"]


def test_one_pull_at_a_time(account: Account, tmp_path: Path):
    pull(account, tmp_path / "out")
    with (tmp_path / "out" / ".pull" / "lock").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(UserError, match="Another pull is writing to"):
            pull(account, tmp_path / "out")


def test_a_disk_that_cannot_be_written_is_no_traceback(account: Account, tmp_path: Path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(pulling, "_append", full)
        with pytest.raises(UserError, match=r"No space left on device.*run the same command again"):
            pull(account, tmp_path / "out")
    pull(account, tmp_path / "out")
    assert is_whole(account, tmp_path / "out")


# The command.


def command(*arguments: object) -> Result:
    return CliRunner().invoke(cli, ["pull", "--log-group", GROUP, *map(str, arguments)])


def test_the_command(account: Account, tmp_path: Path, monkeypatch):
    monkeypatch.setattr(aws, "client", lambda service: getattr(account.aws, service))
    monkeypatch.setattr(pulling, "Clock", lambda: Clock(sleep_ms=lambda ms: None))
    out = tmp_path / "my logs"
    done = command("--from", FIRST, "--to", LAST, "--out", out)
    assert done.exit_code == 0, done.output
    assert done.output.splitlines() == [
        "2026-10-07: 63 events, 0.0 MB".replace("0.0", f"{size(account, FIRST):,.1f}"),
        "2026-10-08: 0 events, 0.0 MB",
        "2026-10-09: 63 events, 0.0 MB".replace("0.0", f"{size(account, LAST):,.1f}"),
        f"3 days pulled, 126 events. Next: make demo LOGS='{out}'",
    ]
    assert is_whole(account, out)
    assert "already there" in command("--from", FIRST, "--to", LAST, "--out", out).output
    assert command("--from", LAST, "--to", FIRST, "--out", out).exit_code == 2
    assert command("--from", "2026-10-07", "--to", "2999-01-01", "--out", out).exit_code == 2
    assert command("--from", "2999-01-01", "--out", out).exit_code == 2
    assert command("--from", "soon", "--out", out).exit_code == 2
    monkeypatch.setattr(aws, "client", lambda service: Account().aws.logs)
    unknown = command("--from", FIRST, "--to", LAST, "--out", tmp_path / "new")
    assert unknown.exit_code == 1 and unknown.output.startswith(f"Error: There is no log group {GROUP}")


def test_progress_is_few_lines_where_there_is_no_terminal(monkeypatch, capsys):
    with console.Progress() as progress:
        progress.show("reading", 1, 3)
        progress.say("done")
        assert capsys.readouterr().out == "done\n"
        monkeypatch.setattr(console.Progress, "EVERY_S", 0)
        progress.show("reading", 2, 3)
        progress.show("reading", 4, None)
    assert capsys.readouterr().out == "2 of 3, reading\n4, reading\n"


def test_progress_on_a_terminal_keeps_what_is_said_and_takes_nothing_for_markup(monkeypatch, capsys):
    monkeypatch.setattr(console, "is_terminal", lambda: True)
    with console.Progress() as progress:
        progress.show("[red]1[/red]", 1, 3)
        progress.say("[bold]done")
    assert "[bold]done\n" in capsys.readouterr().out


def size(account: Account, day: date) -> float:
    return sum(len(text.encode()) for text in logged(account)[f"{day}"].values()) / 1e6


# The whole way.


def test_a_pull_and_an_export_are_the_same_events(project: Project, tmp_path: Path, request: pytest.FixtureRequest):
    """PutLogEvents to moto; from there once by an export task and once by a pull; each built on DuckDB."""
    from helpers.moto_server import BUCKET, POLICY, Server, export_all

    server = Server()
    request.addfinalizer(server.close)
    logs, s3 = server.client("logs"), server.client("s3")
    now_ms = time.time_ns() // 1_000_000
    day = datetime.fromtimestamp(now_ms / 1000 - 2 * 86_400, UTC).date()
    group = "/shop/pulled"
    logs.create_log_group(logGroupName=group)
    server.tasks.make_older(group, days=30)
    s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
    s3.put_bucket_policy(Bucket=BUCKET, Policy=json.dumps(POLICY))
    for number, stream in enumerate(("api/prod/i-1", "2026/[$LATEST]0a1b")):
        logs.create_log_stream(logGroupName=group, logStreamName=stream)
        records = [{"eventName": "searched", "statusCode": 200, "userId": f"u{n % 5}"} for n in range(40)]
        messages = [*map(json.dumps, records), "Error: no\n    at buy (shop.js:7)", "text\ttab é", json.dumps(records[0])]
        times = [epoch_ms(day) + (n * 2_000_003 + number) % 86_400_000 for n in range(len(messages))]
        events = [{"timestamp": at, "message": text} for at, text in zip(times, messages, strict=True)]
        events += events[:3]  # truly twice
        logs.put_log_events(logGroupName=group, logStreamName=stream, logEvents=sorted(events, key=lambda e: e["timestamp"]))
    export_all(server, group, day, project.lake)
    project.run()
    by_task = identities(project)
    project.fresh()

    paged = SimpleNamespace(
        meta=logs.meta,
        filter_log_events=lambda **parameters: logs.filter_log_events(limit=9, interleaved=True, **parameters),
    )
    done = pulling.pull(paged, group, day, day, tmp_path / "out", Clock(sleep_ms=lambda ms: None))
    assert done.events == 2 * 46
    project.lake = tmp_path / "out"
    project.run()
    assert identities(project) == by_task
    assert len(by_task[0]) == 2 * 44 and len(by_task[1]) == 2 * 3


def identities(project: Project) -> tuple[list[dict], list[dict]]:
    events = project.query("select event_id, log_stream, event_at from fct_events order by event_id")
    return events, project.query("select line_id, line from rejected_log_lines order by all")
