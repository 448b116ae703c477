"""Situations, and by hand for each: which alarms go off in it, and how often. Names are those of the template."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import NamedTuple

from helpers.alarm_world import DAY, DBT, HOUR, START, Run, World
from private_analytics.project.variables import Thresholds

THEN = START + 2 * HOUR  # when it begins to go wrong
# What the numbers below are about, whatever dbt_project.yml says by now.
THRESHOLDS = Thresholds(
    min_requests=50,
    server_error_rate=0.05,
    latency_p95_ms=1000,
    auth_failure_rate=0.3,
    auth_failure_burst=100,
    athena_gb_per_day=500,
    upload_url_seconds=900,
    rejected_rate=0.05,
    latency_median_min_ms=0.05,
    latency_median_max_ms=600_000,
)
Story = Callable[[World], None]


class Situation(NamedTuple):
    name: str
    hours: int
    story: Story
    goes_off: Counter[str]

    def world(self) -> World:
        world = World(self.hours)
        self.story(world)
        return world


TABLE: list[Situation] = []


def situation(*alarms: str, hours: int = 8) -> Callable[[Story], Story]:
    """Puts a situation into the table, `hours` long. An alarm that goes off twice is named twice."""

    def put(story: Story) -> Story:
        TABLE.append(Situation(story.__name__, hours, story, Counter(alarms)))
        return story

    return put


@situation(hours=48)
def all_is_well(world: World) -> None:
    pass


@situation(hours=26)
def no_traffic_for_a_day(world: World) -> None:
    world.set(world.requests, START, DAY, 0)


@situation()
def one_error_among_three_requests(world: World) -> None:
    world.set(world.requests, START, 6 * HOUR, 0)
    world.set(world.requests, THEN, 3, 1)
    world.errors[THEN + 1] = 1


@situation()
def an_odd_minute_of_errors(world: World) -> None:
    world.errors[THEN] = 60


@situation()
def an_odd_minute_of_errors_across_two_minutes(world: World) -> None:
    world.set(world.errors, THEN, 2, 30)


@situation("ServerErrorsHourly")
def bursts_of_nothing_but_errors_with_silence_between(world: World) -> None:
    world.set(world.requests, START, 7 * HOUR, 0)
    for minute in (THEN, THEN + 10, THEN + 20):
        world.requests[minute] = world.errors[minute] = 60


@situation("ServerErrorsHourly")
def a_minute_of_errors_every_ten_minutes(world: World) -> None:
    for minute in range(THEN, THEN + 2 * HOUR, 10):
        world.errors[minute] = 60


@situation("ServerErrors", "ServerErrorsHourly")
def every_tenth_request_fails_for_hours(world: World) -> None:
    world.set(world.errors, THEN, 3 * HOUR, 6)


@situation("ServerErrors", "ServerErrorsHourly")
def the_api_is_down_for_half_an_hour(world: World) -> None:
    world.set(world.errors, THEN, 30, 60)


@situation()
def a_few_errors_all_the_time(world: World) -> None:
    world.set(world.errors, THEN, 5 * HOUR, 1)


@situation()
def just_as_many_errors_as_are_let_pass(world: World) -> None:
    world.set(world.errors, THEN, 3 * HOUR, 3)


@situation("ServerErrors", "ServerErrorsHourly")
def slightly_more_errors_than_are_let_pass(world: World) -> None:
    world.set(world.errors, THEN, 3 * HOUR, 3)
    for minute in range(THEN, THEN + 3 * HOUR, 5):
        world.errors[minute] = 4


@situation("ServerErrors", "ServerErrorsHourly", hours=6)
def the_api_is_down_for_half_an_hour_and_then_silent(world: World) -> None:
    world.set(world.errors, THEN, 30, 60)
    world.set(world.requests, THEN + 30, world.end - THEN - 30, 0)


@situation("ServerErrorsHourly")
def a_fifth_of_just_enough_requests_for_an_hour(world: World) -> None:
    for minute in range(START, START + 7 * HOUR):
        world.requests[minute] = int(minute % 6 != 0)
        world.errors[minute] = int(minute % 6 == 1 and THEN <= minute < THEN + 2 * HOUR)


@situation("ServerErrors", "ServerErrorsHourly")
def just_enough_requests_to_judge_by(world: World) -> None:
    world.set(world.requests, START, 7 * HOUR, 10)
    world.set(world.errors, THEN, HOUR, 2)


@situation("ServerErrorsHourly")
def half_of_too_few_requests_for_five_minutes(world: World) -> None:
    world.set(world.requests, START, 7 * HOUR, 9)
    world.set(world.errors, THEN, 2 * HOUR, 4)


@situation()
def half_of_too_few_requests_for_an_hour(world: World) -> None:
    world.set(world.requests, START, 7 * HOUR, 0)
    for minute in range(THEN, THEN + 2 * HOUR, 4):
        world.requests[minute], world.errors[minute] = 3, 2


@situation("SlowRequests")
def a_slow_hour(world: World) -> None:
    world.slow(THEN, HOUR, 3000)


@situation("SlowRequests")
def one_request_in_ten_is_slow(world: World) -> None:
    world.slow(THEN, HOUR, 3000, share=0.1)


@situation()
def one_request_in_thirty_is_slow(world: World) -> None:
    world.slow(THEN, HOUR, 3000, share=1 / 30)


@situation()
def an_odd_slow_minute(world: World) -> None:
    world.slow(THEN, 1, 9000)


@situation()
def an_odd_slow_minute_across_two_minutes(world: World) -> None:
    world.slow(THEN, 2, 9000, share=0.5)


@situation()
def just_as_slow_as_is_let_pass(world: World) -> None:
    world.slow(THEN, HOUR, 1000)


@situation()
def a_slow_hour_with_too_few_requests(world: World) -> None:
    world.set(world.requests, START, 7 * HOUR, 9)
    world.slow(THEN, HOUR, 3000)


@situation("SlowRequests")
def a_slow_hour_with_just_enough_requests(world: World) -> None:
    world.set(world.requests, START, 7 * HOUR, 10)
    world.slow(THEN, HOUR, 3000)


@situation()
def slow_bursts_with_silence_between(world: World) -> None:
    world.set(world.requests, START, 7 * HOUR, 0)
    for minute in (THEN, THEN + 10, THEN + 20):
        world.requests[minute] = 60
        world.slow(minute, 1, 3000)


@situation("AuthFailureBurst")
def a_burst_of_failed_logins(world: World) -> None:
    world.set(world.requests, THEN, 5, 90)
    world.set(world.auth_failures, THEN, 5, 30)


@situation()
def just_as_many_failed_logins_as_are_let_pass(world: World) -> None:
    world.set(world.requests, THEN, 20, 90)
    world.set(world.auth_failures, THEN, 20, 20)


@situation("AuthFailureBurst")
def one_failed_login_more_than_is_let_pass(world: World) -> None:
    world.set(world.requests, THEN, 5, 90)
    world.set(world.auth_failures, THEN, 5, 20)
    world.auth_failures[THEN] = 21


@situation("AuthFailures")
def four_in_ten_requests_fail_to_log_in(world: World) -> None:
    world.set(world.requests, START, 7 * HOUR, 20)
    world.set(world.auth_failures, THEN, HOUR, 8)


@situation("AuthFailures")
def nearly_a_third_of_the_requests_fail_to_log_in(world: World) -> None:
    world.set(world.auth_failures, THEN, HOUR, 19)


@situation()
def three_in_ten_requests_fail_to_log_in(world: World) -> None:
    world.set(world.requests, START, 7 * HOUR, 20)
    world.set(world.auth_failures, THEN, HOUR, 6)


@situation("AuthFailures")
def failed_logins_among_just_enough_requests(world: World) -> None:
    world.set(world.requests, START, 7 * HOUR, 10)
    world.set(world.auth_failures, THEN, HOUR, 5)


@situation()
def failed_logins_among_too_few_requests(world: World) -> None:
    world.set(world.requests, START, 7 * HOUR, 9)
    world.set(world.auth_failures, THEN, HOUR, 5)


@situation()
def an_odd_minute_of_failed_logins_across_two_minutes(world: World) -> None:
    world.set(world.requests, START, 7 * HOUR, 20)
    world.set(world.requests, THEN, 2, 68)
    world.set(world.auth_failures, THEN, 2, 48)


@situation()
def failed_logins_with_silence_between(world: World) -> None:
    world.set(world.requests, START, 7 * HOUR, 0)
    for minute in (THEN, THEN + 10, THEN + 20):
        world.requests[minute] = world.auth_failures[minute] = 60


@situation()
def one_run_of_the_exporter_is_missing(world: World) -> None:
    del world.exporter[START + 2 * HOUR + 7]


@situation("ExportsLate", "ExporterErrors", "CallsNotStarted", hours=30)
def a_day_is_late(world: World) -> None:
    ill(world, Run(late=1, is_error=True))


@situation("ExportsLate", "ExporterErrors", "CallsNotStarted", hours=30)
def a_day_could_not_be_exported(world: World) -> None:
    ill(world, Run(failed=1, is_error=True))


@situation("ExporterErrors", "CallsNotStarted")
def one_run_of_the_exporter_breaks_off(world: World) -> None:
    ill(world, Run(None, None, is_error=True), runs=1)


@situation("ExporterErrors", "CallsNotStarted", "ExporterSilent", hours=40)
def every_run_of_the_exporter_breaks_off(world: World) -> None:
    ill(world, Run(None, None, is_error=True), runs=30)


@situation("ExporterSilent", hours=40)
def the_exporter_is_dead(world: World) -> None:
    world.exporter = {minute: run for minute, run in world.exporter.items() if not 0 <= minute - THEN < 30 * HOUR}


@situation(hours=72)
def the_exporter_runs_once_a_day_and_once_two_hours_late(world: World) -> None:
    world.exporter = {day + 13 * HOUR: Run() for day in range(0, world.end, DAY)}
    world.exporter[START + DAY + 15 * HOUR + 20] = world.exporter.pop(START + DAY + 13 * HOUR)


@situation("ExportsLate", "ExporterErrors", hours=72)
def a_day_is_late_and_the_exporter_runs_once_a_day(world: World) -> None:
    world.exporter = {day + 13 * HOUR: Run() for day in range(0, world.end, DAY)}
    world.exporter[START + 13 * HOUR] = Run(late=1, is_error=True)


@situation("CallsNotStarted", hours=30)
def a_call_could_not_be_started(world: World) -> None:
    """The queue rests after six hours, and reports nothing until somebody empties it."""
    for minute in range(THEN, THEN + 20 * HOUR):
        world.waiting[minute] = 1
    for minute in range(THEN + 6 * HOUR, THEN + 20 * HOUR):
        del world.waiting[minute]


@situation("TransformFailed", hours=50)
def dbt_fails_once(world: World) -> None:
    world.builds[START + DBT] = False


@situation("TransformFailed", hours=75)
def dbt_fails_on_two_days(world: World) -> None:
    world.builds[START + DBT] = world.builds[START + DAY + DBT] = False


@situation("TransformFailed", hours=50)
def dbt_fails_though_it_succeeded_an_hour_before(world: World) -> None:
    world.builds[START + DBT - HOUR] = True
    world.builds[START + DBT] = False


@situation("TransformFailed", hours=30)
def dbt_fails_twice_and_succeeds_at_last(world: World) -> None:
    world.builds[START + DBT] = world.builds[START + DBT + 40] = False
    world.builds[START + DBT + 2 * HOUR] = True


@situation(hours=50)
def dbt_is_started_two_hours_late(world: World) -> None:
    world.builds[START + DBT + 110] = world.builds.pop(START + DBT)


@situation("TransformNotRun", hours=50)
def dbt_is_not_started_on_one_day_and_late_on_the_next(world: World) -> None:
    del world.builds[START + DBT], world.checks[START + DBT + 25]
    world.builds[START + DAY + DBT + 90] = world.builds.pop(START + DAY + DBT)
    world.checks[START + DAY + DBT + 115] = world.checks.pop(START + DAY + DBT + 25)


@situation("TransformNotRun", "ChecksNotRun", hours=90)
def dbt_is_not_started_for_three_days(world: World) -> None:
    for day in (START, START + DAY, START + 2 * DAY):
        del world.builds[day + DBT], world.checks[day + DBT + 25]


@situation("ChecksNotRun", hours=90)
def checks_do_not_run_for_three_days(world: World) -> None:
    for day in (START, START + DAY, START + 2 * DAY):
        del world.checks[day + DBT + 25]


@situation("CheckExportsFailed", "TransformFailed", hours=50)
def check_exports_is_not_ok(world: World) -> None:
    one_check_is_not_ok(world, "exports")


@situation("CheckEventsFailed", "TransformFailed", hours=50)
def check_events_is_not_ok(world: World) -> None:
    one_check_is_not_ok(world, "events")


@situation("CheckAccessFailed", "TransformFailed", hours=50)
def check_access_is_not_ok(world: World) -> None:
    one_check_is_not_ok(world, "access")


@situation("CheckJwtFailed", "TransformFailed", hours=50)
def check_jwt_is_not_ok(world: World) -> None:
    one_check_is_not_ok(world, "jwt")


@situation("CheckUploadsFailed", "TransformFailed", hours=50)
def check_uploads_is_not_ok(world: World) -> None:
    one_check_is_not_ok(world, "uploads")


@situation("AthenaBytes", hours=40)
def an_expensive_day(world: World) -> None:
    world.spend("shop-analysts", 600, at=THEN)


@situation("AthenaBytes", hours=40)
def a_day_that_is_expensive_by_all_three_workgroups(world: World) -> None:
    for workgroup in ("shop", "shop-analysts", "shop-dashboards"):
        world.spend(workgroup, 170, at=THEN)


@situation("AthenaBytes", hours=50)
def morning_and_evening_are_expensive_together(world: World) -> None:
    for workgroup in ("shop", "shop-analysts", "shop-dashboards"):
        world.spend(workgroup, 90, at=THEN)
        world.spend(workgroup, 90, at=THEN + 14 * HOUR)


@situation("AthenaBytes", hours=40)
def nobody_asks_but_one_dashboard(world: World) -> None:
    world.scanned = [(THEN, "shop-dashboards", 600.0)]


@situation("AthenaBytes", hours=40)
def a_day_that_costs_slightly_more_than_is_let_pass(world: World) -> None:
    world.spend("shop-dashboards", 500.5 - 21, at=THEN)


@situation(hours=40)
def a_day_that_costs_as_much_as_is_let_pass(world: World) -> None:
    world.spend("shop-dashboards", 500 - 21, at=THEN)


@situation(hours=60)
def much_on_two_evenings(world: World) -> None:
    world.spend("shop-analysts", 400, at=THEN)
    world.spend("shop-analysts", 400, at=THEN + 26 * HOUR)


def ill(world: World, run: Run, runs: int = 10) -> None:
    """The exporter's runs are so. Each failed call lies in the queue until somebody empties it, hours later."""
    for number in range(runs):
        world.exporter[THEN + 7 + number * HOUR] = run
    for minute in range(THEN + 8, THEN + (runs + 3) * HOUR):
        world.waiting[minute] = min(runs, (minute - THEN - 8) // HOUR + 1)


def one_check_is_not_ok(world: World, check: str) -> None:
    """The build ends with it."""
    world.checks[START + DBT + 25] = Counter({check: 1})
    world.builds[START + DBT] = False
