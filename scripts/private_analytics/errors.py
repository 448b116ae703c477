"""Errors that the user can fix."""

import difflib
from collections.abc import Iterable


class UserError(Exception):
    """An error that the user can fix: what is wrong, where, and what to do next. Shown without a traceback."""


def first_line(error: object) -> str:
    """The first line of an error's message, without its full stop."""
    text = str(error)
    return text.splitlines()[0].rstrip(".") if text else "no answer"


def closest(name: str, known: Iterable[str]) -> str:
    """', did you mean X?' if a known name is similar."""
    near = difflib.get_close_matches(name, list(known), n=1)
    return f", did you mean {near[0]}?" if near else ""
