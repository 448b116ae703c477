"""The fixtures that people get, and what the plugin costs those who ask for none."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from local_aws import LocalAws
from local_aws.queries import QueryFailedError

Query = Callable[..., list[tuple[str | None, ...]]]


def test_a_table_in_a_schema_of_its_own(athena_query: Query, athena_schema: str, athena_location: str) -> None:
    assert athena_query("show tables") == []
    assert athena_query(f"create external table t (a int) location '{athena_location}t/'") == []
    assert athena_query("show tables") == [("t",)]
    assert athena_query("select a, 1 from t") == []
    assert athena_query(f"select count(*), null from {athena_schema}.t") == [("0", None)]


def test_a_query_that_fails(athena_query: Query) -> None:
    with pytest.raises(QueryFailedError, match="COLUMN_NOT_FOUND: line 1:8: Column 'nowhere' cannot be resolved") as raised:
        athena_query("select nowhere from (values 1) as t (n)")
    assert raised.value.execution["Status"]["State"] == "FAILED"


def test_keywords_go_to_the_request(athena_query: Query) -> None:
    assert athena_query("select ?", ExecutionParameters=["'x'"]) == [("x",)]


def test_the_environment_is_that_of_the_server(local_aws: LocalAws, athena: Any) -> None:
    assert {name: os.environ[name] for name in local_aws.environment()} == local_aws.environment()
    assert athena.meta.endpoint_url == local_aws.endpoint


def test_a_dbt_profile(dbt_profiles_dir: Path, athena_schema: str) -> None:
    profile = (dbt_profiles_dir / "profiles.yml").read_text()
    assert "\nlocal_aws:\n" in profile
    assert f"\n      schema: {athena_schema}\n" in profile


TESTS_OF_SOMEBODY = """
import sys

def test_that_wants_the_server(local_aws): ...

def test_that_does_not():
    assert not {"boto3", "botocore", "moto", "requests", "sqlglot", "trino"} & set(sys.modules)
"""


def test_who_asks_for_nothing_imports_nothing_and_comes_first(tmp_path: Path) -> None:
    (tmp_path / "test_somebody.py").write_text(TESTS_OF_SOMEBODY)
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-q"]
    environment = os.environ | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}  # those of others import what they like
    plugin = ["-p", "local_aws.pytest_plugin"]

    def run(*options: str) -> str:
        done = subprocess.run([*command, *plugin, *options], cwd=tmp_path, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    assert "1 passed" in run("-k", "does_not")
    order = [line.rpartition("::")[2] for line in run("--collect-only").splitlines() if "::" in line]
    assert order == ["test_that_does_not", "test_that_wants_the_server"]
