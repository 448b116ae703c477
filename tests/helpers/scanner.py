"""How the interpreters cut a text into what their languages know."""

from __future__ import annotations

import re


def cut(text: str, token: re.Pattern[str]) -> list[tuple[str, str]]:
    """(kind, text) of each token; kinds are the pattern's group names. Raises ValueError for what is none."""
    tokens, position = [], 0
    while text[position:].strip():
        found = token.match(text, position)
        if not found:
            raise ValueError(f"not understood: {text[position:]}")
        tokens.append((found.lastgroup, found[found.lastgroup]))
        position = found.end()
    return tokens
