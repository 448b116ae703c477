"""When a day is wanted, what goes first, and what is said of the rest."""

from __future__ import annotations

from datetime import date

import pytest

from private_analytics import days
from private_analytics.days import DAY_MS, HOUR_MS
from private_analytics.exports import plan
from private_analytics.exports.plan import AccountState, DayStatus, ExportRules, LogGroup, Task, TaskState, make_plan

DAY = days.number(date(2026, 10, 1))
END = days.start_ms(DAY + 1)
RULES = ExportRules(first_day=DAY, trailing_days=(1, 3))


def world(*groups: LogGroup) -> AccountState:
    return AccountState(groups={group.name: group for group in groups or (LogGroup("/api", 0),)})


def queue(seen: AccountState, now_ms: int, rules: ExportRules = RULES) -> list[tuple[str, int]]:
    return [(due.log_group, due.day - DAY) for due in make_plan(seen, rules, now_ms).queue]


def status(seen: AccountState, now_ms: int, day: int = DAY, rules: ExportRules = RULES) -> DayStatus:
    return next(state.status for state in plan.assess(seen, rules, now_ms) if state.day == day)


def failed(
    number: int, *, at_ms: int, day: int = DAY, log_group: str = "/api", state: TaskState = TaskState.FAILED
) -> dict[str, Task]:
    return {f"t{n}": Task(f"t{n}", log_group, day, state, at_ms, at_ms + 1000, "internal error") for n in range(number)}


def test_a_day_is_wanted_once_it_has_settled():
    assert queue(world(), END + 12 * HOUR_MS - 1) == []
    assert queue(world(), END + 12 * HOUR_MS) == [("/api", 0)]
    assert status(world(), END + 1) is DayStatus.PENDING


def test_a_day_is_wanted_again_and_one_export_makes_up_for_all_that_were_missed():
    seen = world()
    first, again, last = (END + 12 * HOUR_MS + k * DAY_MS for k in (0, 1, 3))
    seen.add_export("/api", DAY, "a", first, "key")
    assert ("/api", 0) not in queue(seen, again - 1)
    assert ("/api", 0) in queue(seen, again)
    assert ("/api", 0) in queue(seen, last)
    seen.add_export("/api", DAY, "b", last, "key")
    assert ("/api", 0) not in queue(seen, last + 100 * DAY_MS)


def test_an_export_that_was_started_before_its_time_and_finished_after_it_does_not_count():
    seen = world()
    seen.add_export("/api", DAY, "a", END + 12 * HOUR_MS, "key")
    seen.add_export("/api", DAY, "b", END + 36 * HOUR_MS - 1, "key")
    assert ("/api", 0) in queue(seen, END + 37 * HOUR_MS)


def test_days_before_the_log_group_was_made_are_not_wanted():
    made = days.start_ms(DAY + 2) + 5
    assert {day for _, day in queue(world(LogGroup("/api", made)), END + 9 * DAY_MS)} == {2, 3, 4, 5, 6, 7, 8}


def test_exports_come_before_retention_begins():
    group = LogGroup("/api", 0, retention_days=3)
    removed_from = days.start_ms(DAY) + 3 * DAY_MS
    assert plan.due_times(DAY, group, RULES) == [END + 12 * HOUR_MS, removed_from - 12 * HOUR_MS, removed_from - 12 * HOUR_MS]
    assert plan.due_times(DAY, LogGroup("/api", 0, retention_days=1), RULES)[0] == END  # as early as can be


def test_a_day_is_still_exported_while_retention_removes_it_and_lost_after_that():
    group = LogGroup("/api", 0, retention_days=7)
    removed_from = days.start_ms(DAY) + 7 * DAY_MS
    assert queue(world(group), removed_from + DAY_MS - 1)[0] == ("/api", 0)
    assert status(world(group), removed_from + DAY_MS - 1) is DayStatus.LATE
    after = make_plan(world(group), RULES, removed_from + DAY_MS)
    assert [(state.day, state.lost_ms) for state in after.lost] == [(DAY, removed_from + DAY_MS)]
    assert all(due.day != DAY for due in after.queue)
    assert after.newly_lost(removed_from + 8 * DAY_MS - 1) and not after.newly_lost(removed_from + 8 * DAY_MS)


