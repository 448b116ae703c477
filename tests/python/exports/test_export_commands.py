"""The command group `export` as people use it."""

from __future__ import annotations

import json

import click
import pytest
from botocore.exceptions import ReadTimeoutError
from click.testing import CliRunner, Result

from helpers.export_account import BUCKET, NOON, Account, client_error
from local_aws.export_tasks import Course
from private_analytics import days
from private_analytics.checks.exports import command as checks
from private_analytics.checks.exports.command import check_exports
from private_analytics.cli import cli
from private_analytics.days import HOUR_MS
from private_analytics.errors import UserError
from private_analytics.exports import commands, settings
from private_analytics.exports.reconcile import Clock
from private_analytics.project import variables


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch) -> Account:
    account = Account()
    account.add_group("/api")
    account.add_group("/auth", retention_days=7)
    clock = Clock(lambda: account.now_ms, lambda ms: account.pass_time(ms=ms))
    monkeypatch.setattr(commands.clients, "client", lambda service: getattr(account.aws, service))
    monkeypatch.setattr(commands, "Clock", lambda: clock)
    monkeypatch.setattr(checks, "Clock", lambda: clock)
    for name, value in {
        "ANALYTICS_BUCKET": BUCKET,
        "EXPORT_LOG_GROUPS": "/api, /auth",
        "EXPORT_FIRST_DAY": "2026-10-01",
    }.items():
        monkeypatch.setenv(name, value)
    return account


def export(*arguments: str) -> Result:
    return CliRunner().invoke(commands.export, arguments)


def test_run_starts_one_export_and_says_what_is_left(account: Account):
    result = export("run", "--first-day", "2026-10-04")
    assert result.exit_code == 0
    assert "task" in result.output and "started" in result.output
    assert "Time unknown until the first task is done." in result.output
    assert len(account.history) == 1


def test_dry_run_changes_nothing_and_shows_the_plan(account: Account):
    result = export("run", "--dry-run")
    assert result.exit_code == 0
    assert not account.history and not account.buckets[BUCKET]
    lines = result.output.splitlines()
    # Of /auth the 3rd is being removed, the 4th will be from tomorrow on; /api is in no hurry.
    assert [line for line in lines if line.startswith("export")][:3] == [
        "export   /auth 2026-10-03",
        "export   /auth 2026-10-04",
        "export   /api 2026-10-08",
    ]
    assert lines[0] == "Days: 18. Tasks to do: 16. Records to write: 0."
    assert any(line.startswith("LOST /auth: 2 days from 2026-10-01 to 2026-10-02") for line in lines)


def test_backfill_forecasts_and_exports_all_that_is_there(account: Account):
    result = export("backfill", "--first-day", "2026-10-04")
    assert result.exit_code == 0, result.output
    assert "12 exports published." in result.output
    assert len(account.objects("exports/")) == 12
    account.pass_time(hours=24)
    again = export("backfill", "--first-day", "2026-10-04", "--dry-run")
    assert "a task, one at a time." in again.output


def test_status_is_a_calendar_and_fails_where_something_is_wrong(account: Account):
    assert export("backfill", "--first-day", "2026-10-04").exit_code == 0
    fine = export("status", "--first-day", "2026-10-04", "--days", "6")
    assert fine.exit_code == 0
    assert "/api   oooooo" in fine.output and "o empty: exported, without events" in fine.output
    account.log("/api", days.start_ms(days.day_of(NOON)) + 5)
    account.pass_time(hours=30)
    export("run", "--wait", "--first-day", "2026-10-04")
    account.pass_time(hours=30)
    late = export("status", "--first-day", "2026-10-04")
    assert late.exit_code == 0
    assert "/api   oooooo#." in late.output
    account.pass_time(hours=24)
    late = export("status", "--first-day", "2026-10-04")
    assert late.exit_code == 1
    assert "/api   oooooo#L." in late.output
    assert "LATE /api: 2026-10-11. Run: pal export backfill" in late.output


def test_status_fails_where_a_log_group_is_wrong(account: Account):
    export("backfill", "--first-day", "2026-10-04")
    result = export("status", "--first-day", "2026-10-04", "--log-group", "/api", "--log-group", "/nowhere")
    assert result.exit_code == 1
    assert "There is no log group /nowhere" in result.output
    found = json.loads(export("status", "--json", "--first-day", "2026-10-04", "--log-group", "/nowhere").output)
    assert found["ok"] is False and list(found["problems"]) == ["/nowhere"]


