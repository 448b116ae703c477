"""What all operations of the Athena API have in common: errors, the validation of requests, and lists in pages."""

import base64
import binascii
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeVar

from botocore.model import ListShape, MapShape, Shape, StructureShape

Request = Mapping[str, Any]
Response = dict[str, Any]
Item = TypeVar("Item")

# The one maximum in the service model that Athena does not check with the others, but after it looked for the query.
_LATER_MAXIMUM = "MaxQueryResults"


class ApiError(Exception):
    """An error that the API answers: `code` as in AWS, such as InvalidRequestException, and the HTTP status.

    `athena_code` is Athena's finer code, such as MALFORMED_QUERY.
    """

    def __init__(self, code: str, message: str, status: int = 400, *, athena_code: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status
        self.athena_code = athena_code

    @property
    def body(self) -> dict[str, str]:
        """The body of the HTTP answer. Athena names the finer code twice."""
        codes = {"AthenaErrorCode": self.athena_code, "ErrorCode": self.athena_code} if self.athena_code else {}
        return {"__type": self.code, **codes, "Message": self.message}


def invalid(message: str, athena_code: str = "INVALID_INPUT") -> ApiError:
    """An InvalidRequestException, Athena's error for nearly everything."""
    return ApiError("InvalidRequestException", message, athena_code=athena_code)


# --- validation ---------------------------------------------------------------------------------------------------------


def check(request: Request, shape: StructureShape) -> None:
    """Raise ApiError, as AWS words it, if `request` is not what the service model says of it."""
    if found := list(_violations(request, shape, "")):
        raise invalid(f"{len(found)} validation error{'s' * (len(found) > 1)} detected: {'; '.join(found)}")


def _violations(value: Any, shape: Shape, path: str) -> Iterator[str]:
    _check_type(value, shape)
    if isinstance(shape, StructureShape):
        for name, member in shape.members.items():
            inside = f"{path}.{_lower(name)}" if path else _lower(name)
            if value.get(name) is not None:
                yield from _violations(value[name], member, inside)
            elif name in shape.required_members:
                yield f"Value null at '{inside}' failed to satisfy constraint: Member must not be null"
        return
    if isinstance(shape, ListShape):
        for index, item in enumerate(value, 1):
            yield from _violations(item, shape.member, f"{path}.{index}.member")
    low, high = shape.metadata.get("min"), shape.metadata.get("max")
    size, measured = (value, "value") if isinstance(value, int) else (len(value), "length")
    failed = f"Value at '{path}' failed to satisfy constraint: Member must"
    if low is not None and size < low:
        yield f"{failed} have {measured} greater than or equal to {low}"
    if high is not None and size > high and shape.name != _LATER_MAXIMUM:
        yield f"{failed} have {measured} less than or equal to {high}"
    if (allowed := shape.metadata.get("enum")) and value not in allowed:
        yield f"{failed} satisfy enum value set: [{', '.join(allowed)}]"


def _check_type(value: Any, shape: Shape) -> None:
    types = {"string": str, "integer": int, "long": int, "boolean": bool, "list": list, "structure": dict, "map": dict}
    wanted = types.get(shape.type_name, object)
    if not isinstance(value, wanted) or (wanted is int and isinstance(value, bool)):
        raise ApiError("SerializationException", f"{value!r} can not be converted to {shape.type_name}")
    if isinstance(shape, MapShape) and isinstance(value, dict):
        for item in value.values():
            _check_type(item, shape.value)


def _lower(name: str) -> str:
    return name[:1].lower() + name[1:]


# --- pages --------------------------------------------------------------------------------------------------------------


def page(items: Sequence[Item], request: Request, most: int = 50) -> tuple[list[Item], Response]:
    """The page of `items` that `request` asks for, and the NextToken to answer, if any, as a part of the response."""
    start = token_position(request, "The nextPageToken is malformed:")
    end = start + (request.get("MaxResults") or most)
    return list(items[start:end]), next_token(end) if end < len(items) else {}


def token_position(request: Request, complaint: str) -> int:
    """Where a request goes on. Raises ApiError with `complaint` if its NextToken was not made by next_token."""
    token = request.get("NextToken")
    if token is None:
        return 0
    try:
        return int(base64.b64decode(token, validate=True))
    except (ValueError, binascii.Error):
        raise invalid(f"{complaint} {token}") from None


def next_token(position: int) -> Response:
    """NextToken as a part of a response."""
    return {"NextToken": base64.b64encode(str(position).encode()).decode()}
