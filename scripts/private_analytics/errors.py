"""Errors that a person can act on."""


class UserError(Exception):
    """Something the caller can put right: what is wrong, where, and what to do next. Shown without a traceback."""


def first_line(error: object) -> str:
    """The first line of what an error says, without its full stop."""
    text = str(error)
    return text.splitlines()[0].rstrip(".") if text else "no answer"
