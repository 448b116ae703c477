"""The calls of the Glue API that moto does not know, or answers otherwise than Glue in what Iceberg needs."""

import threading
from collections.abc import Mapping
from typing import Any

from moto.core import DEFAULT_ACCOUNT_ID
from moto.core.exceptions import JsonRESTError
from moto.glue.models import GlueBackend, glue_backends

from local_aws.protocol import ApiError

# moto answers these with HTTP 500. No column statistics are kept here, so there are none to give.
_ANSWERS: dict[str, dict[str, Any]] = {
    "GetColumnStatisticsForTable": {"ColumnStatisticsList": [], "Errors": []},
    "GetColumnStatisticsForPartition": {"ColumnStatisticsList": [], "Errors": []},
    "UpdateColumnStatisticsForTable": {"Errors": []},
    "UpdateColumnStatisticsForPartition": {"Errors": []},
    "DeleteColumnStatisticsForTable": {},
    "DeleteColumnStatisticsForPartition": {},
}


class GlueFixes:
    """Answers the operations in `operations`; all others are moto's."""

    operations = frozenset({*_ANSWERS, "CreateTable", "UpdateTable"})

    def __init__(self, region: str) -> None:
        self._region = region
        self._updating = threading.Lock()

    @property
    def _tables(self) -> GlueBackend:
        return glue_backends[DEFAULT_ACCOUNT_ID][self._region]  # another one after each reset of moto

    def call(self, operation: str, request: Mapping[str, Any]) -> dict[str, Any]:
        """Answer an operation. Raises ApiError."""
        try:
            match operation:
                case "CreateTable":
                    self._create_table(request)
                case "UpdateTable":
                    self._update_table(request)
        except JsonRESTError as error:
            raise ApiError(error.error_type, error.message) from None
        return _ANSWERS.get(operation, {})

    def _create_table(self, request: Mapping[str, Any]) -> None:
        table = request["TableInput"]
        _mark_iceberg_columns(table)
        self._tables.create_table(request["DatabaseName"], table["Name"], table, request.get("OpenTableFormatInput"))

    def _update_table(self, request: Mapping[str, Any]) -> None:
        """With the check of VersionId that moto leaves out: without it, writers of one Iceberg table undo each other's work."""
        database, table = request["DatabaseName"], request["TableInput"]
        _mark_iceberg_columns(table)
        with self._updating:
            current = self._tables.get_table(database, table["Name"]).as_dict()["VersionId"]
            if request.get("VersionId", current) != current:
                raise ApiError("ConcurrentModificationException", "Update table failed due to concurrent modifications.")
            self._tables.update_table(database, table["Name"], table)


def _mark_iceberg_columns(table: dict[str, Any]) -> None:
    """Say of the columns of an Iceberg table that they are current.

    Athena says so (org.apache.iceberg.aws.glue.IcebergToGlueConverter), Trino does not, and awswrangler sees no others.
    """
    if table.get("Parameters", {}).get("table_type", "").upper() == "ICEBERG":
        for column in table.get("StorageDescriptor", {}).get("Columns", ()):
            column.setdefault("Parameters", {}).setdefault("iceberg.field.current", "true")
