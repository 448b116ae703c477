"""Values as Athena prints them, columns as Athena reports them, and the files of a result as Athena writes them.

What is printed how was taken from Athena's user guide, from the tests of PyAthena and dbt-athena that run against AWS,
and from the measurements published in github.com/aoyagikouhei/athena-local (docs/dev/measurements).
"""

import base64
import struct
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import IO, Any

from local_aws.engine import Column

Cell = str | None
Signature = Mapping[str, Any]
Render = Callable[[Any], str]

# --- values -------------------------------------------------------------------------------------------------------------


def rendered(columns: Sequence[Column], rows: Iterable[Sequence[Any]]) -> Iterator[list[Cell]]:
    """Rows of Trino's JSON values as Athena prints them; a null stays None."""
    renders = [renderer(column.signature) for column in columns]
    for row in rows:
        yield [None if value is None else render(value) for render, value in zip(renders, row, strict=True)]


def renderer(signature: Signature) -> Render:
    """The function that prints a value of this type, given as in Trino's JSON and never None."""
    arguments = signature.get("arguments", [])
    match signature["rawType"]:
        case "boolean":
            return lambda value: "true" if value else "false"
        case "real" | "double":
            return java_double
        case "varbinary":
            return hexadecimal
        case "array":
            element = _nested(arguments[0]["value"])
            return lambda value: f"[{', '.join(map(element, value))}]"
        case "map":
            return _map_renderer(arguments[0]["value"], arguments[1]["value"])
        case "row":
            return _row_renderer([argument["value"] for argument in arguments])
        case _:
            return str


def _nested(signature: Signature) -> Render:
    """How a value inside another is printed: the same, only that null is a word there."""
    render = renderer(signature)
    return lambda value: "null" if value is None else render(value)


def _row_renderer(fields: Sequence[Signature]) -> Render:
    """`{a=1, b=x}`, and `{1, x}` for a row without names."""
    labels = [f"{name['name']}=" if (name := field.get("fieldName")) else "" for field in fields]
    renders = [_nested(field["typeSignature"]) for field in fields]

    def render(values: Sequence[Any]) -> str:
        return f"{{{', '.join(label + show(value) for label, show, value in zip(labels, renders, values, strict=True))}}}"

    return render


def _map_renderer(keys: Signature, values: Signature) -> Render:
    """`{a=1, b=2}`. Athena prints entries in the order of a Java HashMap: the user guide's `{last=Smith, first=Bob, age=35}`
    for the keys first, last, age."""
    show_key = hexadecimal if keys["rawType"] == "varbinary" else str  # Trino sends other keys as text
    show = _nested(values)
    code = _JAVA_HASH_CODES.get(keys["rawType"])

    def render(entries: Mapping[str, Any]) -> str:
        names = _hash_map_order(entries, code) if code else entries
        return f"{{{', '.join(f'{show_key(name)}={show(entries[name])}' for name in names)}}}"

    return render


def hexadecimal(value: str) -> str:
    """Bytes, given in base 64, as `01 02 ff`."""
    return base64.b64decode(value).hex(" ")


def java_double(value: float | str) -> str:
    """A number as Java's Double.toString prints it: plainly from 0.001 to 10,000,000, otherwise as 1.0E10."""
    if isinstance(value, str):  # NaN, Infinity, -Infinity
        return value
    value = float(value)
    if value == 0 or 1e-3 <= abs(value) < 1e7:
        return repr(value)
    shortest = _scientific(value)
    if "." not in shortest:  # Java prints two digits at least, and the nearest two: 4.9E-324
        shortest = f"{value:.1e}"
    mantissa, exponent = shortest.split("e")
    return f"{mantissa}E{int(exponent)}"


def _scientific(value: float) -> str:
    """The fewest digits that mean this number, as d.ddde±xx."""
    if "e" in (shortest := repr(value)):
        return shortest
    digits = len(shortest.strip("-0.").replace(".", ""))
    return f"{value:.{digits - 1}e}"


# --- the order of a Java HashMap ----------------------------------------------------------------------------------------


def _hash_map_order(names: Iterable[str], code: Callable[[str], int]) -> list[str]:
    """`names`, put in this order into a java.util.HashMap, in the order that one iterates in."""
    names = list(names)
    buckets = 16
    while len(names) > buckets * 3 // 4:
        buckets *= 2

    def bucket(name: str) -> int:
        hash_code = code(name) & 0xFFFFFFFF
        return (hash_code ^ hash_code >> 16) & buckets - 1

    return sorted(names, key=bucket)


def _string_hash(name: str) -> int:
    value = 0
    for (unit,) in struct.iter_unpack(">H", name.encode("utf-16-be", "surrogatepass")):
        value = 31 * value + unit & 0xFFFFFFFF
    return value


def _long_hash(name: str) -> int:
    bits = int(name) & 0xFFFFFFFFFFFFFFFF
    return bits ^ bits >> 32


def _double_hash(name: str) -> int:
    bits: int
    (bits,) = struct.unpack(">Q", struct.pack(">d", float(name)))
    return bits ^ bits >> 32


