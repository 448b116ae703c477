"""Workgroups: moto keeps them; this adds what moto does not do."""

from typing import Any

from moto.athena.models import AthenaBackend, athena_backends
from moto.core import DEFAULT_ACCOUNT_ID

from local_aws.protocol import Request, Response, invalid

DEFAULT = "primary"


def moto_backend(region: str) -> AthenaBackend:
    """The state of moto's Athena, which lives in this process."""
    return athena_backends[DEFAULT_ACCOUNT_ID][region]


def configuration(backend: AthenaBackend, name: str) -> dict[str, Any]:
    """The Configuration of a workgroup that takes queries. Raises ApiError if it is not there or is disabled."""
    workgroup = _find(backend, name)
    if workgroup["State"] != "ENABLED":
        raise invalid(f"WorkGroup {name} is disabled.")
    found: dict[str, Any] = workgroup["Configuration"]
    return found


def get(backend: AthenaBackend, request: Request) -> Response:
    """GetWorkGroup; moto answers null for a workgroup that is not there."""
    workgroup = _find(backend, request["WorkGroup"])
    return {"WorkGroup": {key: value for key, value in workgroup.items() if value not in ("", None)}}


def update(backend: AthenaBackend, request: Request) -> Response:
    """UpdateWorkGroup, which moto has not."""
    _find(backend, request["WorkGroup"])
    workgroup = backend.work_groups[request["WorkGroup"]]
    workgroup.state = request.get("State", workgroup.state)
    workgroup.description = request.get("Description", workgroup.description)
    updates = dict(request.get("ConfigurationUpdates", {}))
    result_updates = updates.pop("ResultConfigurationUpdates", {})
    if result_updates:
        updates["ResultConfiguration"] = _updated(workgroup.configuration.get("ResultConfiguration", {}), result_updates)
    workgroup.configuration = _updated(workgroup.configuration, updates)
    return {}


def _find(backend: AthenaBackend, name: str) -> dict[str, Any]:
    workgroup = backend.get_work_group(name)
    if workgroup is None:
        raise invalid("WorkGroup is not found.")
    return workgroup


def _updated(settings: dict[str, Any], updates: dict[str, Any]) -> dict[str, Any]:
    """`settings` with `updates`, in which RemoveX takes X away."""
    removed = {name.removeprefix("Remove") for name, value in updates.items() if name.startswith("Remove") and value}
    changed = {name: value for name, value in updates.items() if not name.startswith("Remove")}
    return {name: value for name, value in (settings | changed).items() if name not in removed}
