"""What counts as a difference between two tables, kind by kind, and against a comparison in plain Python."""

from __future__ import annotations

import math
import random
from collections import Counter

import pytest

from helpers.two_databases import TwoDatabases
from private_analytics.diff.declared import Declared
from private_analytics.diff.result import ColumnChange, RowChange, RowChanges, ValueChange

ALMOST = "0.30000000000000004"  # 0.1 + 0.2


def test_the_same_tables_have_no_differences(databases: TwoDatabases) -> None:
    table = databases.of_rows("k int, v double", "(1, 0.5), (2, null), (null, 'nan')", "(null, 'nan'), (2, null), (1, 0.5)", "k")
    assert (table.status, table.rows, table.rows_before, table.rows_after) == ("same", RowChanges(), 3, 3)


def test_tables_are_added_and_removed_and_views_count(databases: TwoDatabases) -> None:
    diff = databases.diff("create table gone as select 1 as a, 2 as b", "create view new as select 'x' as c")
    assert [(table.name, table.status, table.rows_before, table.rows_after) for table in diff.tables] == [
        ("gone", "removed", 1, None),
        ("new", "added", None, 1),
    ]
    assert diff.tables[0].columns_removed == (("a", "INTEGER"), ("b", "INTEGER"))
    assert diff.tables[1].columns_added == (("c", "VARCHAR"),)


def test_a_view_reads_the_tables_of_its_own_file(databases: TwoDatabases) -> None:
    script = "create table t as select {} as n; create view v as select * from t"
    diff = databases.diff(script.format(1), script.format(2), Declared(internal=frozenset({"t"})))
    assert [(table.name, table.rows.added, table.rows.removed) for table in diff.tables] == [("v", 1, 1)]


def test_columns_are_added_removed_and_change_their_type(databases: TwoDatabases) -> None:
    diff = databases.diff(
        "create table t as select 1 as k, 'x' as old, 7::integer as n, date '2026-10-01' as d",
        "create table t as select 1 as k, 0.5::double as new, 7::bigint as n, timestamp '2026-10-01 00:00:00' as d",
        Declared(keys={"t": ("k",)}),
    )
    (table,) = diff.tables
    assert table.status == "changed"
    assert table.columns_added == (("new", "DOUBLE"),)
    assert table.columns_removed == (("old", "VARCHAR"),)
    assert table.types_changed == (("n", "INTEGER", "BIGINT"), ("d", "DATE", "TIMESTAMP"))
    assert table.rows == RowChanges()


@pytest.mark.parametrize(
    ("before", "after", "is_same"),
    [
        ("7::integer", "7.0::double", True),
        ("7::integer", "7.5::double", False),
        ("0.1::decimal(3, 1)", "0.1::double", True),
        ("1::bigint", "'1'", True),
        ("'a'::enum('a', 'b')", "'a'::enum('b', 'a')", True),
        ("date '2026-10-01'", "timestamp '2026-10-01 00:00:01'", False),
        ("timestamp '2026-10-01 12:00:00'", "timestamptz '2026-10-01 14:00:00+02'", True),
        ("170141183460469231731687303715884105727::hugeint", "1::bigint", False),
    ],
)
def test_values_of_two_types_are_compared_by_what_they_mean(
    databases: TwoDatabases, before: str, after: str, is_same: bool
) -> None:
    for key in ((), ("k",)):
        diff = databases.diff(
            f"create table t as select 1 as k, {before} as v",
            f"create table t as select 1 as k, {after} as v",
            Declared(keys={"t": key}),
        )
        (table,) = diff.tables
        assert [name for name, *_ in table.types_changed] == ["v"]
        assert (table.rows.total == 0) is is_same, table


