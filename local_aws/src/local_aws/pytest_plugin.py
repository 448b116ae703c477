"""Fixtures for pytest: one server for the whole run, a database of its own for each test.

Nothing is imported or started before a test asks for a fixture.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from mypy_boto3_athena import AthenaClient

    from local_aws import LocalAws
    from local_aws.queries import Row


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests without the server first: each mock_aws of moto throws away what the server keeps."""
    items.sort(key=lambda item: "local_aws" in getattr(item, "fixturenames", ()))


@pytest.fixture(scope="session")
def local_aws() -> Iterator[LocalAws]:
    """The server, with its two buckets. Environment variables send all clients of AWS to it."""
    from local_aws import LocalAws
    from local_aws.workspace import create_buckets

    with LocalAws() as server, pytest.MonkeyPatch.context() as patch:
        for name, value in server.environment().items():
            patch.setenv(name, value)
        patch.delenv("AWS_PROFILE", raising=False)
        create_buckets(server)
        yield server


@pytest.fixture(scope="session")
def athena(local_aws: LocalAws) -> AthenaClient:
    """A boto3 client of Athena."""
    import boto3

    return boto3.client("athena")


@pytest.fixture
def athena_schema(local_aws: LocalAws) -> Iterator[str]:
    """The name of an empty database, which is dropped with its tables after the test."""
    import boto3

    from local_aws.workspace import DATA_BUCKET

    glue = boto3.client("glue")
    name = f"test_{uuid.uuid4().hex[:8]}"
    glue.create_database(DatabaseInput={"Name": name, "LocationUri": f"s3://{DATA_BUCKET}/{name}/"})
    yield name
    for page in glue.get_paginator("get_tables").paginate(DatabaseName=name):
        for table in page["TableList"]:
            glue.delete_table(DatabaseName=name, Name=table["Name"])
    glue.delete_database(Name=name)


@pytest.fixture
def athena_location(athena_schema: str) -> str:
    """Where the tables of the test's database may keep their files: an S3 URI that ends with a slash."""
    from local_aws.workspace import DATA_BUCKET

    return f"s3://{DATA_BUCKET}/{athena_schema}/"


@pytest.fixture
def athena_query(athena: AthenaClient, athena_schema: str) -> Callable[..., list[Row]]:
    """A function that runs a statement in the test's database and returns its rows as the texts that Athena sends.

    Keywords go to StartQueryExecution. It raises `local_aws.queries.QueryFailedError` with Athena's reason.
    """
    from local_aws import queries
    from local_aws.workspace import RESULTS_BUCKET

    defaults: dict[str, Any] = {
        "QueryExecutionContext": {"Database": athena_schema},
        "ResultConfiguration": {"OutputLocation": f"s3://{RESULTS_BUCKET}/{athena_schema}/"},
    }

    def query(sql: str, **request: Any) -> list[Row]:
        return queries.fetch(athena, queries.execute(athena, sql, **defaults | request))

    return query


@pytest.fixture
def dbt_profiles_dir(local_aws: LocalAws, athena_schema: str, tmp_path: Path) -> Path:
    """A directory for dbt's --profiles-dir. Its profile `local_aws` builds into the test's database."""
    from local_aws.workspace import write_dbt_profile

    return write_dbt_profile(tmp_path / "dbt_profiles", region=local_aws.region, schema=athena_schema).parent
