"""Why a query failed, in Athena's words."""

from dataclasses import dataclass, replace

from trino.exceptions import TrinoQueryError

from local_aws.limits import Refusal

SYSTEM, USER = 1, 2  # AthenaError.ErrorCategory

# AthenaError.ErrorType: Athena's error catalog
INTERNAL, ENGINE, METASTORE, ICEBERG, WRITE, ANY_USER = 100, 200, 204, 233, 401, 1000

# Trino's names of errors and the ErrorType that Athena gave them, as measured by github.com/aoyagikouhei/athena-local
_TYPES = {
    "DIVISION_BY_ZERO": 1001,
    "TYPE_MISMATCH": 1002,
    "SYNTAX_ERROR": 1006,
    "COLUMN_NOT_FOUND": 1006,
    "CATALOG_NOT_FOUND": 1006,
    "INVALID_CAST_ARGUMENT": 1100,
    "NUMERIC_VALUE_OUT_OF_RANGE": 1100,
    "INVALID_PARAMETER_USAGE": 1100,
    "INVALID_FUNCTION_ARGUMENT": 1106,
    "TABLE_ALREADY_EXISTS": 1110,
    "NOT_SUPPORTED": 1200,
    "TABLE_NOT_FOUND": 1301,
    "SCHEMA_NOT_FOUND": 1301,
    "FUNCTION_NOT_FOUND": 1303,
}
_NO_DELETION = "Athena will not delete data in your account."


@dataclass(frozen=True)
class Failure:
    """StateChangeReason, and what AthenaError has; `error_message` where that differs from the reason."""

    message: str
    category: int
    type: int
    retryable: bool = False
    error_message: str | None = None


def of_engine(error: TrinoQueryError) -> Failure:
    """What Athena says when its engine fails a query with this error."""
    name = error.error_name or "GENERIC_INTERNAL_ERROR"
    message = error.message.replace("'iceberg.", "'awsdatacatalog.")  # Athena's one catalog is two of Trino's
    if name == "COLUMN_NOT_FOUND" and message.endswith("cannot be resolved"):
        message += " or requester is not authorized to access requested resources"
    if name == "CATALOG_NOT_FOUND":
        message = message.replace("' not found", "' does not exist")
    user = error.error_type == "USER_ERROR"
    default = ICEBERG if name.startswith("ICEBERG_") else ANY_USER if user else ENGINE
    return Failure(f"{name}: {message}", USER if user else SYSTEM, _TYPES.get(name, default))


def of_refusal(refusal: Refusal) -> Failure:
    """What Athena says when it refuses what Trino would do."""
    return Failure(refusal.message, USER, refusal.error_type, error_message=refusal.error_message)


def engine_down(cause: Exception) -> Failure:
    """What is said when Trino ended in the middle of a query or does not start: nothing that Athena has words for."""
    message = f"GENERIC_INTERNAL_ERROR: the query engine (Trino) is down; the next query starts it again: {cause}"
    return Failure(message, SYSTEM, INTERNAL, retryable=True)


def with_manual_cleaning(failure: Failure, substatement: str, output: str) -> Failure:
    """`failure` with what Athena adds to a statement that may have written files; `output` is its OutputLocation."""
    if _NO_DELETION in failure.message:
        return failure
    message = failure.message.removesuffix(".")
    if substatement == "CREATE_TABLE_AS_SELECT":
        message += f". You may need to manually clean the data at location '{output}' before retrying. {_NO_DELETION}"
    elif substatement == "INSERT":
        message += (
            f". If a data manifest file was generated at '{output}-manifest.csv', you may need to manually clean the data "
            f"from locations specified in the manifest. {_NO_DELETION}"
        )
    else:
        return failure
    return replace(failure, message=message)
