"""A change set and drift as lines of text. Replacements and deletions are in capitals and in red."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mypy_boto3_cloudformation.type_defs import ChangeTypeDef, ResourceChangeTypeDef, StackResourceDriftTypeDef


@dataclass(frozen=True)
class PlanLine:
    """One line; `is_danger` asks for red."""

    text: str
    is_danger: bool = False


def of_change_set(changes: Iterable[ChangeTypeDef], retained: Collection[str] = ()) -> Iterator[PlanLine]:
    """What a change set would do. Dangers come last, where people see them. `retained` are ids of what is never deleted."""
    resources = [change["ResourceChange"] for change in changes if "ResourceChange" in change]
    lines = [_line(resource, retained) for resource in sorted(resources, key=lambda resource: resource["LogicalResourceId"])]
    yield from sorted(lines, key=lambda line: line.is_danger)


def _line(change: ResourceChangeTypeDef, retained: Collection[str]) -> PlanLine:
    is_kept = "Retain" in change.get("PolicyAction", "") or change["LogicalResourceId"] in retained
    name = f"{change['LogicalResourceId']} ({change['ResourceType']})"
    where = f" {change['PhysicalResourceId']}" if change.get("PhysicalResourceId") else ""
    what = ", ".join(_properties(change)) + (" (the old resource is kept)" if is_kept else "")
    match change["Action"]:
        case "Add":
            return PlanLine(f"  add      {name}")
        case "Import":
            return PlanLine(f"  import  {where} as {name}")
        case "Remove" if is_kept:
            return PlanLine(f"  retain   {name}{where}: leaves the stack, is kept")
        case "Remove":
            return PlanLine(f"  DELETE   {name}{where}", is_danger=True)
        case "Modify" if change.get("Replacement") == "True":
            return PlanLine(f"  REPLACE  {name}{where}: {what}", is_danger=True)
        case "Modify" if change.get("Replacement") == "Conditional":
            return PlanLine(f"  change, perhaps REPLACE  {name}{where}: {what}", is_danger=True)
        case "Modify":
            return PlanLine(f"  change   {name}: {', '.join(_properties(change))}")
        case action:
            return PlanLine(f"  {action.upper()}  {name}{where}", is_danger=True)


def _properties(change: ResourceChangeTypeDef) -> list[str]:
    """Names of what changes: properties, or tags, metadata and so on."""
    targets = (detail.get("Target", {}) for detail in change.get("Details", ()))
    names = dict.fromkeys(target.get("Name") or target.get("Attribute", "") for target in targets)
    return [name for name in names if name] or [scope for scope in change.get("Scope", ())]


def of_drift(drifts: Iterable[StackResourceDriftTypeDef]) -> Iterator[PlanLine]:
    """What was changed outside the stack."""
    for drift in drifts:
        name = f"{drift['LogicalResourceId']} ({drift['ResourceType']}) {drift.get('PhysicalResourceId', '')}".rstrip()
        if drift["StackResourceDriftStatus"] == "DELETED":
            yield PlanLine(f"  {name} was DELETED outside the stack", is_danger=True)
        for difference in drift.get("PropertyDifferences", ()):
            path, wanted, found = (difference.get(key) for key in ("PropertyPath", "ExpectedValue", "ActualValue"))
            is_secret = drift["ResourceType"] == "AWS::SecretsManager::Secret"
            yield PlanLine(f"  {name} {path}: " + ("was changed" if is_secret else f"should be {wanted}, is {found}"))
