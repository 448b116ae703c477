"""Seeds that people edit: a mistake is refused before anything runs, with its file and line; what is right works."""

from __future__ import annotations

import hashlib

import pytest

from helpers.checkout import Checkout, export
from helpers.tables import assert_equals_oracle, line

CATALOG = "event_name,method,status_code,route,meaning\n"
FUNNELS = "funnel,step_number,event_name\n"
BAD: dict[str, tuple[str, str, int]] = {  # name -> (seed, text, line)
    "same conditions": ("event_catalog", CATALOG + "a,,,,login\n,,401,,auth_failure\na,,,,search\n", 4),
    "unknown meaning": ("event_catalog", CATALOG + "a,,,,login\nb,,,,buys\n", 3),
    "no meaning": ("event_catalog", CATALOG + "a,,,,login\nb,,,,\n", 3),
    "no conditions": ("event_catalog", CATALOG + "a,,,,login\n,,,,login\n", 3),
    "open quote": ("event_catalog", CATALOG + 'a,,,,login\n"b,,,,login\nc,,,,login\n', 3),
    "quote inside": ("event_catalog", CATALOG + 'a,,,,login\nb"c,,,,login\n', 3),
    "column of another name": ("event_catalog", "event,method,status_code,route,meaning\na,,,,login\n", 1),
    "one column too few": ("event_catalog", "event_name,method,status_code,meaning\na,,,login\n", 1),
    "semicolons": ("event_catalog", (CATALOG + "a,,,,login\n").replace(",", ";"), 1),
    "row too short": ("event_catalog", CATALOG + "a,,,,login\nb,login\n", 3),
    "blank line": ("event_catalog", CATALOG + "a,,,,login\n\nb,,,,login\n", 3),
    "mistake after a quoted value": ("event_catalog", CATALOG + '"a,b",,,,login\nb,,,,buys\n', 3),
    "blank before a value": ("event_catalog", CATALOG + "a,,,,login\n b,,,,login\n", 3),
    "lower-case method": ("event_catalog", CATALOG + "a,,,,login\n,get,,/a,login\n", 3),
    "status code of Excel": ("event_catalog", CATALOG + "a,,,,login\n,,401.0,,login\n", 3),
    "empty file": ("event_catalog", "", 1),
    "steps 1 and 3": ("funnels", FUNNELS + "f,1,a\nf,3,b\n", 3),
    "the same step twice": ("funnels", FUNNELS + "f,1,a\nf,2,b\nf,2,c\n", 4),
    "step one": ("funnels", FUNNELS + "f,1,a\nf,two,b\n", 3),
    "no event": ("funnels", FUNNELS + "f,1,a\nf,2,\n", 3),
    "no funnel": ("funnels", FUNNELS + "f,1,a\n,2,b\n", 3),
    "funnel open quote": ("funnels", FUNNELS + 'f,1,"a\nf,2,b\n', 2),
}


def write(checkout: Checkout, seed: str, text: str) -> None:
    (checkout.folder / f"seeds/{seed}.csv").write_bytes(text.encode())


@pytest.mark.parametrize(("seed", "text", "number"), BAD.values(), ids=BAD)
def test_a_mistake_is_refused_with_its_file_and_line(checkout: Checkout, seed: str, text: str, number: int) -> None:
    write(checkout, seed, text)
    outcome, _ = checkout.dbt("parse")
    assert not outcome.succeeded
    assert f"seeds/{seed}.csv, line {number}: " in outcome.error, outcome.error


def test_a_mistake_stops_every_command_before_anything_changes(checkout: Checkout) -> None:
    export(checkout.project, 1)
    checkout.run()
    export(checkout.project, 2)
    before = hashlib.sha256(checkout.project.database.read_bytes()).digest()
    seed, text, number = BAD["steps 1 and 3"]
    write(checkout, seed, text)
    for command in (["build"], ["build"], ["run"], ["seed"], ["run", "--select", "daily_events"], ["test"]):
        outcome, _ = checkout.dbt(*command)
        assert not outcome.succeeded and f"seeds/{seed}.csv, line {number}: " in outcome.error, (command, outcome)
        assert hashlib.sha256(checkout.project.database.read_bytes()).digest() == before, command


NAMES = ("odd, very", "it's", "\\N", "東京", "#comment", "NULL", "none", "NaN", "true", "1", "null")
QUOTED = '"odd, very",,,,purchase\r\n"searched","GET","200","/a","login"\r\n,"",200,,other\r\n'
STRANGE = "it's,,,,purchase\r\n\\N,,,,login\r\n東京,,,,search\r\n#comment,,,,other\r\n"
NULLS = "null,,404,,login\r\nnone,,,,login\r\nNaN,,,,purchase\r\ntrue,,,,purchase\r\n1,,,,purchase"
GOOD: dict[str, tuple[str, str]] = {  # a byte order mark, CRLF and no line break at the end; no rows
    "rows": (
        "\ufeff" + CATALOG.replace("\n", "\r\n") + QUOTED + STRANGE + NULLS,
        FUNNELS + 'b,2,"odd, very"\na,1,searched\n"b","1",東京\na,2,"it\'s"',
    ),
    "no rows": (CATALOG, FUNNELS),
}


@pytest.mark.parametrize(("catalog", "funnels"), GOOD.values(), ids=GOOD)
def test_what_is_right_works(checkout: Checkout, catalog: str, funnels: str) -> None:
    write(checkout, "event_catalog", catalog)
    write(checkout, "funnels", funnels)
    export(checkout.project, 1)
    of_day = [line("2026-10-02", eventName=name, userId="u", productId="p", sessionId="s2", statusCode=200) for name in NAMES]
    export(checkout.project, 2, *of_day)
    checkout.run()
    write(checkout, "event_catalog", catalog.removeprefix("\ufeff"))  # for the oracle
    assert_equals_oracle(checkout.project)
