"""Column types in the two spellings of Athena: Hive's in Glue and DDL, Trino's in queries."""

from dataclasses import dataclass

from sqlglot.errors import TokenError

from local_aws.sql_text import Cursor, ParseError, hive_tokens, quote_name, trino_tokens

_HIVE_TO_TRINO = {
    "string": "varchar",
    "int": "integer",
    "float": "real",
    "binary": "varbinary",
    "struct": "row",
    "timestamptz": "timestamp with time zone",
}
_TRINO_TO_HIVE = {trino: hive for hive, trino in _HIVE_TO_TRINO.items()}
_ICEBERG_PRECISION = 6  # of the timestamps in an Iceberg table


@dataclass(frozen=True)
class SqlType:
    """A type: Trino's name for it, the numbers in its parentheses, and the types inside with the names of a row's fields."""

    name: str
    numbers: tuple[int, ...] = ()
    inner: tuple[tuple[str | None, "SqlType"], ...] = ()

    def walk(self) -> list["SqlType"]:
        """This type and all types inside it."""
        return [self, *(found for _, inner in self.inner for found in inner.walk())]


# --- reading ------------------------------------------------------------------------------------------------------------


def read_trino(text: str) -> SqlType:
    """A type as Trino prints it: `map(varchar, row(a integer))`. A text that is no type is taken as a name."""
    try:
        cursor = Cursor(text, trino_tokens(text))
        found = _trino(cursor)
        cursor.end()
    except (ParseError, TokenError):
        return SqlType(text)
    return found


def _trino(cursor: Cursor) -> SqlType:
    name = cursor.name()
    if name == "interval":
        return SqlType(" ".join([name, *(cursor.name() for _ in range(3))]))
    numbers: list[int] = []
    inner: list[tuple[str | None, SqlType]] = []
    for _ in cursor.items() if cursor.word() == "(" else ():
        if cursor.word().isdigit():
            numbers.append(int(cursor.take().text))
        else:
            field = cursor.name() if name == "row" and _field_name_ahead(cursor) else None
            inner.append((field, _trino(cursor)))
    if cursor.accept("WITH", "TIME", "ZONE"):
        name += " with time zone"
    return SqlType(name, tuple(numbers), tuple(inner))


def _field_name_ahead(cursor: Cursor) -> bool:
    interval = cursor.word() == "INTERVAL" and cursor.word(1) in ("DAY", "YEAR")
    return not interval and cursor.word(1) not in ("(", ")", ",")


def read_hive(text: str) -> SqlType:
    """A type as Glue has it: `map<string,struct<a:int>>`. A text that is no type is taken as a name."""
    try:
        cursor = Cursor(text, hive_tokens(text))
        found = hive_type(cursor)
        cursor.end()
    except (ParseError, TokenError):
        return SqlType(text)
    return found


def hive_type(cursor: Cursor) -> SqlType:
    """Read a type of Hive DDL where the cursor stands. Raises ParseError."""
    name = cursor.name()
    numbers: list[int] = []
    inner: list[tuple[str | None, SqlType]] = []
    if cursor.word() == "(":
        for _ in cursor.items():
            if not cursor.word().isdigit():
                raise cursor.fail("a number")
            numbers.append(int(cursor.take().text))
    elif cursor.word() == "<":
        for _ in cursor.items("<", ">"):
            field = None
            if name == "struct":
                field = cursor.name()
                cursor.expect(":")
            inner.append((field, hive_type(cursor)))
            if cursor.accept("COMMENT"):
                cursor.string()
    elif name == "timestamp" and cursor.accept("WITH", "TIME", "ZONE"):
        name = "timestamptz"
    if name == "decimal" and len(numbers) < 2:
        numbers = [*(numbers or [10]), 0]
    return SqlType(_HIVE_TO_TRINO.get(name, name), tuple(numbers), tuple(inner))


# --- writing ------------------------------------------------------------------------------------------------------------


def glue_type(sql_type: SqlType, separator: str = "") -> str:
    """Hive's spelling as Glue keeps it; with a blank as `separator` as Athena prints Iceberg columns."""
    comma = f",{separator}"
    name = sql_type.name
    if name == "row":
        fields = ((field or f"field{index}", inner) for index, (field, inner) in enumerate(sql_type.inner))
        return f"struct<{comma.join(f'{field}:{separator}{glue_type(inner, separator)}' for field, inner in fields)}>"
    if sql_type.inner:
        return f"{name}<{comma.join(glue_type(inner, separator) for _, inner in sql_type.inner)}>"
    if name.startswith(("timestamp", "time")):
        return name
    spelled = name if name == "varchar" and sql_type.numbers else _TRINO_TO_HIVE.get(name, name)
    return spelled + (f"({comma.join(map(str, sql_type.numbers))})" if sql_type.numbers else "")


def iceberg_column_type(sql_type: SqlType) -> str:
    """Trino's spelling of the type as a column of an Iceberg table, whose timestamps are in microseconds."""
    name = sql_type.name
    if name == "row":
        fields = (f"{quote_name(field or '')} {iceberg_column_type(inner)}" for field, inner in sql_type.inner)
        return f"row({', '.join(fields)})"
    if sql_type.inner:
        return f"{name}({', '.join(iceberg_column_type(inner) for _, inner in sql_type.inner)})"
    if name == "timestamp with time zone":
        return f"timestamp({_ICEBERG_PRECISION}) with time zone"
    if name in ("timestamp", "time"):
        return f"{name}({_ICEBERG_PRECISION})"
    if name == "varchar":
        return name  # Iceberg has strings without length
    return name + (f"({', '.join(map(str, sql_type.numbers))})" if sql_type.numbers else "")


def trino_text(sql_type: SqlType) -> str:
    """Trino's spelling, as it prints types."""
    inner = [f"{field} {trino_text(child)}" if field else trino_text(child) for field, child in sql_type.inner]
    base, _, zone = sql_type.name.partition(" with ")
    inside = ", ".join([*map(str, sql_type.numbers), *inner])
    return base + (f"({inside})" if inside else "") + (f" with {zone}" if zone else "")
