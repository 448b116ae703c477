"""JSON paths as `vars: event_fields` has them, and as macro json_steps reads them.

Dots descend (user.id), brackets count (items[0].id), and a key that holds a dot stands in double quotes ("http.status_code").
"""

from __future__ import annotations

import re

Steps = tuple[str | int, ...]

STEP = re.compile(r'"([^"]+)"|([^.\[\]"]+)|\[([0-9]+)\]')
PLAIN = re.compile(r'[^.\[\]"]+')


def parse(path: str) -> Steps:
    """user.id -> ('user', 'id'); "a.b".c -> ('a.b', 'c'); items[0] -> ('items', 0). Raises ValueError for what is no path."""
    steps = tuple(int(index) if index else quoted or plain for quoted, plain, index in STEP.findall(path))
    if not steps or isinstance(steps[0], int):
        raise ValueError(f"{path!r} is not a JSON path")
    return steps


def write(steps: Steps) -> str:
    """The path that parse() reads as these steps. Raises ValueError for a key that no path can name, such as one with a quote."""
    text = ""
    for step in steps:
        if isinstance(step, int):
            text += f"[{step}]"
        else:
            text += "." * bool(text) + (step if PLAIN.fullmatch(step) else f'"{step}"')
    if parse(text) != steps:
        raise ValueError(f"no JSON path can name {steps!r}")
    return text
