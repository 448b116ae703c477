"""What is published: the models in models/marts, as declared by their contracts and tests."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..errors import UserError
from ..project import dbt

FOLDER = "marts"


@dataclass(frozen=True)
class Mart:
    """A table to copy.

    relation: its quoted name in the engine. columns: name -> type, from the contract. key: the columns that a test
    requires to be unique. date_column: the first date or timestamp column; rows are copied by its dates.
    """

    name: str
    relation: str
    description: str
    columns: dict[str, str]
    key: tuple[str, ...]
    date_column: str


def read_marts() -> list[Mart]:
    """The marts of this dbt project under the current target. Raises UserError if dbt cannot read the project."""
    return marts_of(dbt.manifest())


def marts_of(manifest: dict[str, Any]) -> list[Mart]:
    """The marts of a dbt manifest, by name. Raises UserError for one that cannot be published."""
    nodes = manifest["nodes"].values()
    keys = {node["attached_node"]: key for node in nodes if (key := _unique_columns(node))}
    models = [node for node in nodes if node["resource_type"] == "model" and node["fqn"][1] == FOLDER]
    return sorted((_mart(node, keys.get(node["unique_id"], ())) for node in models), key=lambda mart: mart.name)


def _mart(node: dict[str, Any], key: tuple[str, ...]) -> Mart:
    columns = {column["name"]: (column["data_type"] or "").lower() for column in node["columns"].values()}
    if not node["config"]["contract"]["enforced"]:
        raise UserError(f"{node['name']} has no enforced contract, so its types are unknown. Add one to {_yaml_of(node)}.")
    dates = [name for name, kind in columns.items() if kind.startswith(("date", "timestamp"))]
    if not dates:
        raise UserError(f"{node['name']} has no column that is a date or a timestamp. Add one in {_yaml_of(node)}.")
    return Mart(node["alias"], node["relation_name"], " ".join(node["description"].split()), columns, key, dates[0])


def _yaml_of(node: dict[str, Any]) -> str:
    return node["patch_path"].partition("://")[2] if node["patch_path"] else f"a YAML file next to {node['original_file_path']}"


def _unique_columns(node: dict[str, Any]) -> tuple[str, ...]:
    """The columns that a test of a model requires to be unique; empty for other nodes."""
    test = node.get("test_metadata") or {}
    if test.get("name") == "unique":
        return (test["kwargs"]["column_name"],)
    return tuple(test["kwargs"]["columns"]) if test.get("name") == "unique_combination" else ()