def test_status_for_programs(account: Account):
    account.now_ms = days.start_ms(days.day_of(NOON)) + 12 * HOUR_MS
    account.export_tasks.order(Course(running_ms=HOUR_MS))
    export("run")
    result = export("status", "--json", "--days", "8")
    assert result.exit_code == 1
    found = json.loads(result.output)
    assert found["ok"] is False
    assert found["counts"] == {"late": 11, "lost": 2, "running": 1, "pending": 4}
    assert found["log_groups"]["/auth"]["2026-10-03"] == {"status": "running"}
    assert found["log_groups"]["/auth"]["2026-10-02"]["status"] == "lost"
    assert found["log_groups"]["/api"]["2026-10-09"] == {"status": "pending"}


def test_status_tells_days_that_retention_had_begun_to_remove(account: Account):
    for day in (3, 4):
        account.log("/auth", days.start_ms(days.day_of(NOON) - 10 + day) + 20 * HOUR_MS)
    export("run", "--wait")
    found = json.loads(export("status", "--json").output)["log_groups"]["/auth"]
    assert found["2026-10-03"] == {"status": "partial", "detail": "retention (7 days) had begun to remove it"}
    assert found["2026-10-04"] == {"status": "exported"}


def check(*arguments: str) -> Result:
    return CliRunner().invoke(check_exports, arguments)


def test_check_says_what_is_wrong_and_what_to_do(account: Account):
    export("backfill", "--first-day", "2026-10-04")
    fine = check("--first-day", "2026-10-04")
    assert (fine.exit_code, fine.output) == (
        0,
        "ok      /api   exported up to 2026-10-09\nok      /auth  exported up to 2026-10-09\n",
    )
    account.export_tasks.order(*[Course(ends_as="FAILED", message="no such key")] * 5)
    account.pass_time(hours=24)
    export("run", "--wait", "--first-day", "2026-10-10", "--log-group", "/api")
    account.pass_time(hours=50)
    wrong = check("--first-day", "2026-10-10")
    assert wrong.exit_code == 1
    assert wrong.output.splitlines() == [
        "failed  /api   2026-10-10, 5 of 5 attempts FAILED: no such key",
        "late    /api   2026-10-11",
        "late    /auth  2 days from 2026-10-10 to 2026-10-11",
        "failed  Fix the cause, then run: pal export run --retry-failed",
        "late    Run: pal export backfill",
    ]
    found = json.loads(check("--json", "--first-day", "2026-10-10").output)
    assert (found["check"], found["ok"]) == ("exports", False)
    assert [(result["name"], result["status"]) for result in found["results"]] == [
        ("/api", "failed"),
        ("/api", "late"),
        ("/auth", "late"),
    ]


def test_check_tells_a_new_loss_and_forgets_it_after_a_week(account: Account):
    since = ("--log-group", "/auth", "--first-day", "2026-10-02")
    assert check(*since).output.startswith("lost    /auth  2026-10-02, removed by retention before it was exported\n")
    account.pass_time(hours=24 * 7)
    export("run", "--wait", *since)
    statuses = {result["status"] for result in json.loads(check("--json", *since).output)["results"]}
    assert "lost" in statuses  # those of the days in which nothing ran
    account.pass_time(hours=24)
    for _ in range(8):
        export("run", "--wait", *since)
        account.pass_time(hours=24)
    export("run", "--wait", *since)
    assert check(*since).output == "ok      /auth  exported up to 2026-10-25\n"


def test_check_is_never_ok_where_it_could_not_look(account: Account):
    export("backfill", "--first-day", "2026-10-04")

    def fail_with(error: Exception) -> None:
        def boundary(operation: str, side: str) -> None:
            raise error

        account.calls.boundary = boundary

    for error in (
        client_error("ExpiredTokenException", "expired"),
        client_error("ThrottlingException", "Rate exceeded"),
        ReadTimeoutError(endpoint_url="https://logs"),
    ):
        fail_with(error)
        for arguments in ((), ("--json",)):
            result = check("--first-day", "2026-10-04", *arguments)
            assert result.exit_code == 1 and result.exception.__class__ is SystemExit
        found = json.loads(result.output)
        assert not found["ok"]
        assert [result["status"] for result in found["results"]] == ["unknown", "unknown"]


def test_check_names_a_log_group_that_cannot_be_exported(account: Account):
    account.add_group("/rare", log_class="INFREQUENT_ACCESS")
    export("backfill", "--first-day", "2026-10-04")
    result = check("--first-day", "2026-10-04", "--log-group", "/rare", "--log-group", "/nowhere", "--log-group", "/api")
    assert result.exit_code == 1
    rare, nowhere, api = result.output.splitlines()
    assert rare.startswith("failed  /rare     /rare has the log class INFREQUENT_ACCESS")
    assert nowhere.startswith("failed  /nowhere  There is no log group /nowhere")
    assert api == "ok      /api      exported up to 2026-10-09"


