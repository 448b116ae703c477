"""CloudWatch's evaluation of alarms, as its user guide describes it: statistics, metric math, M of N, and missing data.

Time is in whole minutes. What the guide leaves open is a `Reading`; whatever else is not described here is an error.
"""

from __future__ import annotations

import math
import operator
import re
from bisect import bisect_left
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

OK, ALARM, INSUFFICIENT_DATA = "OK", "ALARM", "INSUFFICIENT_DATA"
COMPARISONS = {
    "GreaterThanThreshold": operator.gt,
    "GreaterThanOrEqualToThreshold": operator.ge,
    "LessThanThreshold": operator.lt,
    "LessThanOrEqualToThreshold": operator.le,
}
Points = tuple[float | None, ...]  # of one time series, the oldest first; None is missing


@dataclass(frozen=True)
class Reading:
    """How to read the guide where it is not clear.

    missing_is_zero: "missing values in a time series are treated as 0" by arithmetic, or make the result missing.
    fills_unknown: FILL fills a metric that nothing was ever published under, or leaves it without data points.
    max_skips_missing: MAX of an array takes the data points that there are, or is missing where one is missing.
    more_points: how many data points beyond EvaluationPeriods are retrieved ("depends on the length of the period").
    """

    missing_is_zero: bool
    fills_unknown: bool
    max_skips_missing: bool
    more_points: int


@dataclass(frozen=True)
class Metric:
    namespace: str
    name: str
    dimensions: frozenset[tuple[str, str]]


@dataclass
class Metrics:
    """What was published: for each metric (minute, value, how many times that value)."""

    _published: dict[Metric, list[tuple[int, float, int]]] = field(default_factory=dict)
    _windows: dict[tuple[Metric, str, int], Windows] = field(default_factory=dict)

    def put(self, minute: int, namespace: str, name: str, value: float, times: int = 1, **dimensions: str) -> None:
        metric = Metric(namespace, name, frozenset(dimensions.items()))
        self._published.setdefault(metric, []).append((minute, value, times))
        self._windows.clear()

    def windows(self, metric: Metric, stat: str, length: int) -> Windows:
        key = (metric, stat, length)
        if key not in self._windows:
            self._windows[key] = Windows(sorted(self._published.get(metric, ())), stat, length)
        return self._windows[key]


class Windows(dict[int, float | None]):
    """A statistic of the `length` minutes from each minute on, worked out when it is asked for."""

    def __init__(self, published: list[tuple[int, float, int]], stat: str, length: int) -> None:
        self.published, self.stat, self.length = published, stat, length
        self.minutes = [minute for minute, _, _ in published]
        self.begins = self.minutes[0] if published else math.inf

    def __missing__(self, start: int) -> float | None:
        found = self.published[bisect_left(self.minutes, start) : bisect_left(self.minutes, start + self.length)]
        self[start] = _statistic(self.stat, found) if found else None
        return self[start]


def _statistic(stat: str, found: list[tuple[int, float, int]]) -> float:
    if stat == "Sum":
        return sum(value * times for _, value, times in found)
    if stat == "SampleCount":
        return sum(times for _, _, times in found)
    if stat == "Maximum":
        return max(value for _, value, _ in found)
    if percentile := re.fullmatch(r"p(\d\d)", stat):
        rank = math.ceil(int(percentile[1]) / 100 * sum(times for _, _, times in found))
        for value, times in sorted((value, times) for _, value, times in found):
            rank -= times
            if rank <= 0:
                return value
    raise ValueError(f"statistic {stat}")


# --- Metric math ---


def calculate(expression: str, series: Mapping[str, Points], reading: Reading, unknown: Collection[str] = ()) -> Points:
    """The expression's data points. Only what alarms may use: each data point by itself. `unknown` were never published."""
    words = re.findall(r"\s*([A-Za-z_]\w*|[\d.]+|[<>=!]=|\S)", expression)
    result = _Parser([*words, ""], series, reading, unknown).whole()
    if not isinstance(result, tuple):
        raise ValueError(f"{expression}: is no time series")
    return result


