"""Athena's view of the data catalog: databases and tables of Glue, under the name AwsDataCatalog."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError
from moto.athena.models import AthenaBackend
from moto.core import DEFAULT_ACCOUNT_ID

from local_aws.protocol import ApiError, Request, Response, invalid, page

if TYPE_CHECKING:
    from mypy_boto3_glue import GlueClient
    from mypy_boto3_glue import type_defs as types

CATALOG = "AwsDataCatalog"

ENGINES = {
    "EngineVersions": [
        {"SelectedEngineVersion": version, "EffectiveEngineVersion": "Athena engine version 3"}
        for version in ("AUTO", "Athena engine version 3")
    ]
}


class Metadata:
    """The operations about catalogs, databases and tables. Catalogs that users made are listed, but nothing is in them."""

    def __init__(self, glue: "GlueClient", backend: AthenaBackend) -> None:
        self._glue = glue
        self._backend = backend

    def list_databases(self, request: Request) -> Response:
        self._check_catalog(request)
        with _glue_errors():
            parts = self._glue.get_paginator("get_databases").paginate()
            databases = [found for part in parts for found in part["DatabaseList"]]
        shown, more = page([_database(found) for found in databases], request)
        return {"DatabaseList": shown, **more}

    def get_database(self, request: Request) -> Response:
        self._check_catalog(request)
        with _glue_errors():
            return {"Database": _database(self._glue.get_database(Name=request["DatabaseName"])["Database"])}

    def list_tables(self, request: Request) -> Response:
        self._check_catalog(request)
        wanted = request.get("Expression") or "*"
        with _glue_errors():
            parts = self._glue.get_paginator("get_tables").paginate(DatabaseName=request["DatabaseName"], Expression=wanted)
            tables = [found for part in parts for found in part["TableList"]]
        shown, more = page([_table(found) for found in tables], request)
        return {"TableMetadataList": shown, **more}

    def get_table(self, request: Request) -> Response:
        self._check_catalog(request)
        with _glue_errors():
            found = self._glue.get_table(DatabaseName=request["DatabaseName"], Name=request["TableName"])
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


@contextmanager
def _glue_errors() -> Iterator[None]:
    """Turn errors of Glue into those of Athena, which quotes them."""
    try:
        yield
    except ClientError as error:
        told = error.response["Error"]
        text = f"{told['Message']} (Service: AmazonDataCatalog; Status Code: 400; Error Code: {told['Code']})"
        raise ApiError("MetadataException", text) from error


def _database(found: "types.DatabaseTypeDef") -> dict[str, Any]:
    return _without_none({"Name": found["Name"], "Description": found.get("Description"), "Parameters": found.get("Parameters")})


def _table(found: "types.TablePaginatorTypeDef | types.TableTypeDef") -> dict[str, Any]:
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


def _storage(found: "types.StorageDescriptorOutputTypeDef") -> dict[str, str]:
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


def _column(found: "types.ColumnOutputTypeDef") -> dict[str, Any]:
    return _without_none({"Name": found["Name"], "Type": found.get("Type"), "Comment": found.get("Comment")})


def _seconds(time: datetime | None) -> float | None:
    return time.timestamp() if time else None


def _without_none(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}