@pytest.mark.parametrize(
    ("before", "after", "is_same"),
    [
        (ALMOST, "0.3", True),
        ("1e15", "1000000000000001", True),
        ("1e-20", "1.00000001e-20", False),
        ("1", "1.000000002", False),
        ("1", "1.0000000005", True),
        ("0", "-0.0", True),
        ("0", "1e-300", False),
        ("1e308", "-1e308", False),
        ("null", "0", False),
        ("null", "null", True),
        ("'nan'", "'nan'", True),
        ("'nan'", "1", False),
        ("'nan'", "'inf'", False),
        ("'nan'", "null", False),
        ("'inf'", "'inf'", True),
        ("'inf'", "1e308", False),
        ("'inf'", "'-inf'", False),
    ],
)
def test_fractions_are_equal_up_to_a_billionth(databases: TwoDatabases, before: str, after: str, is_same: bool) -> None:
    for first, second in ((before, after), (after, before)):
        keyed = databases.of_rows("k int, v double", f"(1, {first})", f"(1, {second})", "k")
        assert keyed.rows.changed == (0 if is_same else 1)
        whole = databases.of_rows("k int, v double", f"(1, {first})", f"(1, {second})")
        assert (whole.rows.added, whole.rows.removed) == ((0, 0) if is_same else (1, 1))


def test_rows_of_a_key_are_added_removed_and_changed(databases: TwoDatabases) -> None:
    same = "(null, 'z', 5, 1, 'x')"
    table = databases.of_rows(
        "day date, name varchar, n bigint, rate double, note varchar",
        f"('2026-10-01', 'a', 100, 0.5, 'x'), ('2026-10-01', 'b', 10, 0.5, 'x'), ('2026-10-02', 'a', 1, null, null), {same}",
        f"('2026-10-01', 'a', 101, 0.5, 'x'), ('2026-10-01', 'b', 40, 0.25, 'y'), ('2026-10-03', 'a', 9, null, null), {same}",
        "day",
        "name",
    )
    assert table.key == ("day", "name")
    assert table.rows == RowChanges(
        added=1,
        removed=1,
        changed=2,
        columns=(ColumnChange("n", 2, 116, 155), ColumnChange("rate", 1, 2.0, 1.75), ColumnChange("note", 1)),
        largest=(
            RowChange(
                {"day": "2026-10-01", "name": "b"},
                (ValueChange("n", "10", "40", 3.0), ValueChange("rate", "0.5", "0.25", -0.5), ValueChange("note", "x", "y")),
            ),
            RowChange({"day": "2026-10-01", "name": "a"}, (ValueChange("n", "100", "101", 0.01),)),
        ),
        some_added=({"day": "2026-10-03", "name": "a"},),
        some_removed=({"day": "2026-10-02", "name": "a"},),
    )


def test_the_largest_changes_come_first_and_are_few(databases: TwoDatabases) -> None:
    """By the size of the change as a part of the larger number. Among those that appear or vanish, by the amount."""
    before = "(1, 100), (2, 100), (3, 1), (4, null), (5, 1000), (6, 100), (7, 100), (8, 'nan')"
    after = "(1, 101), (2, 400), (3, 3), (4, 7), (5, null), (6, -100), (7, 100), (8, 'nan')"
    table = databases.of_rows("k int, v double", before, after, "k")
    assert [row.key["k"] for row in table.rows.largest] == ["6", "5", "4", "2", "3"]
    assert table.rows.largest[1].values == (ValueChange("v", "1000.0", None),)
    assert table.rows.changed == 6


def test_without_a_key_rows_are_counted(databases: TwoDatabases) -> None:
    table = databases.of_rows(
        "a varchar, n int", "('x', 1), ('x', 1), ('x', 1), (null, 2)", "('x', 1), (null, 2), (null, 2), ('y', 3)"
    )
    assert table.key == ()
    assert "no key" in table.note
    assert table.rows == RowChanges(
        added=2,
        removed=2,
        columns=(ColumnChange("n", None, 5, 8),),
        some_added=({"a": "y", "n": "3"}, {"a": None, "n": "2"}),
        some_removed=({"a": "x", "n": "1"},),
    )


