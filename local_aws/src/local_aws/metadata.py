"""Athena's view of the data catalog: databases and tables of Glue, under the name AwsDataCatalog."""

from typing import Any

from botocore.exceptions import ClientError
from moto.athena.models import AthenaBackend
from moto.core import DEFAULT_ACCOUNT_ID

from local_aws.protocol import ApiError, Request, Response, invalid, page

CATALOG = "AwsDataCatalog"

ENGINES = {
    "EngineVersions": [
        {"SelectedEngineVersion": version, "EffectiveEngineVersion": "Athena engine version 3"}
        for version in ("AUTO", "Athena engine version 3")
    ]
}


class Metadata:
    """The operations about catalogs, databases and tables. Catalogs that users made are listed, but nothing is in them."""

    def __init__(self, glue: Any, backend: AthenaBackend) -> None:
        self._glue = glue
        self._backend = backend

    def list_databases(self, request: Request) -> Response:
        self._check_catalog(request)
        databases = [found for part in self._pages("get_databases") for found in part["DatabaseList"]]
        shown, more = page([_database(found) for found in databases], request)
        return {"DatabaseList": shown, **more}

    def get_database(self, request: Request) -> Response:
        self._check_catalog(request)
        return {"Database": _database(self._call("get_database", Name=request["DatabaseName"])["Database"])}

    def list_tables(self, request: Request) -> Response:
        self._check_catalog(request)
        wanted = {"Expression": request["Expression"]} if request.get("Expression") else {}
        parts = self._pages("get_tables", DatabaseName=request["DatabaseName"], **wanted)
        tables = [found for part in parts for found in part["TableList"]]
        shown, more = page([_table(found) for found in tables], request)
        return {"TableMetadataList": shown, **more}

    def get_table(self, request: Request) -> Response:
        self._check_catalog(request)
        found = self._call("get_table", DatabaseName=request["DatabaseName"], Name=request["TableName"])
        return {"TableMetadata": _table(found["Table"])}

    def list_catalogs(self, request: Request) -> Response:
        own = {"CatalogName": CATALOG, "Type": "GLUE"}
        shown, more = page([own, *self._backend.list_data_catalogs()], request)
        return {"DataCatalogsSummary": shown, **more}

    def get_catalog(self, request: Request) -> Response:
        if request["Name"].lower() == CATALOG.lower():
            return {"DataCatalog": {"Name": CATALOG, "Type": "GLUE", "Parameters": {"catalog-id": DEFAULT_ACCOUNT_ID}}}
        if (found := self._backend.get_data_catalog(request["Name"])) is None:
            raise invalid(f"DataCatalog {request['Name']} was not found", "DATACATALOG_NOT_FOUND")
        return {"DataCatalog": {name: value for name, value in found.items() if value is not None}}

    def _check_catalog(self, request: Request) -> None:
        if request["CatalogName"].lower() != CATALOG.lower():
            raise invalid(f"Catalog '{request['CatalogName']}' does not exist", "DATACATALOG_NOT_FOUND")

    def _call(self, operation: str, **parameters: Any) -> Any:
        try:
            return getattr(self._glue, operation)(**parameters)
        except ClientError as error:
            raise _metadata_error(error) from error

    def _pages(self, operation: str, **parameters: Any) -> list[Any]:
        try:
            return list(self._glue.get_paginator(operation).paginate(**parameters))
        except ClientError as error:
            raise _metadata_error(error) from error


def _metadata_error(error: ClientError) -> ApiError:
    told = error.response["Error"]
    return ApiError(
        "MetadataException", f"{told['Message']} (Service: AmazonDataCatalog; Status Code: 400; Error Code: {told['Code']})"
    )


def _database(found: dict[str, Any]) -> dict[str, Any]:
    return _without_none({"Name": found["Name"], "Description": found.get("Description"), "Parameters": found.get("Parameters")})


def _table(found: dict[str, Any]) -> dict[str, Any]:
    return _without_none(
        {
            "Name": found["Name"],
            "CreateTime": _seconds(found.get("CreateTime")),
            "LastAccessTime": _seconds(found.get("LastAccessTime")),
            "TableType": found.get("TableType"),
            "Columns": [_column(column) for column in found.get("StorageDescriptor", {}).get("Columns", [])],
            "PartitionKeys": [_column(column) for column in found.get("PartitionKeys", [])],
            "Parameters": {**found.get("Parameters", {}), **_storage(found.get("StorageDescriptor", {}))},
        }
    )


def _storage(found: dict[str, Any]) -> dict[str, str]:
    """Where and how a table is kept, which Athena tells among its parameters."""
    serde = found.get("SerdeInfo", {})
    return _without_none(
        {
            "location": found.get("Location"),
            "inputformat": found.get("InputFormat"),
            "outputformat": found.get("OutputFormat"),
            "serde.serialization.lib": serde.get("SerializationLibrary"),
            **{f"serde.param.{name}": value for name, value in serde.get("Parameters", {}).items()},
        }
    )


def _column(found: dict[str, Any]) -> dict[str, Any]:
    return _without_none({"Name": found["Name"], "Type": found.get("Type"), "Comment": found.get("Comment")})


def _seconds(time: Any) -> float | None:
    return time and time.timestamp()


def _without_none(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}
