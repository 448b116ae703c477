"""A stack's settings file, checked against the parameters of the template."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from ..errors import UserError
from ..project import paths

EXAMPLE = "infra/stack.example.yaml"
OURS = ("ArtifactsBucket", "ExporterZip", "ProjectZip")
LOG_GROUPS = {"ApiLogs": "ApiLogGroup", "SecondLogs": "SecondLogGroup", "ThirdLogs": "ThirdLogGroup"}  # id -> parameter
STACK_NAME = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,127}")


@dataclass(frozen=True)
class StackSettings:
    """The stack's name, and every parameter with its value: the file's or the default."""

    stack: str
    parameters: dict[str, str]

    @property
    def log_groups(self) -> dict[str, str]:
        """The names of the API's log groups, by logical id."""
        return {logical_id: name for logical_id, parameter in LOG_GROUPS.items() if (name := self.parameters[parameter])}


def default_file() -> Path:
    return paths.root() / "infra" / "stack.yaml"


def read(path: Path, declared: dict[str, dict[str, Any]]) -> StackSettings:
    """The settings in a file. Raises UserError that says what to change and where."""
    try:
        content = yaml.safe_load(path.read_text())
    except FileNotFoundError:
        raise UserError(f"{path} does not exist. Copy {EXAMPLE} to infra/stack.yaml and set your values.") from None
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise UserError(f"{path} cannot be read: {error}") from None
    if not isinstance(content, dict) or not content.keys() <= {"Stack", "Parameters"}:
        raise UserError(f"{path}: expected Stack: and Parameters:, as in {EXAMPLE}.")
    stack = content.get("Stack", "private-analytics")
    if not isinstance(stack, str) or not STACK_NAME.fullmatch(stack):
        raise UserError(f"{path}: Stack is {stack!r}; a stack's name has only letters, digits and -, and begins with a letter.")
    given = content.get("Parameters") or {}
    if not isinstance(given, dict):
        raise UserError(f"{path}: Parameters must map names to values, as in {EXAMPLE}.")
    return StackSettings(stack, _checked(path, given, {name: rules for name, rules in declared.items() if name not in OURS}))


def _checked(path: Path, given: dict[str, Any], declared: dict[str, dict[str, Any]]) -> dict[str, str]:
    unknown = sorted(str(name) for name in given.keys() - declared.keys())
    if unknown:
        raise UserError(f"{path}: there is no parameter {', '.join(unknown)}. infra/template/parameters.yaml lists them all.")
    values = {}
    for name, rules in declared.items():
        value = _text(given.get(name, rules.get("Default")))
        if value is None:
            raise UserError(f"{path}: {name} is missing. {rules['Description']}")
        if problem := _problem(value, rules):
            raise UserError(f"{path}: {name} is {value!r}, {problem}. {rules['Description']}")
        values[name] = value
    if int(values["ExpireLogsAfterDays"]) <= int(values["GlacierAfterDays"]):
        raise UserError(f"{path}: ExpireLogsAfterDays must be more than GlacierAfterDays.")
    return values


def _text(value: object) -> str | None:
    """A value as CloudFormation expects it. YAML reads on and off as true and false, and days as dates."""
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, list):
        return ",".join(str(item) for item in value)
    return None if value is None else str(value)


def _problem(value: str, rules: dict[str, Any]) -> str | None:
    allowed = [str(item) for item in rules.get("AllowedValues", ())]
    if allowed and value not in allowed:
        return f"which is not one of {', '.join(allowed)}"
    if rules["Type"] == "Number":
        if not value.isdecimal():
            return "which is not a whole number"
        if int(value) < int(rules.get("MinValue", 0)):
            return f"which is less than {rules['MinValue']}"
    if "AllowedPattern" in rules and not re.fullmatch(rules["AllowedPattern"], value):
        return "which does not have the required form"
    if len(value) > int(rules.get("MaxLength", 4096)):
        return f"which is longer than {rules['MaxLength']} characters"
    return None
