"""Athena on your machine: Athena's API over a real Trino, with moto for S3, Glue and the rest of AWS."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from local_aws.recording import Call
    from local_aws.server import LocalAws
    from local_aws.trino_server import TrinoError

__all__ = ["Call", "LocalAws", "TrinoError"]

_HOMES = {"Call": "recording", "LocalAws": "server", "TrinoError": "trino_server"}


def __getattr__(name: str) -> object:
    """Import what is asked for: the pytest plugin and `local_aws.export_tasks` work without what the server needs."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