_JAVA_HASH_CODES: Mapping[str, Callable[[str], int]] = {
    "varchar": _string_hash,
    "char": _string_hash,
    "tinyint": int,
    "smallint": int,
    "integer": int,
    "bigint": _long_hash,
    "double": _double_hash,
    "boolean": lambda name: 1231 if name == "true" else 1237,
}

# --- columns ------------------------------------------------------------------------------------------------------------

_NUMBERS = {"tinyint": 3, "smallint": 5, "integer": 10, "bigint": 19, "real": 17, "double": 17, "varbinary": 1073741824}
_TEXT = ("varchar", "char")
_TIMES = ("time", "timestamp", "time with time zone", "timestamp with time zone")


def column_info(column: Column) -> dict[str, Any]:
    """The ColumnInfo of a column; its type is without precision, and the precision of a time is always 3."""
    raw = column.signature["rawType"]
    numbers = [argument["value"] for argument in column.signature.get("arguments", []) if argument["kind"] == "LONG"]
    precision, scale = _NUMBERS.get(raw, 0), 0
    if raw == "decimal":
        precision, scale = numbers
    elif raw in _TEXT and numbers:
        precision = numbers[0]
    elif raw in _TIMES:
        precision = 3
    return {
        "CatalogName": "hive",
        "SchemaName": "",
        "TableName": "",
        "Name": column.name,
        "Label": column.name,
        "Type": "float" if raw == "real" else raw,
        "Precision": precision,
        "Scale": scale,
        "Nullable": "UNKNOWN",
        "CaseSensitive": raw in _TEXT and bool(numbers),
    }


def plain_column(name: str, type_: str = "string") -> Column:
    """A column of a type without parameters, such as those of DESCRIBE, which are of a type `string` that Trino has not."""
    return Column(name, type_, {"rawType": type_})


# --- files --------------------------------------------------------------------------------------------------------------


def csv_line(cells: Iterable[Cell]) -> bytes:
    """A line of a CSV result: every value in quotes, a null as nothing."""
    return (",".join("" if cell is None else '"' + cell.replace('"', '""') + '"' for cell in cells) + "\n").encode()


def text_row(cells: Iterable[Cell]) -> bytes:
    """A row of the text that DDL, SHOW, DESCRIBE and EXPLAIN leave; a line feed stands between rows, none at the end."""
    return "\t".join(cell or "" for cell in cells).encode()


def read_csv(file: IO[bytes]) -> Iterator[list[Cell]]:
    """The rows of a CSV result from where the file stands; after each row the file stands behind it."""
    while line := file.readline():
        while line.count(b'"') % 2:  # a line feed between quotes
            line += file.readline()
        yield _csv_cells(line.decode().removesuffix("\n"))


def _csv_cells(line: str) -> list[Cell]:
    cells: list[Cell] = []
    for part in line.split(","):
        if cells and (last := cells[-1]) is not None and last.count('"') % 2:
            cells[-1] = f"{last},{part}"  # a comma between quotes
        else:
            cells.append(part or None)
    return [cell and cell[1:-1].replace('""', '"') for cell in cells]


def read_text(file: IO[bytes]) -> Iterator[list[Cell]]:
    """The rows of a text result from where the file stands, one value each; after each row the file stands behind it."""
    start = file.tell()
    size = file.seek(0, 2)
    file.seek(start)
    if size == 0:
        return
    while file.tell() < size:
        line = file.readline().decode()
        if not line.endswith("\n"):
            file.seek(size + 1)  # so that `the end` is not `before an empty last row`
            yield [line]
            return
        yield [line.removesuffix("\n")]
    if file.tell() == size:
        file.seek(size + 1)
        yield [""]


def metadata(columns: Sequence[Column], *, query_id: str, update_type: str | None, update_count: int | None) -> bytes:
    """The file beside a result that Athena's JDBC driver reads: protocol buffers, as burtcorp/athena-jdbc found out
    (AthenaMetaDataParser) and athena-local measured."""
    message = _field(1, query_id)
    if update_type:
        message += _field(2, update_type)
    if update_count is not None:
        message += _field(3, update_count)
    return message + b"".join(_field(4, _column_message(column)) for column in columns)


def _column_message(column: Column) -> bytes:
    info = column_info(column)
    raw = column.signature["rawType"]
    numeric = raw in _NUMBERS or raw in _TIMES or info["Precision"] > 0
    message = _field(1, info["CatalogName"]) + _field(4, info["Name"]) + _field(5, info["Label"]) + _field(6, info["Type"])
    if numeric:
        message += _field(7, info["Precision"])
    if numeric or raw == "date":
        message += _field(8, info["Scale"])
    message += _field(9, 3)  # Nullable: UNKNOWN
    if numeric or raw in ("date", "boolean") or raw.startswith("interval"):
        message += _field(10, int(info["CaseSensitive"]))
    return message


def _field(number: int, value: int | str | bytes) -> bytes:
    if isinstance(value, int):
        return _varint(number << 3) + _varint(value)
    content = value.encode() if isinstance(value, str) else value
    return _varint(number << 3 | 2) + _varint(len(content)) + content


def _varint(value: int) -> bytes:
    groups = bytearray()
    while value > 0x7F:
        groups.append(value & 0x7F | 0x80)
        value >>= 7
    groups.append(value)
    return bytes(groups)