class _Parser:
    def __init__(self, words: list[str], series: Mapping[str, Points], reading: Reading, unknown: Collection[str]) -> None:
        self.words, self.series, self.reading, self.unknown = words, series, reading, unknown

    def whole(self) -> Points | float:
        result = self.comparison()
        self.expect("")
        return result

    def expect(self, word: str) -> None:
        if (found := self.words.pop(0)) != word:
            raise ValueError(f"{found!r} where {word!r} should stand")

    def left(self, below: Callable[[], Any], operators: Mapping[str, Callable[[float, float], float | None]]) -> Any:
        result = below()
        while self.words[0] in operators:
            result = self.point_by_point(operators[self.words.pop(0)], result, below())
        return result

    def comparison(self) -> Points | float:
        return self.left(self.sum, {">=": operator.ge, ">": operator.gt, "<=": operator.le, "<": operator.lt})

    def sum(self) -> Points | float:
        return self.left(self.product, {"+": operator.add, "-": operator.sub})

    def product(self) -> Points | float:
        return self.left(self.term, {"*": operator.mul, "/": lambda a, b: a / b if b else None})

    def term(self) -> Points | float:
        word = self.words.pop(0)
        if word == "(":
            result = self.comparison()
            self.expect(")")
            return result
        if re.fullmatch(r"\d+(\.\d+)?", word):
            return float(word)
        if word == "FILL":
            metric = self.words[1]
            return self.fill(metric, *self.arguments("(", ")"))
        if self.words[0] == "(":
            return {"IF": self.condition, "MAX": self.maximum}[word](*self.arguments("(", ")"))
        return self.series[word]

    def arguments(self, opening: str, closing: str) -> list[Any]:
        self.expect(opening)
        found = [self.array()]
        while self.words[0] == ",":
            self.expect(",")
            found.append(self.array())
        self.expect(closing)
        return found

    def array(self) -> Any:
        return self.arguments("[", "]") if self.words[0] == "[" else self.comparison()

    def fill(self, metric: str, points: Points, value: float) -> Points:
        if metric in self.unknown and not self.reading.fills_unknown:
            return points
        return tuple(value if point is None else point for point in points)

    def condition(self, condition: Points, then: Points | float, otherwise: Points | float) -> Points:
        """Where the condition holds and there is no value, it is 0; a missing condition gives a missing point."""
        return tuple(
            None if is_so is None else (0.0 if yes is None else yes) if is_so else no
            for is_so, yes, no in zip(condition, self.spread(then, condition), self.spread(otherwise, condition), strict=True)
        )

    def maximum(self, array: list[Points]) -> Points:
        """Of an array only: of one series it is a scalar over all points retrieved, which alarms should not use."""
        return tuple(map(self.maximum_at_once, zip(*array, strict=True)))

    def maximum_at_once(self, values: Points) -> float | None:
        found = [value for value in values if value is not None]
        is_whole = len(found) == len(values) or self.reading.max_skips_missing
        return max(found) if found and is_whole else None

    def point_by_point(self, how: Callable[[float, float], float | None], a: Any, b: Any) -> Any:
        if not isinstance(a, tuple) and not isinstance(b, tuple):
            return how(a, b)
        pairs = zip(self.spread(a, b), self.spread(b, a), strict=True)
        return tuple(self.calculated(how, x, y, isinstance(a, tuple) and isinstance(b, tuple)) for x, y in pairs)

    def calculated(self, how: Callable[..., float | None], x: float | None, y: float | None, both: bool) -> float | None:
        present = sum(value is not None for value in (x, y))
        if present < 2 and not (both and present and self.reading.missing_is_zero):
            return None
        result = how(x or 0.0, y or 0.0)
        return None if result is None else float(result)

    @staticmethod
    def spread(value: Points | float, like: Any) -> Points:
        return value if isinstance(value, tuple) else (value,) * len(like)


# --- Alarms ---


@dataclass(frozen=True)
class Alarm:
    """The parts of a definition that its state depends on."""

    name: str
    metrics: tuple[tuple[str, Metric, str], ...]  # id, metric, statistic
    expression: str
    period: int  # in minutes
    evaluation_periods: int
    datapoints_to_alarm: int
    comparison: str
    threshold: float
    missing: str

    @property
    def every(self) -> int:
        """Evaluated every minute, multi-day alarms every hour on data up to the full hour."""
        return 60 if self.period * self.evaluation_periods > 24 * 60 else 1