def test_what_retention_threatens_goes_first():
    seen = world(LogGroup("/a", 0), LogGroup("/short", 0, retention_days=7))
    now = days.start_ms(DAY) + 6 * DAY_MS + 13 * HOUR_MS  # DAY of /short begins to go in 11 hours
    assert queue(seen, now)[0] == ("/short", 0)
    seen.add_export("/short", DAY, "x", now, "key")
    assert queue(seen, now)[0][0] == "/a"


def test_log_groups_take_turns_however_long_their_backlogs():
    seen = world(LogGroup("/long", 0), LogGroup("/new", days.start_ms(DAY + 50)))
    now = END + 60 * DAY_MS
    order = []
    for number in range(12):
        due = make_plan(seen, RULES, now + number).queue[0]
        order.append(due.log_group)
        seen.add_export(due.log_group, due.day, str(number), now + number, "key")
    assert [order.count("/long"), order.count("/new")] == [6, 6]


def test_a_long_backlog_does_not_make_new_days_late():
    seen = world()
    now = END + 60 * DAY_MS + 13 * HOUR_MS
    assert [day for _, day in queue(seen, now)][:3] == [60, 0, 1]


def test_failures_are_tried_again_later_and_later_up_to_a_limit():
    now = END + 20 * HOUR_MS
    waits = []
    for number in range(1, 5):
        seen = world()
        seen.tasks = failed(number, at_ms=now)
        [retry] = make_plan(seen, RULES, now + 2000).retries
        waits.append((retry.not_before_ms - now - 1000) / HOUR_MS)
        assert queue(seen, retry.not_before_ms) == [("/api", 0)]
    assert waits == [0.25, 0.5, 1, 2]
    seen.tasks = failed(5, at_ms=now, state=TaskState.CANCELLED)
    assert queue(seen, now + 10 * HOUR_MS) == []
    assert status(seen, now + 10 * HOUR_MS) is DayStatus.FAILED


def test_a_failed_day_holds_no_other_up_and_a_success_starts_the_count_anew():
    seen = world()
    seen.tasks = failed(5, at_ms=END + 12 * HOUR_MS)
    assert queue(seen, END + DAY_MS + 13 * HOUR_MS) == [("/api", 1)]
    seen.add_export("/api", DAY, "ok", END + 13 * HOUR_MS, "key")
    assert ("/api", 0) in queue(seen, END + DAY_MS + 13 * HOUR_MS)  # wanted again, with all attempts
    assert status(seen, END + 14 * HOUR_MS) is DayStatus.EXPORTED


@pytest.mark.parametrize(("hours", "expected"), [(36, DayStatus.PENDING), (37, DayStatus.LATE)])
def test_late_is_late(hours: int, expected: DayStatus):
    assert status(world(), END + hours * HOUR_MS) is expected


def test_a_task_that_never_ends_is_late_and_says_how_to_end_it():
    seen = world()
    started = END + 12 * HOUR_MS
    seen.tasks = {"t": Task("t", "/api", DAY, TaskState.RUNNING, started)}
    assert status(seen, started + DAY_MS) is DayStatus.RUNNING
    state = next(plan.assess(seen, RULES, started + DAY_MS + 1))
    assert (state.status, state.detail) == (
        DayStatus.LATE,
        "RUNNING for 24 h. Cancel it: aws logs cancel-export-task --task-id t",
    )


def test_days_that_retention_will_reach_before_their_turn_are_told_beforehand():
    seen = world(LogGroup("/api", 0, retention_days=30))
    now = days.start_ms(DAY) + 29 * DAY_MS
    waiting = make_plan(seen, RULES, now).queue
    assert len(waiting) == 28
    assert plan.endangered(waiting, now, task_ms=HOUR_MS) == []
    assert [due.day - DAY for due in plan.endangered(waiting, now, task_ms=30 * HOUR_MS)][-1] == 26


def test_planning_wakes_up_when_something_becomes_due():
    assert make_plan(world(), RULES, END + 1).wake_ms == END + 12 * HOUR_MS
