"""Output: tables, colour and progress on a terminal; plain lines in files, pipes and CI."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Sequence
from types import TracebackType
from typing import Self

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn
from rich.progress import Progress as Bar
from rich.table import Table
from rich.text import Text


def is_terminal() -> bool:
    return click.get_text_stream("stdout").isatty()


def printable(text: str) -> str:
    """Text from a log without what a terminal or a browser might obey: control and direction characters."""
    return "".join(letter if letter.isprintable() else "\ufffd" for letter in text)


def echo_json(content: object) -> None:
    """Print JSON."""
    click.echo(json.dumps(content, indent=2))


def echo_table(
    columns: Sequence[str], rows: Sequence[Sequence[str]], *, right: Sequence[str] = (), styles: Sequence[str] = ()
) -> None:
    """Print a table. The columns in `right` are right-aligned. `styles` colour whole rows, on a terminal only.

    Cells may contain text from logs, so they are never interpreted as markup.
    """
    if is_terminal():
        table = Table(box=None, pad_edge=False, header_style="bold")
        for column in columns:
            table.add_column(column, justify="right" if column in right else "left", overflow="fold")
        for number, row in enumerate(rows):
            table.add_row(*map(Text, row), style=styles[number] if styles else "")
        Console(file=sys.stdout).print(table)
        return
    widths = [max(map(len, cells)) for cells in zip(columns, *rows, strict=True)]
    for row in (columns, *rows):
        cells = (
            cell.rjust(width) if column in right else cell.ljust(width)
            for column, cell, width in zip(columns, row, widths, strict=True)
        )
        click.echo("  ".join(cells).rstrip())


class Progress:
    """Progress of long work: one rewritten line on a terminal, elsewhere a line every 10 minutes. Lines from `say` stay."""

    EVERY_S = 600

    def __init__(self) -> None:
        self._shown = time.monotonic()
        self._bar: Bar | None = None
        if is_terminal():
            words = TextColumn("{task.description}", markup=False)
            self._bar = Bar(BarColumn(20), MofNCompleteColumn(), words, transient=True, console=Console(file=sys.stdout))
            self._task = self._bar.add_task("", total=None)

    def __enter__(self) -> Self:
        if self._bar:
            self._bar.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._bar:
            self._bar.stop()

    def show(self, text: str, done: int, total: int | None) -> None:
        """Show that `done` of `total` steps are done; `total` is None if unknown."""
        if self._bar:
            self._bar.update(self._task, description=text, completed=done, total=total)
        elif time.monotonic() - self._shown >= self.EVERY_S:
            self._shown = time.monotonic()
            click.echo(f"{done:,} of {total:,}, {text}" if total is not None else f"{done:,}, {text}")

    def say(self, text: str) -> None:
        if self._bar:
            self._bar.console.print(Text(text))
        else:
            click.echo(text)
