"""What the manifest says of tables, as dbt writes it."""

from __future__ import annotations

from typing import Any

from private_analytics.diff.declared import Declared, declared


def model(name: str, folder: str, *columns: dict[str, Any], **config: object) -> dict[str, Any]:
    return {
        "resource_type": "model",
        "alias": name,
        "fqn": ["private_analytics", folder, name],
        "config": {"unique_key": None, **config},
        "columns": {column["name"]: column for column in columns},
    }


def unique(of: str, name: str = "unique", **arguments: object) -> dict[str, Any]:
    test = {"name": name, "kwargs": arguments}
    return {"resource_type": "test", "attached_node": f"model.{of}", "test_metadata": test, "config": {}, "columns": {}}


def manifest(*nodes: dict[str, Any]) -> dict[str, Any]:
    return {"nodes": {f"{node['resource_type']}.{node.get('alias', number)}": node for number, node in enumerate(nodes)}}


def test_what_users_query_is_compared_and_the_steps_to_it_are_not() -> None:
    seed = model("catalog", "catalog") | {"resource_type": "seed"}
    found = declared(manifest(model("daily", "marts"), model("fct", "events"), model("int_x", "intermediate"), seed))
    assert found.compared == {"daily", "fct"}
    assert found.internal == {"int_x", "catalog"}


def test_the_key_is_what_a_test_holds_unique_or_else_the_configured_one() -> None:
    found = declared(
        manifest(
            model("tested", "marts", unique_key=["other"]),
            unique("tested", "unique_combination", columns=["day", "name"]),
            model("quoted", "marts"),
            unique("quoted", column_name='"eventName"'),
            model("configured", "marts", unique_key="id"),
            model("keyless", "marts"),
            unique("keyless", "not_null", column_name="id"),
        )
    )
    assert found.keys == {"tested": ("day", "name"), "quoted": ("eventName",), "configured": ("id",)}


def test_columns_that_describe_the_build_are_marked_in_their_meta() -> None:
    marked = {"name": "loaded_at", "config": {"meta": {"describes_build": True}}}
    found = declared(manifest(model("ledger", "ledger", marked, {"name": "n", "config": {"meta": {}}}), model("b", "marts")))
    assert found.of_build == {"ledger": {"loaded_at"}}


def test_of_two_states_the_newer_holds_and_what_was_for_users_in_either_is_compared() -> None:
    older = Declared(
        frozenset({"was_mart"}), frozenset({"was_step", "step"}), {"a": ("x",), "b": ("x",)}, {"t": frozenset({"c"})}
    )
    newer = Declared(frozenset({"was_step"}), frozenset({"was_mart", "new_step"}), {"a": ("y",)}, {"t": frozenset({"d"})})
    assert newer.over(older) == Declared(
        frozenset({"was_mart", "was_step"}),
        frozenset({"step", "new_step"}),
        {"a": ("y",), "b": ("x",)},
        {"t": frozenset({"c", "d"})},
    )