@pytest.mark.parametrize("rows", ["(1, 1), (1, 2)", "(null, 1), (null, 2)"])
def test_a_key_that_is_not_unique_is_not_used(databases: TwoDatabases, rows: str) -> None:
    for before, after in ((rows, "(1, 1)"), ("(1, 1)", rows)):
        table = databases.of_rows("k int, v int", before, after, "k")
        assert table.note == "The key (k) is not unique, so whole rows are compared"
        assert table.rows.total == abs(table.rows.added - table.rows.removed) or "null" in rows


def test_a_key_that_one_side_lacks_is_not_used(databases: TwoDatabases) -> None:
    diff = databases.diff(
        "create table t as select 1 as k, 2 as v", "create table t as select 2 as v", Declared(keys={"t": ("k",)})
    )
    assert diff.tables[0].note == "The key (k) is missing on one side, so whole rows are compared"
    assert diff.tables[0].rows == RowChanges()


def test_tables_with_no_column_in_common_are_counted_only(databases: TwoDatabases) -> None:
    (table,) = databases.diff("create table t as select 1 as a", "create table t as select 2 as b").tables
    assert (table.status, table.rows, table.rows_before, table.rows_after) == ("changed", RowChanges(), 1, 1)
    assert table.note.startswith("The tables have no column in common")


def test_what_describes_the_build_is_left_out_and_named(databases: TwoDatabases) -> None:
    script = "create table t as select 1 as k, timestamp '2026-10-0{} 00:00:00' as loaded_at"
    declared = Declared(keys={"t": ("k",)}, of_build={"t": frozenset({"loaded_at"})})
    diff = databases.diff(script.format(1), script.format(2), declared)
    assert (diff.differing, diff.not_compared) == ((), ("t.loaded_at",))
    assert databases.diff(script.format(1), script.format(2)).tables[0].rows.total == 2


def test_tables_with_more_differences_come_first(databases: TwoDatabases) -> None:
    script = "create table {} as select unnest(range(10)) as k, {} as v;"
    names = ("equal", "one", "half")
    before = "".join(script.format(name, "0") for name in names) + "create table gone as select 1 as k"
    after = "".join(
        script.format(name, f"case when k < {rows} then 1 else 0 end") for name, rows in zip(names, (0, 1, 5), strict=True)
    )
    diff = databases.diff(before, after + "create table new as select 1 as k", Declared(keys=dict.fromkeys(names, ("k",))))
    assert [table.name for table in diff.tables] == ["gone", "new", "half", "one", "equal"]


def test_names_and_values_may_hold_anything(databases: TwoDatabases) -> None:
    name = """o"d'd ; drop table x -- | `é` ☃"""
    quoted = '"' + name.replace('"', '""') + '"'
    script = (
        f"create table {quoted} ({quoted} varchar, \"select\" int); insert into {quoted} values ('it''s; \"|`' || chr(10), {{}})"
    )
    (table,) = databases.diff(script.format(1), script.format(2), Declared(keys={name: (name,)})).tables
    assert table.name == name
    assert table.rows.largest == (RowChange({name: "it's; \"|`\n"}, (ValueChange("select", "1", "2", 1.0),)),)


def test_types_of_every_kind_can_be_compared(databases: TwoDatabases) -> None:
    values = {
        "a": ("[1, null]", "[1, 2]"),
        "b": ("{'x': 1, 'y': 'a'}", "{'x': 1, 'y': 'b'}"),
        "c": ("map {'k': 1}", "map {'k': 2}"),
        "d": ("'\\xAA'::blob", "'\\xAB'::blob"),
        "e": ("interval 1 day", "interval 2 day"),
        "f": ("'infinity'::timestamp", "'-infinity'::timestamp"),
        "g": ("date '0001-01-01 (BC)'", "date '9999-12-31' + 1"),
        "h": ("uuid '00000000-0000-0000-0000-000000000000'", "uuid '00000000-0000-0000-0000-000000000001'"),
        "i": ("true", "false"),
        "j": ("170141183460469231731687303715884105727::hugeint", "1::hugeint"),
        "l": ("99999999999999999999999999999999999999::decimal(38, 0)", "1::decimal(38, 0)"),
        "m": ("time '10:00:00'", "time '10:00:01'"),
        "n": ("'1010'::bit", "'1011'::bit"),
        "o": ("255::utinyint", "1::utinyint"),
    }
    scripts = [
        f"create table t as select 1 as k, {', '.join(f'{both[side]} as {name}' for name, both in values.items())} from range(1)"
        for side in (0, 1)
    ]
    (keyed,) = databases.diff(scripts[0], scripts[1], Declared(keys={"t": ("k",)})).tables
    assert [(column.name, column.rows) for column in keyed.rows.columns] == [(name, 1) for name in values]
    (whole,) = databases.diff(scripts[0], scripts[1]).tables
    assert (whole.rows.added, whole.rows.removed) == (1, 1)


