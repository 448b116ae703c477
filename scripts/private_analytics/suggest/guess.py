"""Which paths hold which field: by their names, by their values, and by standing on the lines that have a status."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from statistics import median

from ..event_fields import FieldPath, Fields
from . import names, presets, units
from .evidence import Evidence
from .flatten import Record
from .values import COMMON_STATUSES, SOURCE_FILE, Latency, as_latency, as_method, as_time, reader

CORE = ("event_at", "status_code", "latency_ms", "method", "path")
NEAR_S, CLOSE_S = 35 * 86400, 60  # from CloudWatch's time: at most, as max_days_from_log_time; usually
BY_VALUE = {"event_at": 5, "status_code": 5, "method": 2, "path": 3, "user_agent": 2}  # lines at least, where a key says nothing
NAMED_BY_UNIT = 1.0  # a key or values that say a unit of time are a duration, in whatever language
OTHER_LOGGER = 0.05  # of the lines at least, for a second logger within a log group
TIE = 0.15
LATENCIES = 10  # that are looked at more closely


@dataclass(frozen=True)
class Candidate:
    """A path that may hold a field. `fill` is its share of the lines that have one, `lines` those where it can be read."""

    column: Evidence
    score: float
    named: float
    lines: frozenset[int]
    why: str
    units: tuple[str, ...] = ()

    @property
    def place(self) -> FieldPath:
        return FieldPath(self.column.steps, self.units[0] if self.units else "ms")


@dataclass(frozen=True)
class Question:
    """What only the user can know: a field, and the answers that are possible."""

    field: str
    text: str
    answers: tuple[FieldPath, ...]


@dataclass
class Guess:
    """What was found for a log group. A field with a question is not among the places."""

    places: dict[str, tuple[FieldPath, ...]] = field(default_factory=dict)
    candidates: dict[str, list[Candidate]] = field(default_factory=dict)
    questions: list[Question] = field(default_factory=list)


def guess(columns: Sequence[Evidence], records: Sequence[Record], settings: Fields, loggers: Mapping[str, Fields]) -> Guess:
    """`settings` say where the fields are read now, `loggers` are the presets.

    Lines with another status, or without one, may be those of another logger. They are, if a status, a method and a path of
    their own are found.
    """
    lines = range(len(records))
    made = _guess(columns, lines, records, settings, loggers)
    by_status = [_lines_with(columns, place) for place in made.places.get("status_code", ())]
    rest = frozenset(lines).difference(*by_status)
    for part in (*by_status, rest) if len(by_status) > 1 else (rest,):
        if max(OTHER_LOGGER * len(lines), 5) <= len(part) < len(lines):
            of_part = [column.on(sorted(part)) for column in columns]
            other = _guess([column for column in of_part if column.values], sorted(part), records, settings, loggers)
            if {"status_code", "method", "path"} <= other.places.keys():
                made = _together(made, other)
    return made


def _together(made: Guess, other: Guess) -> Guess:
    """The paths of both loggers. A path that means two units is a question."""
    for name, places in other.places.items():
        mine = made.places.get(name, ())
        units = {place.steps: place.unit for place in mine}
        if rivals := [place for place in places if units.get(place.steps, place.unit) != place.unit]:
            answers = tuple(place for place in (*mine, *rivals) if place.steps == rivals[0].steps)
            text = f"`{rivals[0].path}` is in {answers[0].unit} on some lines and in {answers[-1].unit} on others."
            made.questions.append(Question(name, text, answers))
            made.places.pop(name)
        elif not any(question.field == name for question in made.questions):
            made.places[name] = mine + tuple(place for place in places if place.steps not in units)
    made.questions += [each for each in other.questions if each.field not in made.places]
    for name, candidates in other.candidates.items():
        known = {candidate.column.steps for candidate in made.candidates.get(name, ())}
        made.candidates.setdefault(name, []).extend(each for each in candidates if each.column.steps not in known)
    return made


def _lines_with(columns: Sequence[Evidence], place: FieldPath) -> frozenset[int]:
    return frozenset(line for column in columns if column.steps == place.steps for line in column.values)


def _guess(
    columns: Sequence[Evidence], lines: Sequence[int], records: Sequence[Record], settings: Fields, loggers: Mapping[str, Fields]
) -> Guess:
    """On these lines. A status that stands on lines without method and path, unlike the best one, is that of something else."""
    made = _guess_all(columns, lines, records, settings, loggers)
    first, *more = made.places.get("status_code", (FieldPath(()),))
    request = [_lines_with(columns, place) for field in ("method", "path") for place in made.places.get(field, ())]
    requests = frozenset().union(*request)

    def is_of_requests(place: FieldPath) -> bool:
        on = _lines_with(columns, place)
        return len(on & requests) > 0.5 * len(on)

    elsewhere = {place.steps for place in more if not is_of_requests(place)}
    if not elsewhere or not is_of_requests(first):
        return made
    return _guess_all([column for column in columns if column.steps not in elsewhere], lines, records, settings, loggers)


def _guess_all(
    columns: Sequence[Evidence],
    all_lines: Sequence[int],
    records: Sequence[Record],
    settings: Fields,
    loggers: Mapping[str, Fields],
) -> Guess:
    made = Guess()
    lines = all_lines
    for name in ("event_at", "status_code", *(name for name in settings if name not in ("event_at", "status_code"))):
        if name not in names.GOOD:
            continue
        found = _candidates(name, columns, lines, records)
        if not found and name not in ("event_at", "latency_ms"):
            found = _candidates(name, columns, all_lines, records)
        if name == "latency_ms":
            taken = {place.steps for places in made.places.values() for place in places}
            found = [candidate for candidate in found if candidate.named or candidate.column.steps not in taken]
            found = [_with_units(candidate, records, settings, loggers) for candidate in found[:LATENCIES]]
        made.candidates[name] = found
        if found and (question := _question(name, found, records)):
            made.questions.append(question)
        elif found:
            made.places[name] = _places(name, found, lines)
        if name == "status_code" and found:
            as_good = [candidate.lines for candidate in found if candidate.named >= found[0].named]
            lines = sorted(frozenset().union(*as_good))
    return made


def _candidates(name: str, columns: Sequence[Evidence], lines: Sequence[int], records: Sequence[Record]) -> list[Candidate]:
    """The best first."""
    found = []
    wanted = set(lines)
    for column in columns:
        named = names.score(name, column)
        if named == 0 and name == "latency_ms" and _says_its_unit(column):
            named = NAMED_BY_UNIT
        on = column.values.keys() & wanted
        if named < 0 or not on or (named == 0 and name != "latency_ms" and len(on) < BY_VALUE.get(name, 1 << 62)):
            continue
        read = reader(name)
        if sum(read(column.values[line]) is not None for line in list(on)[:50]) < 0.8 * min(len(on), 50):
            continue
        readable = {line: value for line in on if (value := read(column.values[line])) is not None}
        if len(readable) < 0.9 * len(on):
            continue
        doubt = _doubt(name, column, readable, records, named)
        if doubt is None:
            continue
        fill = len(readable) / len(wanted)
        depth = len(column.steps) + 3 * sum(isinstance(step, int) for step in column.steps)
        score = named + (4 if name == "event_at" else 2) * fill - 0.1 * depth + doubt
        why = "name and values" if named else "values"
        found.append(Candidate(column, score, named, frozenset(readable), why))
    found.sort(key=lambda candidate: -candidate.score)
    if name == "latency_ms" and any(candidate.named for candidate in found):
        found = _without_parts([candidate for candidate in found if candidate.named])
    return found


def _says_its_unit(column: Evidence) -> bool:
    latencies = [as_latency(value) for value in list(column.values.values())[:50]]
    by_name = units.by_name(column.name) is not None and not column.name.endswith("_s")
    return by_name or all(latency and latency.unit for latency in latencies)


def _without_parts(found: list[Candidate]) -> list[Candidate]:
    """Without those that are part of another one, whose name says as little: a query takes no longer than its request."""

    def has(whole: Candidate, part: Candidate) -> bool:
        both = [
            (one.in_ms(unit), other.in_ms(unit))
            for line in whole.lines & part.lines
            if (one := as_latency(whole.column.values[line])) and (other := as_latency(part.column.values[line]))
            if (unit := units.by_name(whole.column.name) or "ms")
        ]
        return (
            len(both) > len(part.lines) / 2
            and all(one >= other for one, other in both)
            and any(one > other for one, other in both)
        )

    equal = [candidate for candidate in found if candidate.named == NAMED_BY_UNIT]
    parts = {part.column.steps for part in equal for whole in equal if whole is not part and has(whole, part)}
    return [candidate for candidate in found if candidate.column.steps not in parts]


def _goes_on(times: Sequence[float]) -> bool:
    """Whether these times, in the order of their lines, nearly always go on, as those of a log do."""
    steps = [later - earlier for earlier, later in pairwise(times)]
    return len(set(times)) > 0.5 * len(times) and sum(step >= 0 for step in steps) >= 0.9 * len(steps) and len(steps) >= 4


def _doubt(name: str, column: Evidence, values: Mapping[int, object], records: Sequence[Record], named: float) -> float | None:
    """What the values add to the score, or None where they cannot be the field's."""
    if name == "event_at":
        times = [time for time in values.values() if isinstance(time, float)]
        near = [
            abs(as_time(records[line].logged_at or "") - time)  # type: ignore[operator]  # such a time can be read
            for line, time in values.items()
            if records[line].logged_at and isinstance(time, float)
        ]
        if near and median(near) > (NEAR_S if named else CLOSE_S):
            return None
        if not (named or near or _goes_on(times)):
            return None
        fine = sum(time % 1 != 0 for time in times) / len(values)
        is_set_up = len(values) >= 5 and column.distinct < 0.1 * len(values)  # when something was made, not when it happened
        return 0.3 * fine + (1 if near and median(near) < CLOSE_S else 0) - 2 * is_set_up
    if name == "status_code":
        counts = Counter(values.values())
        common = sum(count for status, count in counts.items() if status in COMMON_STATUSES) / len(values)
        good = sum(count for status, count in counts.items() if isinstance(status, int) and status // 100 == 2)
        if common < (0.8 if named >= 2 else 0.98) or (not named and (good < 0.3 * len(values) or len(counts) < 2)):
            return None
        plain = sum(isinstance(column.values[line], int) or str(column.values[line]).isdigit() for line in values)
        return plain / len(values) / 2
    if name == "latency_ms":
        sizes = [latency.number for latency in values.values() if isinstance(latency, Latency)]
        if len(sizes) >= 5 and min(sizes) > 9e8 and max(sizes) < 1.05 * min(sizes):  # times since 1970
            return None
        if named <= NAMED_BY_UNIT and column.distinct == 1 < len(values):  # a limit
            return None
        if not named:
            numbers = [latency.number for latency in values.values() if isinstance(latency, Latency)]
            if column.distinct < max(5, 0.3 * len(numbers)) or median(numbers) > 1e6 or numbers == sorted(numbers):
                return None
            return 0.5 if any(number % 1 for number in numbers) else -0.5
        return -0.3 if any(isinstance(value, str) and not value.isdigit() for value in column.values.values()) else 0
    if name == "path":
        if named < 3 and sum(bool(SOURCE_FILE.fullmatch(str(column.values[line]))) for line in values) > len(values) / 2:
            return None
        absolute = sum(str(column.values[line]).startswith("/") for line in values)
        return 0.2 * absolute / len(values) + 0.2 * min(len(set(values.values())), 5) / 5
    if name == "event_id":
        return 0 if column.distinct == len(column.values) > 1 else None
    if name == "event_name" and all(as_method(value) for value in column.values.values()):
        return None
    if name in ("event_name", "session_id") and column.distinct == len(column.values) > 5:
        return None
    return 0


def _with_units(candidate: Candidate, records: Sequence[Record], settings: Fields, loggers: Mapping[str, Fields]) -> Candidate:
    """With the units that are likely: decided for the lines of each logger, which must agree."""
    column = candidate.column
    setting = next((place.unit for place in settings.get("latency_ms", ()) if place.steps == column.steps), None)
    by_logger: dict[str, list[int]] = {}
    for line in candidate.lines:
        by_logger.setdefault(presets.shape(records[line]), []).append(line)
    enough = {logger: lines for logger, lines in by_logger.items() if len(lines) >= 5} or {"": list(candidate.lines)}
    found = {}
    for logger, lines in enough.items():
        part = Evidence(column.steps, column.path, {line: column.values[line] for line in lines})
        known = presets.units(column.steps, loggers, [records[line] for line in lines], whole=not _has_fractions(part))
        found[logger] = units.of(part, records, known, setting)
    clear = {unit.likely[0] for unit in found.values() if len(unit.likely) == 1}
    decided = next((unit for unit in found.values() if len(unit.likely) == 1), next(iter(found.values())))
    likely, why = decided.likely, decided.why
    if len(clear) > 1:
        likely = tuple(sorted(clear))
        why = "; ".join(f"{unit.likely[0]} on lines of {logger}" for logger, unit in found.items())
    return replace(candidate, why=f"{candidate.why}; {why}", units=likely)


def _question(name: str, found: list[Candidate], records: Sequence[Record]) -> Question | None:
    best = found[0]
    if name == "latency_ms" and not best.named and not _has_fractions(best.column):  # such numbers may be anything
        paths = ", ".join(f"`{each.column.path}`" for each in found[:3])
        return Question(name, f"No key is named like one. Is it {paths}?", tuple(each.place for each in found[:3]))
    rivals = [
        other
        for other in found[1:]
        if name in ("status_code", "latency_ms")
        and best.score - other.score < TIE
        and len(best.lines & other.lines) > len(best.lines) / 2
        and not presets.reads_alike(name, (best.place,), (other.place,), [records[line] for line in best.lines & other.lines])
    ]
    if rivals:
        paths = " and ".join(f"`{each.column.path}`" for each in (best, *rivals))
        return Question(name, f"{paths} could both be it.", tuple(each.place for each in (best, *rivals)))
    if name == "latency_ms" and len(best.units) > 1:
        typical = median(_numbers(best.column))
        text = f"Is `{best.column.path}` in {' or '.join(best.units)}? Its median is {typical:g}; {best.why}."
        return Question(name, text, tuple(FieldPath(best.column.steps, unit) for unit in best.units))
    return None


def _numbers(column: Evidence) -> list[float]:
    return [latency.number for value in column.values.values() if (latency := as_latency(value))]


def _has_fractions(column: Evidence) -> bool:
    return any(number % 1 for number in _numbers(column))


def _places(name: str, found: list[Candidate], lines: Sequence[int]) -> tuple[FieldPath, ...]:
    """The best one; then those as good by name that stand where it does not."""
    chosen, covered = [found[0].place], set(found[0].lines)
    for other in found[1:]:
        new = other.lines - covered
        as_good = name == "event_at" or (other.named and other.named >= found[0].named - 0.5)
        if as_good and len(new) > 0.95 * len(other.lines) and len(new) > 0.02 * len(lines):
            chosen.append(other.place)
            covered |= new
    return tuple(chosen)
