"""What a stack's status means for the person who wants to change it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Can = Literal["create", "update", "wait", "stuck"]


@dataclass(frozen=True)
class StackState:
    """What can be done with the stack, and a note for the user; `advice` is for stacks that are stuck."""

    can: Can
    note: str = ""
    advice: str = ""


NONE = "NONE"  # our own status: there is no such stack

_GONE_WRONG = (
    "Look at what failed above or in the stack's events; most often a name is taken, or you lack a permission. Then remove the"
    " rest (this keeps all logs): pal stack destroy; and deploy again."
)
STATES = {
    NONE: StackState("create"),
    "DELETE_COMPLETE": StackState("create"),
    "REVIEW_IN_PROGRESS": StackState("create", "An earlier deploy was interrupted before it created anything. It starts again."),
    "CREATE_COMPLETE": StackState("update"),
    "UPDATE_COMPLETE": StackState("update"),
    "IMPORT_COMPLETE": StackState("update"),
    "UPDATE_ROLLBACK_COMPLETE": StackState(
        "update", "The last update failed and was rolled back: the stack is as it was before. Its events say why."
    ),
    "IMPORT_ROLLBACK_COMPLETE": StackState("update", "The last import failed and was rolled back. The stack's events say why."),
    "ROLLBACK_COMPLETE": StackState(
        "stuck", "The first deploy failed and was rolled back; such a stack can only be deleted.", _GONE_WRONG
    ),
    "ROLLBACK_FAILED": StackState("stuck", "The first deploy failed, and its rollback failed too.", _GONE_WRONG),
    "CREATE_FAILED": StackState("stuck", "The first deploy failed.", _GONE_WRONG),
    "DELETE_FAILED": StackState(
        "stuck",
        "The stack could not be deleted completely.",
        "Its events name what could not be deleted. Fix that, then run again: pal stack destroy",
    ),
    "UPDATE_ROLLBACK_FAILED": StackState(
        "stuck",
        "An update failed, and its rollback failed too.",
        "Its events name the resource that could not be rolled back. Fix that, then run: aws cloudformation"
        " continue-update-rollback --stack-name {stack}   (with --resources-to-skip NAME for"
        " what cannot be fixed). Then deploy again.",
    ),
    "IMPORT_ROLLBACK_FAILED": StackState(
        "stuck",
        "An import failed, and its rollback failed too.",
        "Fix what its events name, then run: aws cloudformation continue-update-rollback --stack-name {stack}",
    ),
    "UPDATE_FAILED": StackState(
        "stuck",
        "An update failed and was not rolled back, as somebody had requested.",
        "Roll it back: aws cloudformation rollback-stack --stack-name {stack}   Then deploy again.",
    ),
}


def meaning(status: str) -> StackState:
    """What a status means. For any status that ends in _IN_PROGRESS, wait."""
    known = STATES.get(status)
    if known:
        return known
    if status.endswith("_IN_PROGRESS"):
        return StackState("wait", f"An operation is in progress ({status}), perhaps from an interrupted deploy command.")
    return StackState("stuck", f"The stack has an unknown status: {status}.", "Its events say more.")