def test_check_on_the_command_line(account: Account):
    result = CliRunner().invoke(cli, ["check", "exports"])
    assert result.exit_code == 1 and result.output.startswith("late    /api   ")
    export("backfill", "--first-day", "2026-10-04")
    result = CliRunner().invoke(cli, ["check", "exports", "--first-day", "2026-10-04"])
    assert result.exit_code == 0 and result.output.startswith("ok      /api   ")
    assert CliRunner().invoke(cli, ["check", "exports", "--bucket", "s3://bucket"]).exit_code == 1
    assert CliRunner().invoke(cli, ["check", "everything"]).exit_code == 2


def test_check_and_status_agree_day_by_day(account: Account):
    """Through three weeks in which runs are missed and tasks fail."""
    account.export_tasks.order(*[Course(ends_as=end) for end in ("COMPLETED", "FAILED", "CANCELLED") * 6])
    codes = set()
    for day in range(21):
        if day % 9 < 4:
            export("run", "--wait", "--first-day", "2026-10-08")
        status = export("status", "--json", "--first-day", "2026-10-08")
        checked = check("--json", "--first-day", "2026-10-08")
        codes.add(checked.exit_code)
        assert checked.exit_code == status.exit_code
        assert json.loads(checked.output)["ok"] == json.loads(status.output)["ok"]
        account.pass_time(hours=24)
    assert codes == {0, 1}


def test_a_wrong_log_group_ends_with_exit_code_1_after_the_others_are_done(account: Account):
    with pytest.raises(UserError, match="There is no log group /nowhere"):
        CliRunner().invoke(
            commands.export,
            ["run", "--wait", "--first-day", "2026-10-04", "--log-group", "/api", "--log-group", "/nowhere"],
            catch_exceptions=False,
        )
    assert len(account.objects("exports/")) == 6


def test_what_a_user_can_put_right_is_a_user_error(account: Account):
    def expired(operation: str, side: str) -> None:
        raise client_error("ExpiredTokenException", "The security token included in the request is expired")

    account.calls.boundary = expired
    for command in (["run"], ["backfill"], ["status"], ["run", "--dry-run"]):
        assert isinstance(export(*command).exception, UserError)


def test_usage_errors(account: Account, monkeypatch: pytest.MonkeyPatch):
    assert export("run", "--first-day", "yesterday").exit_code == 2
    monkeypatch.delenv("EXPORT_FIRST_DAY")
    assert export("run").exit_code == 2
    assert "EXPORT_FIRST_DAY" in export("run").output


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("EXPORT_FIRST_DAY", "soon"),
        ("ANALYTICS_BUCKET", "s3://bucket"),
        ("ANALYTICS_PREFIX", "a b"),
        ("EXPORT_LOG_GROUPS", "arn:aws:logs:x:y:log-group:z"),
        ("EXPORT_LOG_GROUPS", " , "),
        ("EXPORT_SETTLE_HOURS", "-1"),
        ("EXPORT_TRAILING_DAYS", "every"),
        ("EXPORT_LATE_AFTER_HOURS", "a day"),
        ("EXPORT_MAX_ATTEMPTS", "0"),
    ],
)
def test_a_setting_that_is_wrong_is_named(name: str, value: str):
    right = {"EXPORT_FIRST_DAY": "2026-10-01", "ANALYTICS_BUCKET": BUCKET, "EXPORT_LOG_GROUPS": "/api"}
    settings.from_environment(right)
    with pytest.raises(UserError, match=name):
        settings.from_environment(right | {name: value})


def test_late_has_one_definition():
    right = {"EXPORT_FIRST_DAY": "2026-10-01", "ANALYTICS_BUCKET": BUCKET, "EXPORT_LOG_GROUPS": "/api"}
    in_dbt = variables.read_vars()["export_late_after_hours"]
    assert settings.from_environment(right).rules.late_after_ms == in_dbt * HOUR_MS
    assert settings.from_environment(right | {"EXPORT_LATE_AFTER_HOURS": "48"}).rules.late_after_ms == 48 * HOUR_MS


def test_every_command_has_help():
    for name, command in commands.export.commands.items():
        assert isinstance(command, click.Command)
        assert export(name, "--help").exit_code == 0
