"""The summary that a reviewer reads: its words, its order, and that nothing in the data is read as Markdown."""

from __future__ import annotations

import html
import re

import pytest

from helpers.two_databases import TwoDatabases
from private_analytics.diff.declared import Declared
from private_analytics.diff.markdown import code, markdown
from private_analytics.diff.result import Diff, TableDiff

BEFORE = """
    create table daily (day date, name varchar, n bigint, note varchar, built timestamp);
    insert into daily values ('2026-10-01', 'a', 1000, 'x', now()), ('2026-10-02', 'a', 10, null, now()),
        ('2026-10-03', 'a', 1, 'x', now());
    create table events as select unnest([1, 2, 2]) as n;
    create table equal as select 1 as k;
    create table gone as select 1 as k, 'x' as v;
    create table no_numbers as select 1 as k, 'x' as v
"""
AFTER = """
    create table daily (day date, name varchar, n integer, note varchar, built timestamp, more boolean);
    insert into daily values ('2026-10-01', 'a', 1050, 'x', null, true), ('2026-10-02', 'a', 30, 'y', null, true),
        ('2026-10-04', 'a', 5, 'x', null, true);
    create table events as select unnest([1, 2, 3]) as n;
    create table equal as select 1 as k;
    create table no_numbers as select 1 as k, 'y' as v
"""
DECLARED = Declared(
    keys={"daily": ("day", "name"), "equal": ("k",), "no_numbers": ("k",)}, of_build={"daily": frozenset({"built"})}
)
EXPECTED = """\
**4 of 5 tables differ:** `gone` (removed table), `daily` (2 rows changed, 1 row added, 1 row removed, 1 column added, \
1 column with another type), `no_numbers` (1 row changed), `events` (1 row added, 1 row removed).

Base: `before`. Candidate: `after`.

### `gone`

Removed table: 1 row, columns `k`, `v`.

### `daily`

3 rows before and after: 2 rows changed, 1 row added, 1 row removed. Key: `day`, `name`.

- Column added: `more` (`BOOLEAN`)
- Type changed: `n` from `BIGINT` to `INTEGER`

| column | rows changed | total before | total after | change |
| --- | ---: | ---: | ---: | ---: |
| `n` | 2 | 1,011 | 1,085 | +7.3% |
| `note` | 1 |  |  |  |

Largest changes:

| `day` | `name` | changes |
| --- | --- | --- |
| `2026-10-02` | `a` | `n`: `10` → `30` (+200.0%)<br>`note`: *null* → `y` |
| `2026-10-01` | `a` | `n`: `1000` → `1050` (+5.0%) |

Added, for example:

| `day` | `name` |
| --- | --- |
| `2026-10-04` | `a` |

Removed, for example:

| `day` | `name` |
| --- | --- |
| `2026-10-03` | `a` |

### `no_numbers`

1 row before and after: 1 row changed. Key: `k`.

| column | rows changed |
| --- | ---: |
| `v` | 1 |

Largest changes:

| `k` | changes |
| --- | --- |
| `1` | `v`: `x` → `y` |

### `events`

3 rows before and after: 1 row added, 1 row removed. The table has no key, so whole rows are compared.

| column | total before | total after | change |
| --- | ---: | ---: | ---: |
| `n` | 5 | 6 | +20.0% |

Added, for example:

| `n` |
| --- |
| `3` |

Removed, for example:

| `n` |
| --- |
| `2` |

Without differences: `equal`.

Not compared, because they describe the build and not the data: `daily.built`.
"""


def test_a_summary_of_every_kind_of_difference(databases: TwoDatabases) -> None:
    assert markdown(databases.diff(BEFORE, AFTER, DECLARED)) == EXPECTED


def test_nothing_to_report_is_one_line(databases: TwoDatabases) -> None:
    said = markdown(databases.diff("create table t as select 1 as k", "create table t as select 1 as k"))
    assert said == "**No differences in 1 table.**\n\nBase: `before`. Candidate: `after`.\n"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("plain", "`plain`"),
        ("@team #12 https://example.com **x** <b>&amp;", "`@team #12 https://example.com **x** <b>&amp;`"),
        ("", "*(empty)*"),
        ("a\nb\r\n\t\x00\x7f", "`a␊b␍␊␉␀␡`"),
        ("\u202egnp.exe\u2028", "`\\u202egnp.exe\\u2028`"),
        ("a|b", "<code>a&#124;b</code>"),
        ("```", "<code>&#96;&#96;&#96;</code>"),
        ("</code>|<script>", "<code>&#60;&#47;code&#62;&#124;&#60;script&#62;</code>"),
        ("a\\|b", "<code>a&#92;&#124;b</code>"),
        (" x ", "<code>&#32;x&#32;</code>"),
        ("_x_|é☃", "<code>&#95;x&#95;&#124;é&#9731;</code>"),
        ("x" * 61, f"`{'x' * 59}…`"),
    ],
)
def test_text_of_any_kind_stays_text(value: str, expected: str) -> None:
    if "\\u" in expected:
        expected = f"<code>{re.sub(r'[^a-z0-9]', lambda found: f'&#{ord(found[0])};', expected.strip('`'))}</code>"
    assert code(value) == expected


def test_hostile_names_and_values_leave_the_table_whole(databases: TwoDatabases) -> None:
    hostile = "a|b`c\n| --- |\n<img src=x>\\|"
    quoted, literal = hostile.replace('"', '""'), hostile.replace("'", "''")
    script = f'create table "{quoted}" as select \'{literal}\' as "{quoted}", \'{literal}{{}}\' as "v|"'
    said = markdown(databases.diff(script.format(1), script.format("2"), Declared(keys={hostile: (hostile,)})))
    assert "<img" not in said
    row = next(line for line in said.splitlines() if "→" in line)
    assert row.count("|") == 3
    shown = [html.unescape(part) for part in re.findall("<code>(.*?)</code>", row)]
    visible = hostile.replace("\n", "␊")
    assert shown == [visible, "v|", f"{visible}1", f"{visible}2"]


def test_long_values_show_where_they_differ(databases: TwoDatabases) -> None:
    start = "x" * 500
    table = databases.of_rows("k int, v varchar", f"(1, '{start}before')", f"(1, '{start}after')", "k")
    said = markdown(Diff("b", "c", (table,)))
    assert re.search(r"`…x{19,20}before` → `…x{19,20}after`", said)
    assert "x" * 60 not in said


def test_a_report_fits_into_a_comment(databases: TwoDatabases) -> None:
    columns = ", ".join(f"{{}} as {'c' * 50}{number}" for number in range(15))
    script = "; ".join(f"create table {'t' * 50}{number} as select 1 as k, {columns}" for number in range(60))
    said = markdown(databases.diff(script.replace("{}", "1"), script.replace("{}", "2")))
    assert len(said) < 65_000
    assert said.startswith("**60 of 60 tables differ:**")
    assert "Too long to show here: " in said
    assert "and 6 more" not in said.partition("\n")[2]


def test_many_differences_are_cut_to_a_handful(databases: TwoDatabases) -> None:
    table: TableDiff = databases.of_rows(
        "k int, v int",
        ", ".join(f"({n}, {n})" for n in range(100)),
        ", ".join(f"({n}, {2 * n + 1})" for n in range(50, 200)),
        "k",
    )
    assert [len(rows) for rows in (table.rows.largest, table.rows.some_added, table.rows.some_removed)] == [5, 3, 3]
    assert (table.rows.changed, table.rows.added, table.rows.removed) == (50, 100, 50)
