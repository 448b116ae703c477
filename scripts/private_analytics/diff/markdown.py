"""A comparison as Markdown for a comment on a pull request."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from .result import ColumnChange, Diff, Number, RowChange, RowChanges, TableDiff, ValueChange
from .rows import relative

LONGEST_VALUE = 60  # characters
LONGEST_REPORT = 60_000  # of the 65,536 that a comment on GitHub may have
COLUMNS_SHOWN = 12
VALUES_SHOWN = 5  # of a row
NAMES_IN_VERDICT = 6
NAMES_LEFT_OUT = 30
TOTALS = ("total before", "total after", "change")

Cells = Sequence[str]


def markdown(diff: Diff) -> str:
    """The verdict in one line, then each table that differs, then the names of those that are the same."""
    parts = [_verdict(diff), f"Base: {code(diff.base)}. Candidate: {code(diff.candidate)}."]
    end = [*_same(diff), *_not_compared(diff)]
    left_out = []
    for table in diff.differing:
        section = "\n\n".join(_section(table))
        if sum(map(len, [*parts, section, *end])) > LONGEST_REPORT:
            left_out.append(table)
        else:
            parts.append(section)
    if left_out:
        parts.append(f"Too long to show here: {_listed(left_out, NAMES_LEFT_OUT)}. `--json` shows everything.")
    return "\n\n".join([*parts, *end]) + "\n"


def verdict(diff: Diff) -> str:
    """How many tables differ, as the beginning of a sentence."""
    number, total = len(diff.differing), len(diff.tables)
    if not number:
        return f"No differences in {_count(total, 'table')}"
    return f"{number} of {_count(total, 'table')} {'differs' if number == 1 else 'differ'}"


# -------------------------------------------------------------------------------------------------------- the report


def _verdict(diff: Diff) -> str:
    if not diff.differing:
        return f"**{verdict(diff)}.**"
    return f"**{verdict(diff)}:** {_listed(diff.differing, NAMES_IN_VERDICT)}."


def _listed(tables: Sequence[TableDiff], most: int) -> str:
    listed = [f"{code(table.name)} ({_in_brief(table)})" for table in tables[:most]]
    more = [f"and {len(tables) - most} more"] if len(tables) > most else []
    return ", ".join([*listed, *more])


def _in_brief(table: TableDiff) -> str:
    if table.status in ("added", "removed"):
        return "new table" if table.status == "added" else "removed table"
    columns = [
        f"{_count(len(changes), 'column')} {what}"
        for changes, what in (
            (table.columns_added, "added"),
            (table.columns_removed, "removed"),
            (table.types_changed, "with another type"),
        )
        if changes
    ]
    return ", ".join([*_row_counts(table.rows), *columns]) or "different number of rows"


def _row_counts(rows: RowChanges) -> list[str]:
    counts = ((rows.changed, "changed"), (rows.added, "added"), (rows.removed, "removed"))
    return [f"{_count(number, 'row')} {what}" for number, what in counts if number]


def _same(diff: Diff) -> list[str]:
    return [f"Without differences: {', '.join(map(code, diff.same))}."] if diff.same and diff.differing else []


def _not_compared(diff: Diff) -> list[str]:
    names = ", ".join(map(code, diff.not_compared))
    return [f"Not compared, because they describe the build and not the data: {names}."] if names else []


# ------------------------------------------------------------------------------------------------------------ a table


def _section(table: TableDiff) -> Iterator[str]:
    yield f"### {code(table.name)}"
    if table.status != "changed":
        rows = table.rows_before if table.rows_after is None else table.rows_after
        columns = table.columns_added or table.columns_removed
        names = ", ".join(code(name) for name, _ in columns[:COLUMNS_SHOWN]) + _and_more(columns, COLUMNS_SHOWN)
        yield f"{'New' if table.status == 'added' else 'Removed'} table: {_count(rows or 0, 'row')}, columns {names}."
        return
    yield _rows_sentence(table)
    if schema := list(_schema(table)):
        yield "\n".join(schema)
    if table.rows.columns:
        yield _table(*_column_cells(table))
    if table.rows.largest:
        yield "Largest changes:"
        yield _row_table(table.rows.largest, [[_values(row.values)] for row in table.rows.largest], ["changes"])
    for what, examples in (("Added", table.rows.some_added), ("Removed", table.rows.some_removed)):
        if examples:
            yield f"{what}, for example:"
            yield _keys(examples)


def _rows_sentence(table: TableDiff) -> str:
    before, after = table.rows_before or 0, table.rows_after or 0
    number = f"{_count(after, 'row')} before and after" if before == after else f"{before:,} → {_count(after, 'row')}"
    counts = ", ".join(_row_counts(table.rows)) or "no differences in the rows"
    how = f"Key: {', '.join(map(code, table.key))}." if table.key else f"{text(table.note)}."
    return f"{number}: {counts}. {how}"


def _schema(table: TableDiff) -> Iterator[str]:
    for name, kind in table.columns_added:
        yield f"- Column added: {code(name)} ({code(kind)})"
    for name, kind in table.columns_removed:
        yield f"- Column removed: {code(name)} ({code(kind)})"
    for name, before, after in table.types_changed:
        yield f"- Type changed: {code(name)} from {code(before)} to {code(after)}"


def _column_cells(table: TableDiff) -> tuple[Cells, list[Cells]]:
    columns = table.rows.columns
    has_counts = any(column.rows is not None for column in columns)
    has_totals = any(column.before is not None or column.after is not None for column in columns)
    header = ["column", *(["rows changed"] if has_counts else []), *(TOTALS if has_totals else [])]
    cells = [_column_row(column, has_counts, has_totals) for column in columns[:COLUMNS_SHOWN]]
    if len(columns) > COLUMNS_SHOWN:
        cells.append([f"and {len(columns) - COLUMNS_SHOWN} more", *[""] * (len(header) - 1)])
    return header, cells


def _column_row(column: ColumnChange, has_counts: bool, has_totals: bool) -> Cells:
    change = relative(column.before, column.after)
    totals = [_number(column.before), _number(column.after), "" if change is None else _percent(change)]
    return [code(column.name), *([f"{column.rows or 0:,}"] if has_counts else []), *(totals if has_totals else [])]


def _values(values: Sequence[ValueChange]) -> str:
    shown = []
    for value in values[:VALUES_SHOWN]:
        before, after = _shortened(value.before, value.after)
        percent = f" ({_percent(value.change)})" if value.change is not None else ""
        shown.append(f"{code(value.column)}: {_value(before)} → {_value(after)}{percent}")
    return "<br>".join(shown) + _and_more(values, VALUES_SHOWN)


def _row_table(rows: Sequence[RowChange], more: Sequence[Cells], header: Cells) -> str:
    keys = list(rows[0].key)
    cells = [[*(_value(row.key[name]) for name in keys), *rest] for row, rest in zip(rows, more, strict=True)]
    return _table([*map(code, keys), *header], cells)


def _keys(rows: Sequence[dict[str, str | None]]) -> str:
    names = list(rows[0])[:COLUMNS_SHOWN]
    return _table([code(name) for name in names], [[_value(row[name]) for name in names] for row in rows])


def _table(header: Cells, rows: Iterable[Cells]) -> str:
    """A table. Columns of numbers are right-aligned."""
    lines = [header, ["---:" if name in ("rows changed", *TOTALS) else "---" for name in header], *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def _and_more(items: Sequence[object], most: int) -> str:
    return f" and {len(items) - most} more" if len(items) > most else ""


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _number(value: Number | None) -> str:
    if value is None:
        return ""
    return f"{value:,}" if isinstance(value, int) else f"{value:,.6g}" if abs(value) < 1e6 else f"{value:,.1f}"


def _percent(change: float) -> str:
    percent = 100 * change
    if abs(percent) >= 1000:
        return f"{percent:+,.0f}%"
    return f"{percent:+.1f}%" if abs(percent) >= 0.05 else "&lt;0.1%"


# ------------------------------------------------------------------------------- text that may hold anything


def code(value: str) -> str:
    """Any text as code on one line, in a sentence or a table cell: nothing in it is read as Markdown or HTML."""
    visible = _visible(_cut(value))
    if not visible:
        return "*(empty)*"
    if re.search(r"[`|\\]", visible) or visible != visible.strip():
        return "<code>" + re.sub(r"[^\w ]|_|^ | $", lambda found: f"&#{ord(found[0])};", visible) + "</code>"
    return f"`{visible}`"


def text(value: str) -> str:
    """Any text as plain text."""
    return re.sub(r"[^\w ,.()]|_", lambda found: f"&#{ord(found[0])};", _visible(value))


def _value(value: str | None) -> str:
    return "*null*" if value is None else code(value)


def _visible(value: str) -> str:
    """The text with a symbol for each character that is invisible or changes how others are shown."""
    return "".join(map(_sign, value))


def _sign(character: str) -> str:
    number = ord(character)
    if number < 0x20:
        return chr(0x2400 + number)  # the symbols of control characters, e.g. ␊
    if number == 0x7F:
        return "\u2421"
    return character if character.isprintable() else f"\\u{number:04x}"


def _cut(value: str) -> str:
    return value if len(value) <= LONGEST_VALUE else value[: LONGEST_VALUE - 1] + "…"


def _shortened(before: str | None, after: str | None) -> tuple[str | None, str | None]:
    """Two values without a long common beginning, so that the difference is visible."""
    if before is None or after is None or max(len(before), len(after)) <= LONGEST_VALUE:
        return before, after
    same = next((place for place, (a, b) in enumerate(zip(before, after, strict=False)) if a != b), min(len(before), len(after)))
    start = same - LONGEST_VALUE // 3
    return (before, after) if start <= 1 else (f"…{before[start:]}", f"…{after[start:]}")
