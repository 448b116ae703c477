"""Tables for people: aligned plain lines in files and pipes, and on a terminal nothing that a log says is taken for markup."""

from __future__ import annotations

import pytest

from private_analytics import console

COLUMNS, ROWS = ("route", "requests"), [("/a", "1,200"), ("[red]/b[/red]", "7")]


def test_plain_lines(capsys: pytest.CaptureFixture[str]):
    console.echo_table(COLUMNS, ROWS, right=("requests",), styles=("", "bold"))
    assert capsys.readouterr().out.splitlines() == [
        "route          requests",
        "/a                1,200",
        "[red]/b[/red]         7",
    ]


def test_no_rows(capsys: pytest.CaptureFixture[str]):
    console.echo_table(COLUMNS, [])
    assert capsys.readouterr().out == "route  requests\n"


def test_on_a_terminal(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(console, "is_terminal", lambda: True)
    console.echo_table(COLUMNS, ROWS, right=("requests",), styles=("", "bold"))
    assert "[red]/b[/red]" in capsys.readouterr().out
