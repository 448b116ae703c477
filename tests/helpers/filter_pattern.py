"""CloudWatch's filter patterns for JSON log events, as documented. What is not documented is an error; or, where our patterns may
meet it all the same, a question: `Open` has one answer to each, and tests ask whether another one would matter.

docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html
"""

from __future__ import annotations

import json
import operator
import re
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from helpers.scanner import cut

LIMIT = 1024  # PutMetricFilter
TOKEN = re.compile(
    r"""\s*(?:
    (?P<sign>&&|\|\||[(){}])
    | (?P<selector>\$(?:\.[A-Za-z0-9_-]+|\.\['[^'\]]+'\]|\[[0-9]+\])+)
    | (?P<operator><=|>=|!=|=|<|>)
    | (?P<word>IS\s+NULL|IS\s+TRUE|IS\s+FALSE|NOT\s+EXISTS)
    | (?P<quoted>"[^"\\]*")
    | (?P<bare>[A-Za-z0-9_.+*-]+)
    )""",
    re.VERBOSE,
)
STEP = re.compile(r"\.([A-Za-z0-9_-]+)|\.\['([^']+)'\]|\[([0-9]+)\]")
NUMBER = re.compile(r"[-+]?[0-9]+(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?")
COMPARED = {"=": operator.eq, "!=": operator.ne, "<": operator.lt, ">": operator.gt, "<=": operator.le, ">=": operator.ge}
MISSING = object()


@dataclass(frozen=True)
class Open:
    """What the documentation leaves open."""

    text_is_number: bool = False  # whether "503" in a log is compared as a number
    number_is_text: bool = False  # whether "5*" in a pattern fits the number 503
    kinds_differ: bool = False  # whether != holds between a number and a text
    missing_differs: bool = False  # whether != holds where nothing, or null, is there
    star_takes_all: bool = False  # whether = * holds for "", null, true and false
    object_spoils: bool = False  # whether an object or an array makes the whole pattern fail, or one condition


class _Spoilt(Exception):
    pass


@dataclass
class Pattern:
    """A pattern that was understood; `fits` tells whether a log event does."""

    text: str
    condition: Callable[[Any, Open], bool]

    def fits(self, message: str, open_: Open = Open()) -> bool:
        event = read(message)
        try:
            return event is not None and self.condition(event, open_)
        except _Spoilt:
            return False


def read(message: str) -> dict | None:
    """The JSON object of a log event. Numbers keep their size."""

    def no_json(word: str) -> None:
        raise ValueError(word)

    try:
        found = json.loads(message, parse_float=Decimal, parse_constant=no_json)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def understand(text: str) -> Pattern:
    """Raises ValueError for what is no documented JSON pattern."""
    if len(text) > LIMIT:
        raise ValueError(f"{len(text)} characters")
    tokens = cut(text, TOKEN)
    if len(tokens) < 2 or tokens[0] != ("sign", "{") or tokens.pop() != ("sign", "}"):
        raise ValueError(f"no braces: {text}")
    del tokens[0]
    condition = _either(tokens)
    if tokens:
        raise ValueError(f"not understood: {tokens}")
    return Pattern(text, condition)


def value(selector: str, message: str) -> Any:
    """What a metric filter publishes for a selector as its metric value: a number, or None."""
    found = _select(selector, read(message))
    return found if isinstance(found, int | Decimal) and not isinstance(found, bool) else None


def _either(tokens: list) -> Callable:
    conditions = [_all(tokens)]
    while tokens and tokens[0] == ("sign", "||"):
        tokens.pop(0)
        conditions.append(_all(tokens))
    # Every condition is looked at, so that an object anywhere can spoil the whole.
    return lambda event, open_: any([condition(event, open_) for condition in conditions])


def _all(tokens: list) -> Callable:
    conditions = [_one(tokens)]
    while tokens and tokens[0] == ("sign", "&&"):
        tokens.pop(0)
        conditions.append(_one(tokens))
    return lambda event, open_: all([condition(event, open_) for condition in conditions])


def _one(tokens: list) -> Callable:
    kind, text = tokens.pop(0) if tokens else ("end", "")
    if (kind, text) == ("sign", "("):
        inner = _either(tokens)
        if not tokens or tokens.pop(0) != ("sign", ")"):
            raise ValueError("a parenthesis is not closed")
        return inner
    if kind != "selector" or not tokens:
        raise ValueError(f"a selector was expected, not {text!r}")
    kind, sign = tokens.pop(0)
    if kind == "word":
        return _is(text, " ".join(sign.split()))
    if kind != "operator" or not tokens or tokens[0][0] not in ("quoted", "bare"):
        raise ValueError(f"not understood after {text}: {sign}")
    return _comparison(text, sign, *tokens.pop(0))


def _is(selector: str, word: str) -> Callable:
    wanted = {"NOT EXISTS": MISSING, "IS NULL": None, "IS TRUE": True, "IS FALSE": False}[word]
    return lambda event, open_: _select(selector, event) is wanted


def _comparison(selector: str, sign: str, kind: str, asked: str) -> Callable:
    if kind == "bare" and NUMBER.fullmatch(asked):
        number = Decimal(asked)
    elif sign in ("=", "!=") and "*" not in asked.strip('"')[1:-1]:
        number = None
    else:
        raise ValueError(f"not documented: {selector} {sign} {asked}")
    form = asked.strip('"') if kind == "quoted" else asked

    def holds(event: Any, open_: Open) -> bool:
        found = _select(selector, event)
        if isinstance(found, dict | list):
            if open_.object_spoils:
                raise _Spoilt
            return False
        if found is MISSING or found is None or isinstance(found, bool):
            takes_all = sign == "=" and form == "*" and found is not MISSING and open_.star_takes_all
            return takes_all or (sign == "!=" and open_.missing_differs)
        if form == "*" and kind == "bare" and sign == "=":
            return found != "" or open_.star_takes_all
        is_text = isinstance(found, str)
        if number is not None:
            if is_text and not (open_.text_is_number and NUMBER.fullmatch(found)):
                return sign == "!=" and open_.kinds_differ
            return COMPARED[sign](Decimal(found), number)
        if not is_text and not open_.number_is_text:
            return sign == "!=" and open_.kinds_differ
        fits = re.fullmatch(re.escape(form).replace(r"\*", ".*"), str(found), re.DOTALL) is not None
        return fits == (sign == "=")

    return holds


def _select(selector: str, event: Any) -> Any:
    for plain, quoted, index in STEP.findall(selector):
        if index:
            event = event[int(index)] if isinstance(event, list) and int(index) < len(event) else MISSING
        else:
            event = event.get(plain or quoted, MISSING) if isinstance(event, dict) else MISSING
    return event
