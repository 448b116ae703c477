"""Where the fields stand in logs that nobody has described."""

from .suggestion import Suggestion, find

__all__ = ["Suggestion", "find"]
