"""What Athena refuses, the local Athena refuses in the same words; what is beside it, it takes."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError
from refusal_cases import CASES, Case

from local_aws.limits import BY_ID, LIMITS, NOT_CHECKED

Execute = Callable[..., dict[str, Any]]

ANY_ID = "[0-9a-f-]{36}"


@pytest.fixture(scope="module")
def enforced_workgroup(athena: Any) -> None:
    """The workgroup `enforced`, which keeps all results and tables in one place."""
    configuration = {
        "ResultConfiguration": {"OutputLocation": "s3://athena-results/enforced/"},
        "EnforceWorkGroupConfiguration": True,
    }
    athena.create_work_group(Name="enforced", Configuration=configuration)


def _id(case: Case) -> str:
    return f"{case.limit}: {case.refused[:60]}"


@pytest.mark.parametrize("case", CASES, ids=_id)
@pytest.mark.usefixtures("enforced_workgroup")
def test_a_limit_refuses_what_athena_refuses_and_no_more(
    case: Case, execute: Execute, athena_schema: str, athena_location: str
) -> None:
    def written(text: str) -> str:
        return text.format(db=athena_schema, data=athena_location, id="{id}")

    for sql in case.setup:
        succeeded(execute(written(sql)))
    pattern = re.escape(written(case.text)).replace(re.escape("{id}"), ANY_ID)
    limit = BY_ID[case.limit]
    if limit.submission:
        with pytest.raises(ClientError) as raised:
            execute(written(case.refused), **case.refused_with)
        assert raised.value.response["Error"]["Code"] == "InvalidRequestException"
        assert raised.value.response["AthenaErrorCode"] == limit.code
        assert re.fullmatch(pattern, raised.value.response["Error"]["Message"])
    else:
        status = execute(written(case.refused), **case.refused_with)["Status"]
        assert status["State"] == "FAILED"
        # Athena adds a sentence on files that may be left.
        assert re.match(pattern, status["StateChangeReason"]), status["StateChangeReason"]
        if not limit.by_engine:
            error = status["AthenaError"]
            assert (error["ErrorCategory"], error["ErrorType"]) == (2, limit.error_type)
            assert (error["ErrorMessage"] == status["StateChangeReason"]) == (limit.error_message is None)
    succeeded(execute(written(case.accepted), **case.accepted_with))


def succeeded(execution: dict[str, Any]) -> None:
    assert execution["Status"]["State"] == "SUCCEEDED", (execution["Query"], execution["Status"].get("StateChangeReason"))


def test_every_limit_has_a_case() -> None:
    assert [limit.id for limit in LIMITS if limit.id not in {case.limit for case in CASES}] == []


def test_limits_are_rows_of_a_table() -> None:
    assert len({limit.id for limit in LIMITS}) == len(LIMITS)
    for limit in LIMITS:
        assert limit.title and limit.source and "|" not in limit.title + limit.source
    for what, why in NOT_CHECKED:
        assert what and why
