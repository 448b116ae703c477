"""Whether a bucket's policy says what the template's policy says. Each answer is what is wrong, or ''."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

Statement = dict[str, Any]  # as in the JSON


@dataclass(frozen=True)
class AllowedService:
    """The one service that a bucket's policy allows: what it may do, where, and on which condition."""

    service: str
    actions: frozenset[str]
    resources: frozenset[str]
    condition: tuple[str, str]


def statements(policy: str) -> list[Statement]:
    return _listed(json.loads(policy)["Statement"])


def tls(found: list[Statement], arn: str) -> str:
    wanted = {"Bool": {"aws:SecureTransport": ["false"]}}
    denials = [statement for statement in found if _denies_all(statement, {"s3:*"}, {arn, f"{arn}/*"})]
    return "" if any(_condition(denial) == wanted for denial in denials) else "its policy does not refuse plain HTTP"


def readers(found: list[Statement], arn: str, wanted: frozenset[str]) -> str:
    """Whether everyone except those wanted is denied reading."""
    for statement in found:
        condition = _condition(statement)
        is_by_name = {operator: list(keys) for operator, keys in condition.items()} == {"ArnNotLike": ["aws:PrincipalArn"]}
        if is_by_name and _denies_all(statement, {"s3:GetObject", "s3:GetObjectVersion"}, {f"{arn}/*"}):
            named = set(condition["ArnNotLike"]["aws:PrincipalArn"])
            more = sentence("its policy lets in ", sorted(named - wanted))
            return more or sentence("its policy keeps out ", sorted(wanted - named))
    return "its policy does not limit who may read"


def let_in(found: list[Statement], guest: AllowedService) -> str:
    """Whether nothing is allowed to anyone but the guest."""
    for statement in found:
        if statement["Effect"] == "Allow" and not _is_for(statement, guest):
            principal = statement.get("Principal", "all but some")
            groups = principal.values() if isinstance(principal, dict) else [principal]
            who = ", ".join(name for group in groups for name in _listed(group))
            what = ", ".join(_listed(statement.get("Action", "all but some actions")))
            return f"its policy allows {who} to use {what}, which the template does not"
    return ""


def sentence(begin: str, items: Iterable[str]) -> str:
    """The beginning and the items; '' if there are no items."""
    listed = ", ".join(items)
    return begin + listed if listed else ""


def _is_for(statement: Statement, guest: AllowedService) -> bool:
    key, value = guest.condition
    return (
        statement.get("Principal") == {"Service": guest.service}
        and set(_listed(statement.get("Action", "*"))) <= guest.actions
        and set(_listed(statement.get("Resource", "*"))) <= guest.resources
        and _condition(statement).get("StringEquals", {}).get(key) == [value]
    )


def _denies_all(statement: Statement, actions: Collection[str], resources: Collection[str]) -> bool:
    """Whether a statement denies everyone at least these actions on these resources."""
    everybody = statement.get("Principal") in ("*", {"AWS": "*"})
    does, on = set(_listed(statement.get("Action", []))), set(_listed(statement.get("Resource", [])))
    return statement["Effect"] == "Deny" and everybody and does.issuperset(actions) and on.issuperset(resources)


def _condition(statement: Statement) -> dict[str, dict[str, list[str]]]:
    conditions = statement.get("Condition", {}).items()
    return {operator: {key: _listed(values) for key, values in keys.items()} for operator, keys in conditions}


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
