"""The models' source `export_records` has the fields of the record that the exporter writes, on both engines."""

from __future__ import annotations

import re

import yaml

from private_analytics.export_record import ExportRecord
from private_analytics.project import paths


def test_the_source_has_every_field_of_the_record_with_its_type() -> None:
    sources = yaml.safe_load((paths.root() / "models" / "batch" / "_sources.yml").read_text())["sources"]
    (table,) = [table for source in sources for table in source["tables"] if table["name"] == "export_records"]
    on_athena = ExportRecord.glue_columns()
    assert [column["name"] for column in table["columns"]] == list(on_athena)
    read = r"(cast\()?json_extract_string\(json, '\$\.(\w+)'\)(?: as (\w+)\))? as (\w+)"
    on_duckdb = re.findall(read, table["config"]["meta"]["external_location"])
    assert [name for _, key, _, name in on_duckdb if key == name] == list(on_athena)
    assert {name: kind or "string" for _, _, kind, name in on_duckdb} == on_athena
