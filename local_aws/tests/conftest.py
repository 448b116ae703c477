"""What the tests share besides the plugin's fixtures."""

from collections.abc import Callable
from typing import Any

import boto3
import pytest

from local_aws import LocalAws, queries
from local_aws.workspace import RESULTS_BUCKET


@pytest.fixture(scope="session")
def glue(local_aws: LocalAws) -> Any:
    return boto3.client("glue")


@pytest.fixture(scope="session")
def s3(local_aws: LocalAws) -> Any:
    return boto3.client("s3")


@pytest.fixture
def execute(athena: Any, athena_schema: str) -> Callable[..., Any]:
    """Run a statement to its end and return its QueryExecution, whatever its state; keywords go to StartQueryExecution."""
    defaults: dict[str, Any] = {
        "QueryExecutionContext": {"Database": athena_schema},
        "ResultConfiguration": {"OutputLocation": f"s3://{RESULTS_BUCKET}/{athena_schema}/"},
    }
    return lambda sql, **request: queries.execute(athena, sql, **defaults | request)
