"""Two DuckDB files from a few lines of SQL, and what the comparison of them says."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import duckdb

from private_analytics.diff.compare import Built, compare
from private_analytics.diff.declared import Declared
from private_analytics.diff.result import Diff, TableDiff


@dataclass(frozen=True)
class TwoDatabases:
    """The files, in a folder of the test's own."""

    base: Path
    candidate: Path

    def diff(self, before: str, after: str, declared: Declared | None = None) -> Diff:
        """What differs between the tables that two scripts make."""
        for path, script in ((self.base, before), (self.candidate, after)):
            path.unlink(missing_ok=True)
            with duckdb.connect(str(path)) as connection:
                connection.execute(script)
        return compare(Built("before", self.base), Built("after", self.candidate), declared or Declared())

    def of_rows(self, columns: str, before: str, after: str, *key: str) -> TableDiff:
        """What differs in one table `t` of these columns, between two lists of rows as SQL has them after `values`."""
        scripts = [f"create table t ({columns}); " + (f"insert into t values {rows}" if rows else "") for rows in (before, after)]
        (table,) = self.diff(scripts[0], scripts[1], Declared(keys={"t": key} if key else {})).tables
        return table


def two_databases(folder: Path) -> TwoDatabases:
    return TwoDatabases(folder / "base.duckdb", folder / "candidate.duckdb")
