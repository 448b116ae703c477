"""The unit of a latency: what its key, its values, the line's other fields and its logger say."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from .evidence import Evidence, words
from .flatten import Record
from .values import MS, Latency, as_latency, as_time, number

SUFFIX = {
    "ms": r"ms|msecs?|millis|milli_?seconds?",
    "s": r"s|secs?|seconds?",
    "us": r"us|µs|μs|usecs?|micros|micro_?seconds?",
    "ns": r"ns|nsecs?|nanos|nano_?seconds?",
}
GLUED = r"(?:latency|duration|elapsed|took|taken|time|dur)"
IN_TEXT = re.compile(r"(?<![\w.])(\d+(?:\.\d+)?) ?(ns|us|µs|μs|ms|s)\b")

# In powers of e. A unit is taken if it is CLEARLY likelier than the next one: 5 times.
CLEARLY = 1.6
TYPICAL_MS, SPREAD = 15, 1.0  # of the median: a tenth or ten times as much is one SPREAD away
IMPLAUSIBLE = 3.0  # a median below 0.05 ms or above a minute
RARE = {"whole": {"ms": 0.0, "ns": 0.7, "us": 2.5, "s": 3.0}, "fraction": {"ms": 0.0, "s": 0.7, "us": 2.5, "ns": 6.0}}
OF_LOGGER, OF_SUFFIX, OF_OTHER_FIELD, OF_SETTING = 3.0, 6.0, 9.0, 0.5


@dataclass(frozen=True)
class Unit:
    """`likely` has the units that it may be, the likeliest first: one if that is clear. `why` says what speaks for the first."""

    likely: tuple[str, ...]
    why: str


def by_name(name: str) -> str | None:
    """The unit that the last words of a key say: duration_ms, elapsedSeconds, durationms."""
    for unit, written in SUFFIX.items():
        if re.search(rf"(_|{GLUED})({written})$", name) or (name != "s" and re.fullmatch(written, name)):
            return unit
    return None


def of(column: Evidence, records: Sequence[Record], loggers: Mapping[str, str], setting: str | None) -> Unit:
    """`loggers` are those that may have written the lines, with the unit of their durations; `setting` is what is configured."""
    found = {line: latency for line, value in column.values.items() if (latency := as_latency(value))}
    if found and all(latency.unit for latency in found.values()):
        return Unit(("ms",), "the values say their unit")
    bare = {line: latency for line, latency in found.items() if not latency.unit}
    numbers = [latency.number for latency in bare.values()]
    named = by_name(column.name)
    if not any(numbers):
        return Unit((named or setting or "ms",), "all are 0")
    typical = median(numbers) or min(0.4, max(numbers))  # rounded down to 0
    kind = "fraction" if any(size % 1 for size in numbers) else "whole"
    scores = {unit: _magnitude(typical * MS[unit]) - RARE[kind][unit] for unit in MS}
    reasons = {unit: [f"median {typical * MS[unit]:.3g} ms"] for unit in MS}

    def add(unit: str, weight: float, reason: str) -> None:
        scores[unit] += weight
        reasons[unit].insert(0, reason)

    if setting:
        add(setting, OF_SETTING, "as configured")
    for unit in sorted(set(loggers.values())):
        add(unit, OF_LOGGER, f"{' or '.join(name for name in loggers if loggers[name] == unit)} writes {unit}")
    if named:
        add(named, OF_SUFFIX, "its name says so")
    if written := _of_field_beside(bare, column, records):
        add(written[0], OF_OTHER_FIELD, f"{written[1]} says so")
    if checked := _of_other_field(bare, column, records):
        add(checked[0], OF_OTHER_FIELD, f"agrees with {checked[1]}")
    ranked = sorted(scores, key=lambda unit: -scores[unit])
    likely = [unit for unit in ranked if scores[unit] > scores[ranked[0]] - CLEARLY or unit == named]
    return Unit(tuple(likely), ", ".join(reasons[ranked[0]][:2]))


def _magnitude(typical_ms: float) -> float:
    distance = (math.log10(typical_ms) - math.log10(TYPICAL_MS)) / SPREAD
    return -(distance**2) / 2 - (0 if 0.05 <= typical_ms <= 60_000 else IMPLAUSIBLE)


def _of_field_beside(found: Iterable[int], column: Evidence, records: Sequence[Record]) -> tuple[str, str] | None:
    """The unit that a field beside it has as its value (elapsed_unit: "µs"), and that field's key."""
    *above, last = column.steps
    for key in (f"{last}_unit", f"{last}Unit", "unit"):
        texts = {str(records[line].values.get((*above, key), "")).lower() for line in found}
        units = {unit for text in texts for unit, written in SUFFIX.items() if re.fullmatch(written, text)}
        if len(units) == len(texts) == 1:
            return units.pop(), key
    return None


def _of_other_field(found: Mapping[int, Latency], column: Evidence, records: Sequence[Record]) -> tuple[str, str] | None:
    """The unit in which the latencies are as long as another field of their lines says, and that field's last key."""
    times: dict[str, list[tuple[float, float]]] = {}
    for line, latency in list(found.items())[:200]:
        if not latency.number:
            continue
        moments = []
        for steps, value in records[line].values.items():
            if steps == column.steps:
                continue
            key = str(steps[-1])
            if (moment := as_time(value)) is not None:
                moments.append((key, moment))
            elif (size := number(value)) is not None:
                if size and (unit := by_name(words(key))):
                    times.setdefault(key, []).append((latency.number, size * MS[unit]))
            elif isinstance(value, str):
                for digits, unit in IN_TEXT.findall(value[:500]):
                    unit = unit.replace("µ", "u").replace("μ", "u")
                    times.setdefault(key, []).append((latency.number, float(digits) * MS[unit]))
        for start, begun in moments[:4]:
            for end, ended in moments[:4]:
                if ended - begun > 0.002:  # times of whole milliseconds say nothing about less
                    times.setdefault(f"{end} - {start}", []).append((latency.number, (ended - begun) * 1e3))
    for other, pairs in times.items():
        if len(pairs) >= max(3, len(found) // 2):
            for unit, ms in MS.items():
                if _mostly(abs(own * ms - other_ms) <= 0.25 * other_ms for own, other_ms in pairs):
                    return unit, other
    return None


def _mostly(answers: Iterable[bool]) -> bool:
    answers = list(answers)
    return sum(answers) >= 0.8 * len(answers)
