"""Linters find nothing in the template, and what they are told to pass over has a reason beside it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from helpers import REPOSITORY
from private_analytics.stack import template

BIN = Path(sys.executable).parent
WHOLE = template.merge(template.read_parts())


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("template") / "template.json"
    path.write_text(json.dumps(WHOLE, indent=1))
    return path


@pytest.mark.parametrize("region", ["eu-central-1", "us-east-1"])
def test_cfn_lint(file: Path, region: str):
    result = subprocess.run([BIN / "cfn-lint", "--regions", region, "--", file], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr


def test_checkov(file: Path):
    command = [
        REPOSITORY / ".venv-checkov" / "bin" / "checkov",
        "-f",
        file,
        "--framework",
        "cloudformation",
        "--skip-download",
        "-o",
        "json",
    ]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    found = json.loads(result.stdout)["results"]
    assert [f"{item['check_id']} {item['resource']}" for item in found["failed_checks"]] == []
    assert json.loads(result.stdout)["summary"]["passed"] > 50
    skipped = {(item["check_id"], item["resource"].split(".")[-1]) for item in found["skipped_checks"]}
    declared = {
        (skip["id"], name): skip["comment"]
        for name, item in WHOLE["Resources"].items()
        for skip in item.get("Metadata", {}).get("checkov", {}).get("skip", ())
    }
    assert not skipped - declared.keys(), "skipped without being told to"
    assert not declared.keys() - skipped, "told to skip what would pass: take it out"
    assert all(len(reason) > 15 for reason in declared.values())
