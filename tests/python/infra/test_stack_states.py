"""What the stack commands say and do in each state that a stack can be in, with an AWS that is in it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from private_analytics.errors import UserError
from private_analytics.stack import deploying, planning
from private_analytics.stack.target import StackClients


class CloudFormation:
    """Tells one status after the other, and the same event at each."""

    def __init__(self, *statuses: str) -> None:
        self.statuses = list(statuses)
        self.asked = 0

    def describe_stacks(self, StackName: str) -> dict:
        self.asked += 1
        status = self.statuses.pop(0) if len(self.statuses) > 1 else self.statuses[0]
        return {"Stacks": [{"StackStatus": status}]}

    def get_paginator(self, operation: str) -> Any:
        """Of its events: two pages, and an operation before the latest one."""
        assert operation == "describe_stack_events"
        cancelled = event("2", "ApiRole", "CREATE_FAILED", "Resource creation cancelled")
        failed = event("1", "Exporter", "CREATE_FAILED", "{no} permission")
        began = event("0", "shop", "CREATE_IN_PROGRESS", "User Initiated") | {"PhysicalResourceId": "arn:shop"}
        earlier = event("-1", "Exporter", "DELETE_FAILED", "of an earlier operation")
        pages = [{"StackEvents": [cancelled]}, {"StackEvents": [failed, began, earlier]}]
        return SimpleNamespace(paginate=lambda StackName: iter(pages))


def event(number: str, name: str, status: str, reason: str) -> dict:
    what = {"EventId": number, "LogicalResourceId": name, "PhysicalResourceId": "", "StackId": "arn:shop"}
    return what | {"ResourceStatus": status, "ResourceStatusReason": reason}


def aws(cloudformation: Any) -> StackClients:
    return StackClients(cloudformation, None, None, None, None, pause=lambda: None)


GOAL = SimpleNamespace(stack="shop")  # a state is refused before more is asked of it
STUCK = {
    "ROLLBACK_COMPLETE": "stack destroy",
    "ROLLBACK_FAILED": "stack destroy",
    "CREATE_FAILED": "stack destroy",
    "DELETE_FAILED": "stack destroy",
    "UPDATE_ROLLBACK_FAILED": "continue-update-rollback --stack-name shop",
    "IMPORT_ROLLBACK_FAILED": "continue-update-rollback --stack-name shop",
    "UPDATE_FAILED": "rollback-stack --stack-name shop",
    "CREATE_IN_PROGRESS": "Try again when it ends",
    "UPDATE_ROLLBACK_IN_PROGRESS": "Try again when it ends",
    "DELETE_IN_PROGRESS": "Try again when it ends",
    "A_STATE_OF_THE_FUTURE": "Its events say more",
}


@pytest.mark.parametrize(("status", "advice"), STUCK.items())
def test_a_stack_that_cannot_be_changed_is_told_with_reason_and_advice(status: str, advice: str):
    with pytest.raises(UserError) as told:
        planning.plan(aws(CloudFormation(status)), GOAL)
    text = str(told.value)
    assert text.startswith("shop: ")
    assert advice in text
    assert "Exporter: {no} permission" in text
    assert "cancelled" not in text
    assert "earlier operation" not in text
    assert "{stack}" not in text


def test_waiting_ends_with_what_was_under_way():
    cloudformation = CloudFormation("UPDATE_IN_PROGRESS", "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", "UPDATE_COMPLETE")
    assert deploying.wait(aws(cloudformation), "shop", lambda line: None) == "UPDATE_COMPLETE"
    assert cloudformation.asked == 3


def test_a_change_set_that_nobody_executed_is_not_waited_for():
    assert deploying.wait(aws(CloudFormation("REVIEW_IN_PROGRESS")), "shop", lambda line: None) == "REVIEW_IN_PROGRESS"
