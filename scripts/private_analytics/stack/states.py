"""What a stack's state means for the person who wants to change it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Can = Literal["create", "update", "wait", "stuck"]


@dataclass(frozen=True)
class StackState:
    """What can be done with the stack, and what should be said about it; `advice` is for those that are stuck."""

    can: Can
    note: str = ""
    advice: str = ""


NONE = "NONE"  # our word for: there is no such stack

_GONE_WRONG = (
    "Look at what failed above or in its events; most often a name is taken, or a permission of yours is missing. Then remove"
    " what is left, which keeps all logs: pal stack destroy; and deploy again."
)
STATES = {
    NONE: StackState("create"),
    "DELETE_COMPLETE": StackState("create"),
    "REVIEW_IN_PROGRESS": StackState("create", "An earlier deploy was broken off before anything was made. It is begun anew."),
    "CREATE_COMPLETE": StackState("update"),
    "UPDATE_COMPLETE": StackState("update"),
    "IMPORT_COMPLETE": StackState("update"),
    "UPDATE_ROLLBACK_COMPLETE": StackState(
        "update", "The last update failed and was undone: the stack is as it was before it. Its events say why."
    ),
    "IMPORT_ROLLBACK_COMPLETE": StackState("update", "The last import failed and was undone. The stack's events say why."),
    "ROLLBACK_COMPLETE": StackState(
        "stuck", "The first deploy failed and was undone; such a stack can only be deleted.", _GONE_WRONG
    ),
    "ROLLBACK_FAILED": StackState("stuck", "The first deploy failed, and undoing it failed as well.", _GONE_WRONG),
    "CREATE_FAILED": StackState("stuck", "The first deploy failed.", _GONE_WRONG),
    "DELETE_FAILED": StackState(
        "stuck",
        "The stack could not be deleted whole.",
        "Its events name what could not be deleted. Put that right, then again: pal stack destroy",
    ),
    "UPDATE_ROLLBACK_FAILED": StackState(
        "stuck",
        "An update failed, and undoing it failed as well.",
        "Its events name the resource that could not be put back. Put that right, then: aws cloudformation"
        " continue-update-rollback --stack-name {stack}   (with --resources-to-skip NAME for"
        " what cannot be put right). After it, deploy again.",
    ),
    "IMPORT_ROLLBACK_FAILED": StackState(
        "stuck",
        "Taking over a resource failed, and undoing it failed as well.",
        "Put right what its events name, then: aws cloudformation continue-update-rollback --stack-name {stack}",
    ),
    "UPDATE_FAILED": StackState(
        "stuck",
        "An update failed and was not undone, since somebody asked for that.",
        "Undo it: aws cloudformation rollback-stack --stack-name {stack}   After it, deploy again.",
    ),
}


def meaning(status: str) -> StackState:
    """What a status means. One that ends in _IN_PROGRESS is to be waited for, whatever it is."""
    known = STATES.get(status)
    if known:
        return known
    if status.endswith("_IN_PROGRESS"):
        return StackState("wait", f"Something is under way ({status}), perhaps a deploy that was broken off on this side only.")
    return StackState("stuck", f"The stack is in a state that is not known here: {status}.", "Its events say more.")
