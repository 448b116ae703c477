"""The evaluator of alarms gives what the CloudWatch user guide says in its tables and examples."""

from __future__ import annotations

from dataclasses import replace

import pytest

from helpers.alarm_evaluator import (
    ALARM,
    INSUFFICIENT_DATA,
    OK,
    Alarm,
    Metric,
    Metrics,
    Reading,
    calculate,
    rings,
    state_of,
    states,
)

DOCUMENTED = Reading(missing_is_zero=True, fills_unknown=False, max_skips_missing=True, more_points=2)
METRIC = Metric("Shop", "Requests", frozenset())
# What the guide's tables are about: three periods of five minutes.
THREE = Alarm("x", (("m1", METRIC, "Sum"),), "m1", 5, 3, 3, "GreaterThanThreshold", 10, "missing")
RETAINED = "what it was"


def points(text: str) -> list[bool | None]:
    return [{"0": False, "X": True, "-": None}[mark] for mark in text.split()]


# "How alarm state is evaluated when data is missing": columns MISSING, IGNORE, BREACHING, NOT BREACHING.
THREE_OUT_OF_THREE = {
    "0 - X - X": (OK, OK, OK, OK),
    "0 - - - -": (OK, OK, OK, OK),
    "- - - - -": (INSUFFICIENT_DATA, RETAINED, ALARM, OK),
    "0 X X - X": (ALARM, ALARM, ALARM, ALARM),
    "- - X - -": (ALARM, RETAINED, ALARM, OK),
}
TWO_OUT_OF_THREE = {
    "0 - X - X": (ALARM, ALARM, ALARM, ALARM),
    "0 0 X 0 X": (ALARM, ALARM, ALARM, ALARM),
    "0 - X - -": (OK, OK, ALARM, OK),
    "- - - - 0": (OK, OK, ALARM, OK),
    "- - - X -": (ALARM, RETAINED, ALARM, OK),
}


@pytest.mark.parametrize(
    ("enough", "text", "expected"),
    [(3, *row) for row in THREE_OUT_OF_THREE.items()] + [(2, *row) for row in TWO_OUT_OF_THREE.items()],
)
def test_missing_data_is_treated_as_in_the_guides_tables(enough: int, text: str, expected: tuple[str, ...]):
    for missing, state in zip(("missing", "ignore", "breaching", "notBreaching"), expected, strict=True):
        watched = replace(THREE, datapoints_to_alarm=enough, missing=missing)
        assert state_of(points(text), watched, RETAINED) == state, missing


@pytest.mark.parametrize("text", ["- - - - X", "- - - X -"])
def test_one_breaching_point_after_silence_is_not_yet_an_alarm(text: str):
    assert state_of(points(text), THREE, RETAINED) == RETAINED


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("metric1 < metric2", (0, 0, 1, 0)),
        ("metric1 >= 30", (1, 0, 0, 0)),
        ("(metric1 > 15) * (metric2 > 15)", (1, 0, 0, 0)),
        ("metric1 - metric2", (10, 20, -20, 0)),
        ("metric2 / metric1", (20 / 30, 0, None, None)),  # dividing by zero drops the point
        ("5 * metric1 + 2 * 3", (156, 106, 6, 6)),
        ("FILL(metric2, 7)", (20, 7, 20, 7)),
        ("FILL(never, 7)", (None, None, None, None)),
        ("metric2 + never", (20, None, 20, None)),  # what is in neither series is in no result
        ("MAX([metric1, metric2])", (30, 20, 20, 0)),
    ],
)
def test_metric_math_treats_what_is_missing_as_the_guide_says(expression: str, expected: tuple):
    series = {"metric1": (30.0, 20.0, 0.0, 0.0), "metric2": (20.0, None, 20.0, None), "never": (None,) * 4}
    assert calculate(expression, series, DOCUMENTED, unknown=["never"]) == expected


def test_the_other_reading_of_the_guide():
    other = Reading(missing_is_zero=False, fills_unknown=True, max_skips_missing=False, more_points=2)
    series = {"metric1": (30.0, 20.0), "metric2": (20.0, None)}
    assert calculate("metric1 - metric2", series, other) == (10, None)
    assert calculate("MAX([metric1, metric2])", series, other) == (30, None)
    assert calculate("FILL(metric2, 7)", series, other, unknown=["metric2"]) == (20, 7)


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("IF(metric1, metric2, metric3)", (30, 0, 20, None, None)),
        ("IF(metric1, 5, metric3)", (5, 5, 20, None, None)),
        ("IF(metric1, metric2, 5)", (30, 0, 5, 5, None)),
    ],
)
def test_if_gives_what_the_guides_tables_show(expression: str, expected: tuple):
    series = {
        "metric1": (1.0, 1.0, 0.0, 0.0, None),
        "metric2": (30.0, None, 0.0, 0.0, 30.0),
        "metric3": (0.0, 0.0, 20.0, None, 20.0),
    }
    assert calculate(expression, series, DOCUMENTED) == expected


@pytest.mark.parametrize(
    "expression", ["RATE(metric1)", "MAX(metric1)", "metric1 ^ 2", "-metric1", "metric9", "metric1 metric1", "5"]
)
def test_what_it_does_not_know_is_an_error(expression: str):
    with pytest.raises((ValueError, KeyError, TypeError)):
        calculate(expression, {"metric1": (1.0, 2.0)}, DOCUMENTED)


def test_statistics_of_a_period():
    metrics = Metrics()
    metrics.put(4, "Shop", "Requests", 99)
    metrics.put(5, "Shop", "Requests", 1, times=94)
    metrics.put(9, "Shop", "Requests", 3, times=6)
    metrics.put(10, "Shop", "Requests", 99)
    expected = {"Sum": 94 + 18, "SampleCount": 100, "Maximum": 3, "p94": 1, "p95": 3}
    assert {stat: metrics.windows(METRIC, stat, 5)[5] for stat in expected} == expected
    assert metrics.windows(METRIC, "Sum", 5)[11] is None
    metrics.put(30, "Shop", "Requests", 1, times=6)
    metrics.put(31, "Shop", "Requests", 2)
    assert metrics.windows(METRIC, "p90", 5)[30] == 2  # the seventh of seven
    with pytest.raises(ValueError, match="Average"):
        metrics.windows(METRIC, "Average", 5)[5]


def test_a_window_slides_by_a_minute():
    """ "At the end of minute 5 the alarm evaluates based on data from minutes 1 to 5, at the end of minute 6, on 2 to 6." """
    metrics = Metrics()
    for minute in range(0, 20):
        metrics.put(minute, "Shop", "Requests", 11 if minute == 7 else 0)
    watched = replace(THREE, evaluation_periods=1, datapoints_to_alarm=1)
    in_alarm = [minute for minute, state in states(watched, metrics, range(5, 20), DOCUMENTED) if state == ALARM]
    assert in_alarm == [8, 9, 10, 11, 12]
    assert rings(states(watched, metrics, range(5, 20), DOCUMENTED)) == [8]


def test_a_multi_day_alarm_looks_every_hour_at_data_up_to_the_full_hour():
    """The guide's job fails at 10:02, and the alarm sees it with the data up to 11:00."""
    metrics = Metrics()
    metrics.put(10 * 60 + 2, "Shop", "Requests", 11)
    watched = replace(THREE, period=60, evaluation_periods=25, datapoints_to_alarm=1, missing="ignore")
    found = list(states(watched, metrics, range(9 * 60 + 30, 12 * 60 + 1), DOCUMENTED))
    assert [minute for minute, _ in found] == [600, 660, 720]
    assert rings(found) == [660]
