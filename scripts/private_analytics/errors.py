"""Errors that a person can act on."""


class UserError(Exception):
    """Something the caller can put right. The message says what is wrong, where, and what to do next; it is shown without a traceback."""
