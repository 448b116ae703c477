"""Errors that a person can act on."""


class UserError(Exception):
    """Something the caller can put right: what is wrong, where, and what to do next. Shown without a traceback."""
