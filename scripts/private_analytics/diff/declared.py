"""What dbt's manifest says about the tables: which to compare, by which key, and without which columns."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

FOLDERS = ("events", "marts", "ledger")  # of models/: what is compared
OF_BUILD = "describes_build"  # a column's meta: it describes the build, not the data, e.g. the time of a run


@dataclass(frozen=True)
class Declared:
    """compared: tables that users query. internal: all other tables of models and seeds. keys: table -> the columns that identify
    its rows. of_build: table -> the columns that describe the build, and so differ between any two builds."""

    compared: frozenset[str] = frozenset()
    internal: frozenset[str] = frozenset()
    keys: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    of_build: Mapping[str, frozenset[str]] = field(default_factory=dict)

    def over(self, older: Declared) -> Declared:
        """Both combined. If they contradict each other, this one wins. A table that is for users in either is
        compared; a column in either's of_build is not."""
        tables = self.of_build.keys() | older.of_build.keys()
        nothing: frozenset[str] = frozenset()
        compared = self.compared | older.compared
        return Declared(
            compared,
            (self.internal | older.internal) - compared,
            {**older.keys, **self.keys},
            {name: self.of_build.get(name, nothing) | older.of_build.get(name, nothing) for name in tables},
        )


def declared(manifest: Mapping[str, Any]) -> Declared:
    """What a manifest.json declares.

    A table that is in no manifest is compared too, so a deleted mart is reported as removed.
    """
    nodes: Mapping[str, Mapping[str, Any]] = manifest["nodes"]
    tested = {node["attached_node"]: key for node in nodes.values() if (key := _unique_columns(node))}
    tables = {name: node for name, node in nodes.items() if node["resource_type"] in ("model", "seed", "snapshot")}
    keys = {node["alias"]: tested.get(name) or _configured_key(node) for name, node in tables.items()}
    compared = frozenset(node["alias"] for node in tables.values() if _is_compared(node))
    return Declared(
        compared,
        frozenset(node["alias"] for node in tables.values()) - compared,
        {name: key for name, key in keys.items() if key},
        {node["alias"]: columns for node in tables.values() if (columns := frozenset(_columns_of_build(node)))},
    )


def _is_compared(node: Mapping[str, Any]) -> bool:
    return bool(node["resource_type"] == "model" and node["fqn"][1] in FOLDERS)


def _unique_columns(node: Mapping[str, Any]) -> tuple[str, ...]:
    """The columns that a test of a model requires to be unique; empty for other nodes."""
    test = node.get("test_metadata") or {}
    if test.get("name") == "unique":
        return (_unquoted(test["kwargs"]["column_name"]),)
    return tuple(map(_unquoted, test["kwargs"]["columns"])) if test.get("name") == "unique_combination" else ()


def _configured_key(node: Mapping[str, Any]) -> tuple[str, ...]:
    key = node["config"].get("unique_key") or ()
    return tuple(map(_unquoted, [key] if isinstance(key, str) else key))


def _columns_of_build(node: Mapping[str, Any]) -> Iterator[str]:
    for column in node.get("columns", {}).values():
        if (column.get("config") or {}).get("meta", {}).get(OF_BUILD) or (column.get("meta") or {}).get(OF_BUILD):
            yield _unquoted(column["name"])


def _unquoted(name: str) -> str:
    return name[1:-1].replace('""', '"') if len(name) > 1 and name[0] == name[-1] == '"' else name