def alarm(properties: Mapping[str, Any]) -> Alarm:
    """From the properties of an AWS::CloudWatch::Alarm, all functions in them carried out."""
    expressions = [item["Expression"] for item in properties.get("Metrics", ()) if item.get("ReturnData", True)]
    if "Metrics" in properties:
        (expression,) = expressions
        stats = [(item["Id"], item["MetricStat"]) for item in properties["Metrics"] if "MetricStat" in item]
        metrics = tuple((name, _metric(stat["Metric"]), stat["Stat"]) for name, stat in stats)
        (period,) = {int(stat["Period"]) for _, stat in stats}
    else:
        expression, period = "metric", int(properties["Period"])
        metrics = (("metric", _metric(properties), properties["Statistic"]),)
    assert period % 60 == 0
    periods = int(properties["EvaluationPeriods"])
    return Alarm(
        properties["AlarmName"],
        metrics,
        expression,
        period // 60,
        periods,
        int(properties.get("DatapointsToAlarm", periods)),
        properties["ComparisonOperator"],
        float(properties["Threshold"]),
        properties["TreatMissingData"],
    )


def _metric(item: Mapping[str, Any]) -> Metric:
    dimensions = frozenset((dimension["Name"], dimension["Value"]) for dimension in item.get("Dimensions", ()))
    return Metric(item["Namespace"], item["MetricName"], dimensions)


def states(watched: Alarm, metrics: Metrics, minutes: range, reading: Reading) -> Iterator[tuple[int, str]]:
    """The alarm's state at each of the minutes at which it is evaluated. It begins with INSUFFICIENT_DATA."""
    state = INSUFFICIENT_DATA
    windows = [metrics.windows(metric, stat, watched.period) for _, metric, stat in watched.metrics]
    for now in range(-(-minutes.start // watched.every) * watched.every, minutes.stop, watched.every):
        starts = range(now - watched.period * (watched.evaluation_periods + reading.more_points), now, watched.period)
        series = tuple(tuple(map(of_metric.__getitem__, starts)) for of_metric in windows)
        unknown = tuple(name for (name, *_), of_metric in zip(watched.metrics, windows, strict=True) if of_metric.begins >= now)
        state = state_of(_breaching(watched, series, unknown, reading), watched, state)
        yield now, state


@cache
def _breaching(watched: Alarm, series: tuple[Points, ...], unknown: tuple[str, ...], reading: Reading) -> tuple[bool | None, ...]:
    names = (name for name, _, _ in watched.metrics)
    points = calculate(watched.expression, dict(zip(names, series, strict=True)), reading, unknown)
    compare = COMPARISONS[watched.comparison]
    return tuple(None if point is None else compare(point, watched.threshold) for point in points)


def state_of(points: Sequence[bool | None], watched: Alarm, before: str) -> str:
    """From the data points of the evaluation range, the oldest first: is breaching, is not, or is missing."""
    wanted, enough = watched.evaluation_periods, watched.datapoints_to_alarm
    real = [point for point in points if point is not None]
    if len(real) >= wanted:
        return ALARM if sum(real[-wanted:]) >= enough else OK
    if watched.missing == "breaching":
        return ALARM if sum(real) + wanted - len(real) >= enough else OK
    if sum(real) >= enough:
        return ALARM
    if watched.missing == "notBreaching" or not all(real):
        return OK
    if watched.missing == "ignore":
        return before
    assert watched.missing == "missing"
    if not real:
        return INSUFFICIENT_DATA
    # "At least as old as the value of Datapoints to Alarm", and all that came after it is breaching or missing.
    age = len(points) - list(points).index(True)
    return ALARM if age >= enough else before


def rings(found: Iterable[tuple[int, str]]) -> list[int]:
    """The minutes at which the alarm went off."""
    minutes, before = [], OK
    for minute, state in found:
        if state == ALARM != before:
            minutes.append(minute)
        before = state
    return minutes
