"""SQL for a column that is on both sides: compares, sums and shows its values.

Columns are numbered (`b.c0` and `a.c0` are the first column before and after), so that their names, which may contain anything,
appear in one place only.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

TOLERANCE = "1e-9"  # relative: sums of fractions depend on the order in which threads add them
LONGEST = 2000  # characters of a value that leave the database

INTEGERS = {"TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT"}
FLOATS = {"FLOAT", "DOUBLE"}
DECIMAL = re.compile(r"DECIMAL\(\d+,\d+\)|UHUGEINT")
TIMES = re.compile(r"DATE|TIMESTAMP.*")

Side = Literal["b", "a"]


@dataclass(frozen=True)
class Column:
    """The `number`-th column that is on both sides."""

    number: int
    name: str
    before: str
    after: str

    @property
    def is_number(self) -> bool:
        return all(kind in INTEGERS | FLOATS or DECIMAL.fullmatch(kind) for kind in (self.before, self.after))

    @property
    def is_float(self) -> bool:
        """Whether nearly equal values count as equal: one side has inexact fractions."""
        if self.before == self.after:
            return self.before in FLOATS
        return self.is_number and not {self.before, self.after} <= INTEGERS

    @property
    def type(self) -> str:
        """The type in which the values of both sides can be compared; '' for their own type."""
        if self.is_float:
            return "double"
        if self.before == self.after or self.is_number:
            return ""
        if TIMES.fullmatch(self.before) and TIMES.fullmatch(self.after):
            return "timestamp"
        return "varchar"

    def value(self, side: Side) -> str:
        """A side's value, in the type of the comparison."""
        raw = f"{side}.c{self.number}"
        return f"cast({raw} as {self.type})" if self.type else raw

    def double(self, side: Side) -> str:
        return f"cast({side}.c{self.number} as double)"

    def is_same(self) -> str:
        """SQL: the values of both sides are equal; fractions nearly equal."""
        before, after = self.value("b"), self.value("a")
        return nearly_equal(before, after) if self.is_float else f"({before} is not distinct from {after})"

    def relative_change(self) -> str:
        """SQL: the difference of two numbers relative to the larger, 0 to 2. 1 if one of them is null or not finite."""
        before, after = self.double("b"), self.double("a")
        part = f"least(abs({before} - {after}) / greatest(abs({before}), abs({after})), 2)"
        return f"case when {self.is_same()} then 0 when isfinite({before}) and isfinite({after}) then {part} else 1 end"

    def absolute_change(self) -> str:
        before, after = self.double("b"), self.double("a")
        both = f"isfinite({before}) and isfinite({after})"
        return f"case when {both} then abs({before} - {after}) else coalesce(abs({before}), abs({after}), 0) end"

    def total(self, side: Side) -> str:
        """SQL: the sum of the finite numbers."""
        if {self.before, self.after} <= INTEGERS - {"HUGEINT"}:
            return f"sum({side}.c{self.number})"
        value = self.double(side)
        return f"sum({value}) filter (where isfinite({value}))"


def nearly_equal(before: str, after: str) -> str:
    """SQL: two fractions are equal, nearly equal, or both null. NaN equals NaN. NaN and infinities are never nearly equal."""
    near = f"abs({before} - {after}) <= {TOLERANCE} * greatest(abs({before}), abs({after}))"
    finite = f"isfinite({before}) and isfinite({after})"
    return f"({before} is not distinct from {after} or coalesce({finite} and {near}, false))"


def quoted(name: str) -> str:
    """A quoted identifier."""
    return '"' + name.replace('"', '""') + '"'


def numbered(columns: Sequence[Column]) -> str:
    """The select list that gives columns their numbers."""
    return ", ".join(f"{quoted(column.name)} as c{column.number}" for column in columns)


def shown(value: str) -> str:
    """SQL: a value as text, cut if it is very long."""
    return f"left(cast({value} as varchar), {LONGEST})"
