"""Seeds that people edit: a mistake is refused before anything runs, with its file and line; what is right works."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import pytest
from private_analytics import dbt_project
from project import Project
from test_definitions import Checkout, copy_project, export
from test_tables import assert_equals_oracle, line

CATALOG = "event_name,method,status_code,route,meaning\n"
FUNNELS = "funnel,step_number,event_name\n"
BAD: dict[str, tuple[str, str | bytes, int]] = {  # name -> (seed, text, line)
    "same conditions": ("event_catalog", CATALOG + "a,,,,login\n,,401,,auth_failure\na,,,,search\n", 4),
    "same conditions and meaning": ("event_catalog", CATALOG + "a,GET,200,/a,login\na,GET,200,/a,login\n", 3),
    "unknown meaning": ("event_catalog", CATALOG + "a,,,,login\nb,,,,buys\n", 3),
    "no meaning": ("event_catalog", CATALOG + "a,,,,login\nb,,,,\n", 3),
    "no conditions": ("event_catalog", CATALOG + "a,,,,login\n,,,,login\n", 3),
    "open quote": ("event_catalog", CATALOG + 'a,,,,login\n"b,,,,login\nc,,,,login\n', 3),
    "open quote in the last column": ("event_catalog", CATALOG + 'a,,,,login\nb,,,,"login\nc,,,,login\n', 3),
    "open quote at the end": ("event_catalog", CATALOG + 'a,,,,login\nb,,,,"login', 3),
    "quote inside": ("event_catalog", CATALOG + 'a,,,,login\nb"c,,,,login\n', 3),
    "doubled quote inside": ("event_catalog", CATALOG + 'a,,,,login\n"b""c",,,,login\n', 3),
    "text after a quote": ("event_catalog", CATALOG + 'a,,,,login\n"b"c,,,,login\n', 3),
    "column of another name": ("event_catalog", "event,method,status_code,route,meaning\na,,,,login\n", 1),
    "columns in another order": ("event_catalog", "method,event_name,status_code,route,meaning\n,a,,,login\n", 1),
    "one column too few": ("event_catalog", "event_name,method,status_code,meaning\na,,,login\n", 1),
    "one column too many": ("event_catalog", "event_name,method,status_code,route,meaning,note\na,,,,login,\n", 1),
    "semicolons": ("event_catalog", (CATALOG + "a,,,,login\n").replace(",", ";"), 1),
    "row too long": ("event_catalog", CATALOG + "a,,,,login\nb,,,,login,x\n", 3),
    "row too short": ("event_catalog", CATALOG + "a,,,,login\nb,login\n", 3),
    "blank line": ("event_catalog", CATALOG + "a,,,,login\n\nb,,,,login\n", 3),
    "blank line at the end": ("event_catalog", CATALOG + "a,,,,login\n\n", 3),
    "line of blanks": ("event_catalog", CATALOG + "a,,,,login\n  \nb,,,,login\n", 3),
    "mistake after a quoted value": ("event_catalog", CATALOG + '"a,b",,,,login\nb,,,,buys\n', 3),
    "blank before a value": ("event_catalog", CATALOG + "a,,,,login\n b,,,,login\n", 3),
    "lower-case method": ("event_catalog", CATALOG + "a,,,,login\n,get,,/a,login\n", 3),
    "bad status code": ("event_catalog", CATALOG + "a,,,,login\n,,4O1,,login\n", 3),
    "status code of Excel": ("event_catalog", CATALOG + "a,,,,login\n,,401.0,,login\n", 3),
    "status code out of range": ("event_catalog", CATALOG + "a,,,,login\n,,600,,login\n", 3),
    "not UTF-8": ("event_catalog", (CATALOG + "a,,,,login\nbüro,,,,login\n").encode("latin-1"), 3),
    "empty file": ("event_catalog", "", 1),
    "steps 1 and 3": ("funnels", FUNNELS + "f,1,a\nf,3,b\n", 3),
    "steps 0 and 1": ("funnels", FUNNELS + "f,0,a\nf,1,b\n", 2),
    "the same step twice": ("funnels", FUNNELS + "f,1,a\nf,2,b\nf,2,c\n", 4),
    "no step number": ("funnels", FUNNELS + "f,1,a\nf,,b\n", 3),
    "step one": ("funnels", FUNNELS + "f,1,a\nf,two,b\n", 3),
    "step 2.0": ("funnels", FUNNELS + "f,1,a\nf,2.0,b\n", 3),
    "no event": ("funnels", FUNNELS + "f,1,a\nf,2,\n", 3),
    "no funnel": ("funnels", FUNNELS + "f,1,a\n,2,b\n", 3),
    "funnel blank line": ("funnels", FUNNELS + "f,1,a\n\nf,2,b\n", 3),
    "funnel open quote": ("funnels", FUNNELS + 'f,1,"a\nf,2,b\n', 2),
    "funnel columns": ("funnels", "funnel,step,event_name\nf,1,a\n", 1),
}


@pytest.fixture(scope="module")
def folder(workplace: Path) -> Path:
    """A copy of the project whose seeds are edited."""
    folder = workplace / "seeds_checkout"
    copy_project(folder)
    return folder


@pytest.fixture
def edited(project: Project, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Checkout:
    for seed in ("event_catalog", "funnels"):
        shutil.copyfile(dbt_project.PROJECT / f"seeds/{seed}.csv", folder / f"seeds/{seed}.csv")
    monkeypatch.setattr(dbt_project, "PROJECT", folder)
    monkeypatch.setenv("DBT_TARGET_PATH", str(folder / "target"))
    return Checkout(folder, project)


def write(checkout: Checkout, seed: str, text: str | bytes) -> None:
    (checkout.folder / f"seeds/{seed}.csv").write_bytes(text if isinstance(text, bytes) else text.encode())


@pytest.mark.parametrize(("seed", "text", "number"), BAD.values(), ids=BAD)
def test_a_mistake_is_refused_with_its_file_and_line(edited: Checkout, seed: str, text: str, number: int) -> None:
    write(edited, seed, text)
    outcome, _ = edited.dbt("parse")
    assert not outcome.succeeded
    assert f"seeds/{seed}.csv, line {number}: " in outcome.error, outcome.error


@pytest.mark.parametrize("mistake", ["same conditions", "steps 1 and 3"])
def test_a_mistake_stops_every_command_before_anything_changes(edited: Checkout, mistake: str) -> None:
    export(edited.project, 1)
    edited.run()
    export(edited.project, 2)
    before = hashlib.sha256(edited.project.database.read_bytes()).digest()
    seed, text, number = BAD[mistake]
    write(edited, seed, text)
    for command in (["build"], ["build"], ["run"], ["seed"], ["run", "--select", "daily_events"], ["test"]):
        outcome, _ = edited.dbt(*command)
        assert not outcome.succeeded and f"seeds/{seed}.csv, line {number}: " in outcome.error, (command, outcome)
        assert hashlib.sha256(edited.project.database.read_bytes()).digest() == before, command


GOOD: dict[str, tuple[str, str | bytes]] = {
    "CRLF": (
        "event_catalog",
        (CATALOG + "purchased,,,,purchase\r\nodd,,,,login\r\n").replace("\r\n", "\n").replace("\n", "\r\n"),
    ),
    "CRLF and LF": ("event_catalog", CATALOG + "purchased,,,,purchase\r\nodd,,,,login\n,,200,,auth_failure\r\n"),
    "quoted values, commas": (
        "event_catalog",
        CATALOG + '"odd, very",,,,purchase\n"searched","GET","200","/a","login"\n,"",200,,other\n',
    ),
    "byte order mark": ("event_catalog", "\ufeff" + CATALOG + "purchased,,,,purchase\n"),
    "no line break at the end": ("event_catalog", CATALOG + "odd,,,,login\npurchased,,,,purchase"),
    "apostrophes, backslashes, other scripts": (
        "event_catalog",
        CATALOG + "it's,,,,purchase\n\\N,,,,login\n東京,,,,search\n#comment,,,,other\npurchased,,,,purchase\n",
    ),
    "words for null": (
        "event_catalog",
        CATALOG + "null,,200,,login\nnone,,,,login\nNaN,,,,purchase\ntrue,,,,purchase\n1,,,,purchase\n",
    ),
    "funnels CRLF, quotes, commas": (
        "funnels",
        (FUNNELS + '"search, then buy",1,searched\n"search, then buy","2","odd, very"\n').replace("\n", "\r\n"),
    ),
    "funnels out of order": ("funnels", FUNNELS + "b,2,purchased\na,1,searched\nb,1,product_viewed\na,2,searched\n"),
    "no funnels": ("funnels", FUNNELS),
    "an empty catalog": ("event_catalog", CATALOG),
}


@pytest.mark.parametrize(("seed", "text"), GOOD.values(), ids=GOOD)
def test_what_is_right_works(edited: Checkout, seed: str, text: str) -> None:
    write(edited, seed, text)
    texts = ["odd, very", "it's", "\\N", "東京", "#comment", "NULL", "none", "NaN", "true", "1", "null"]
    export(edited.project, 1)
    export(edited.project, 2, *(line("2026-10-02", eventName=name, userId="u", productId="p", sessionId="s2") for name in texts))
    edited.run()
    write(edited, seed, text.removeprefix("\ufeff"))  # for the oracle
    assert_equals_oracle(edited.project)