# ----------------------------------------------------------------------------------------- against plain Python

Row = tuple[int | None, str | None, float | None]
FRACTIONS = (None, 0.0, 0.1, 12.5, math.nan, math.inf, -math.inf)


def noisy(value: float | None, rng: random.Random) -> float | None:
    """The same value as another order of additions may give it."""
    return value if value is None or not math.isfinite(value) else value * (1 + rng.choice([0, 1e-15, 4e-13, -3e-10]))


def is_same(a: float | None, b: float | None) -> bool:
    if a is None or b is None or math.isnan(a) or math.isnan(b):
        return str(a) == str(b)
    return a == b or math.isclose(a, b, rel_tol=1e-9)


def rounded(row: Row) -> tuple[object, ...]:
    return (*row[:2], None if row[2] is None else f"{row[2]:.5e}")


def literal(row: Row) -> str:
    texts = ["null" if row[0] is None else str(row[0]), "null" if row[1] is None else f"'{row[1]}'"]
    return f"({', '.join([*texts, 'null' if row[2] is None else repr(str(row[2]))])})"


def values(rows: list[Row]) -> str:
    return ", ".join(map(literal, rows))


@pytest.mark.parametrize("seed", range(15))
def test_random_rows_of_a_key_as_python_compares_them(databases: TwoDatabases, seed: int) -> None:
    rng = random.Random(seed)
    sides = []
    for _ in range(2):
        keys = rng.sample([None, *range(20)], rng.randrange(0, 20))
        sides.append({key: (rng.choice([None, "a", "b"]), noisy(rng.choice(FRACTIONS), rng)) for key in keys})
    before, after = sides
    table = databases.of_rows(
        "k int, s varchar, x double",
        values([(key, *row) for key, row in before.items()]),
        values([(key, *row) for key, row in after.items()]),
        "k",
    )
    common = before.keys() & after.keys()
    texts = {key for key in common if before[key][0] != after[key][0]}
    fractions = {key for key in common if not is_same(before[key][1], after[key][1])}
    assert table.rows.added == len(after.keys() - before.keys())
    assert table.rows.removed == len(before.keys() - after.keys())
    assert table.rows.changed == len(texts | fractions)
    counts = {column.name: column.rows for column in table.rows.columns}
    assert (counts.get("s", 0), counts.get("x", 0)) == (len(texts), len(fractions))


@pytest.mark.parametrize("seed", range(40))
def test_random_multisets_as_python_compares_them(databases: TwoDatabases, seed: int) -> None:
    rng = random.Random(seed)
    kinds = [(rng.choice([None, 1, 2]), rng.choice([None, "a"]), rng.choice(FRACTIONS)) for _ in range(8)]
    sides: list[list[Row]] = [[(n, s, noisy(x, rng)) for n, s, x in rng.choices(kinds, k=rng.randrange(0, 30))] for _ in range(2)]
    table = databases.of_rows("n int, s varchar, x double", values(sides[0]), values(sides[1]))
    before, after = (Counter(map(rounded, rows)) for rows in sides)
    assert (table.rows.added, table.rows.removed) == ((after - before).total(), (before - after).total())
