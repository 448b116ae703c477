"""Builds one template from the parts in infra/template/ and from the configured log fields."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import yaml

from ..errors import UserError
from ..project import paths, variables
from . import log_fields, log_metrics, log_queries

DESCRIPTION = "Private Analytics Layer: exports of an API's logs, Athena and dbt over them, and the roles that may use them."
SECTIONS = ("Parameters", "Rules", "Conditions", "Resources", "Outputs")

RETAINED = ("Retain", "RetainExceptOnCreate")

# The property with a resource's name, for types that hold data and that we name. CloudFormation can import the first two.
NAMES = {"AWS::S3::Bucket": "BucketName", "AWS::Logs::LogGroup": "LogGroupName", "AWS::Glue::Database": "DatabaseName"}


class _Loader(yaml.SafeLoader):
    """YAML with CloudFormation's short forms (!Ref, !Sub ...) expanded, and `!Threshold NAME` replaced by the number."""

    def __init__(self, text: str, thresholds: Mapping[str, float]) -> None:
        super().__init__(text)
        self.thresholds = thresholds


def _short_form(loader: _Loader, tag: str, node: yaml.ScalarNode | yaml.SequenceNode | yaml.MappingNode) -> dict[str, Any]:
    if isinstance(node, yaml.ScalarNode):
        value: Any = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        value = loader.construct_mapping(node, deep=True)
    if tag == "GetAtt" and isinstance(value, str):
        value = value.split(".", 1)
    return {tag if tag in ("Ref", "Condition") else f"Fn::{tag}": value}


def _threshold(loader: _Loader, node: yaml.ScalarNode) -> str:
    """The threshold as text, as Ref of a number gives it, so that it can be used in Sub."""
    name = loader.construct_scalar(node)
    if name not in loader.thresholds:
        known = ", ".join(loader.thresholds)
        raise yaml.MarkedYAMLError(problem=f"there is no threshold {name}. Thresholds: {known}", problem_mark=node.start_mark)
    return f"{Decimal(str(loader.thresholds[name])).normalize():f}"


_Loader.add_multi_constructor("!", _short_form)
_Loader.add_constructor("!Threshold", _threshold)


def parts_folder() -> Path:
    return paths.root() / "infra" / "template"


def read_parts(folder: Path | None = None, log_groups: Mapping[str, str] | None = None) -> dict[str, dict[str, Any]]:
    """File name of a part -> its content. Raises UserError that names the file at fault.

    `log_groups` has the names of the API's log groups, by logical id: each may have its fields elsewhere.
    """
    thresholds = variables.thresholds().model_dump()
    parts = {}
    for path in sorted((folder or parts_folder()).glob("*.yaml")):
        try:
            content = _Loader(path.read_text(), thresholds).get_single_data()
        except yaml.YAMLError as error:
            raise UserError(f"{path} cannot be read: {error}") from None
        if not isinstance(content, dict) or not content.keys() <= set(SECTIONS):
            raise UserError(f"{path}: only these sections are allowed: {', '.join(SECTIONS)}.")
        parts[path.name] = content
    fields = log_fields.read()
    return parts | {
        "log_metrics.py": log_metrics.part(fields, log_groups),
        "log_queries.py": log_queries.part(fields, log_groups),
    }


def merge(parts: Mapping[str, dict[str, Any]]) -> dict[str, Any]:
    """The parts as one template. Raises UserError if two parts use the same name."""
    template: dict[str, Any] = {"AWSTemplateFormatVersion": "2010-09-09", "Description": DESCRIPTION}
    origins: dict[tuple[str, str], str] = {}
    for file, part in parts.items():
        for section, items in part.items():
            for name, item in items.items():
                if (earlier := origins.setdefault((section, name), file)) != file:
                    raise UserError(f"infra/template: {section} {name} is in both {earlier} and {file}. Rename one of them.")
                template.setdefault(section, {})[name] = item
    return template


def pin_names(template: dict[str, Any], values: Mapping[str, str]) -> dict[str, Any]:
    """The template with the names of retained resources written out.

    CloudFormation imports an existing resource, for example a bucket that an earlier stack left, only if its name
    is not a function. `values` are parameters and pseudo parameters.
    """
    pinned: dict[str, Any] = json.loads(json.dumps(template))
    for resource in pinned["Resources"].values():
        key = NAMES.get(resource["Type"])
        if key and resource.get("DeletionPolicy") in RETAINED:
            resource["Properties"][key] = evaluate(resource["Properties"][key], values)
    return pinned


def without(template: dict[str, Any], logical_ids: Collection[str]) -> dict[str, Any]:
    """The template without these resources, which nothing may refer to."""
    kept = {name: resource for name, resource in template["Resources"].items() if name not in logical_ids}
    return {**template, "Resources": kept}


def evaluate(value: Any, values: Mapping[str, str]) -> Any:
    """The value of Ref, Sub, Join and Split, with `values` inserted. Strings stay as they are."""
    if isinstance(value, str):
        return value
    match value:
        case {"Ref": str(name)}:
            return values[name]
        case {"Fn::Sub": str(text)}:
            return re.sub(r"\$\{([^}]+)\}", lambda found: values[found[1]], text)
        case {"Fn::Join": [delimiter, items]}:
            items = evaluate(items, values) if isinstance(items, dict) else [evaluate(item, values) for item in items]
            return delimiter.join(items)
        case {"Fn::Split": [delimiter, text]}:
            return evaluate(text, values).split(delimiter)
    raise ValueError(f"cannot evaluate {value!r}")


def retained(template: dict[str, Any]) -> list[str]:
    """Logical ids of the resources that stay when the stack is deleted."""
    return [name for name, resource in template["Resources"].items() if resource.get("DeletionPolicy") in RETAINED]


def to_json(template: dict[str, Any]) -> str:
    """The template body, without what only readers and linters need."""
    slim = {**template, "Resources": {name: _without_metadata(item) for name, item in template["Resources"].items()}}
    return json.dumps(slim, separators=(",", ":"))


def _without_metadata(resource: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in resource.items() if key != "Metadata"}
