"""How far long work is, for people."""

from __future__ import annotations

import time

import click


class Progress:
    """What is shown is one line that is written anew on a terminal, and a line every 10 minutes elsewhere. What is said stays."""

    EVERY_S = 600

    def __init__(self) -> None:
        self._shown = time.monotonic()
        self._is_terminal = click.get_text_stream("stdout").isatty()

    def show(self, line: str) -> None:
        if self._is_terminal:
            click.echo(f"\r\033[K{line}", nl=False)
        elif time.monotonic() - self._shown >= self.EVERY_S:
            self._shown = time.monotonic()
            click.echo(line)

    def say(self, text: str) -> None:
        click.echo(f"\r\033[K{text}" if self._is_terminal else text)
