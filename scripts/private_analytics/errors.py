"""Errors that the user can fix."""


class UserError(Exception):
    """An error that the user can fix: what is wrong, where, and what to do next. Shown without a traceback."""


def first_line(error: object) -> str:
    """The first line of an error's message, without its full stop."""
    text = str(error)
    return text.splitlines()[0].rstrip(".") if text else "no answer"
