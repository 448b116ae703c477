"""AWS on this machine, as far as dbt on Athena needs it: S3, Glue and Athena with a real Trino behind it."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from local_aws.server import LocalAws

__all__ = ["LocalAws"]


def __getattr__(name: str) -> Any:
    """Import the server when it is asked for: `local_aws.export_tasks` works without what the server needs."""
    if name == "LocalAws":
        from local_aws.server import LocalAws

        return LocalAws
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
