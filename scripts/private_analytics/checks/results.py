"""What a check found. Only `ok` is ok: what could not be checked is `unknown`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass

import click

OK, FAILED, UNKNOWN = "ok", "failed", "unknown"
COLOURS = {OK: "green", FAILED: "red", UNKNOWN: "yellow"}


@dataclass(frozen=True)
class Result:
    """One thing that was checked; `advice` says what to do about it."""

    name: str
    status: str
    detail: str
    advice: str = ""


def is_ok(results: Iterable[Result]) -> bool:
    return all(result.status == OK for result in results)


def as_json(check: str, place: str, as_of: str, results: list[Result]) -> dict[str, object]:
    return {
        "check": check,
        "place": place,
        "as_of": as_of,
        "ok": is_ok(results),
        "results": [asdict(result) for result in results],
    }


def echo(results: list[Result]) -> None:
    """Print a line for each result, then the advice. The same advice is printed once."""
    width = max(len(result.name) for result in results)
    for result in results:
        click.echo(f"{_coloured(result.status)}{result.name:{width}}  {result.detail}")
    for status, advice in dict.fromkeys((result.status, result.advice) for result in results if result.advice):
        click.echo(f"{_coloured(status)}{advice}")


def _coloured(status: str) -> str:
    """The status, padded to the widest, in colour on a terminal."""
    return click.style(f"{status:8}", fg=COLOURS.get(status, "red"))
