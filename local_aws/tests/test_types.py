"""Random values of every type go through tables and come back as Athena prints them.

The expected text is made here from Python values alone, with nothing of the code under test.
"""

import datetime as dt
import decimal
import math
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

Expect = Callable[[Any], str]

SETTINGS = settings(
    max_examples=3,
    deadline=None,
    derandomize=True,  # the same values in every run: a failure of the build is one of the code
    phases=[Phase.generate],  # a smaller example would cost minutes, a query for each attempt
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@dataclass(frozen=True)
class Type:
    """A type by its name in SQL: values of it, how one is written in SQL, and the text that Athena has for it."""

    sql: str
    values: st.SearchStrategy[Any]
    literal: Callable[[Any], str]
    text: Expect

    def written(self, value: Any) -> str:
        return f"CAST({'NULL' if value is None else self.literal(value)} AS {self.sql})"


# --- scalars ------------------------------------------------------------------------------------------------------------


def integer(sql: str, bits: int) -> Type:
    low, high = -(2 ** (bits - 1)), 2 ** (bits - 1) - 1
    values = st.integers(low, high) | st.sampled_from([low, high, 0, -1])
    return Type(sql, values, lambda value: f"{sql} '{value}'", str)


def java_float(number: np.floating) -> str:
    """What Double.toString and Float.toString say of a number."""
    if np.isnan(number) or np.isinf(number):
        return "NaN" if np.isnan(number) else "Infinity" if number > 0 else "-Infinity"
    if number == 0 or 1e-3 <= abs(number) < 1e7:
        return np.format_float_positional(number, unique=True, trim="0")
    digits, exponent = np.format_float_scientific(number, unique=True, trim="-").split("e")
    if len(digits.lstrip("-")) == 1:
        digits, exponent = np.format_float_scientific(number, unique=False, precision=1).split("e")
    return f"{digits}E{int(exponent)}"


def floating(sql: str, kind: type[np.floating], width: int) -> Type:
    def literal(value: float) -> str:
        if math.isnan(value) or math.isinf(value):
            return "nan()" if math.isnan(value) else "infinity()" if value > 0 else "-infinity()"
        return f"{sql} '{value!r}'"

    def text(value: float) -> str:
        return java_float(kind(value))

    least = float(np.finfo(kind).smallest_subnormal)
    extreme = st.sampled_from([float(np.finfo(kind).max), least, -least, 0.0, -0.0, 1e7, 1e-3, 9999999.0, 1e10])
    round_ = st.integers(-(10**6), 10**6).map(lambda cents: float(kind(cents / 100)))
    return Type(sql, st.floats(width=width) | round_ | extreme.map(lambda value: float(kind(value))), literal, text)


def quoted(value: str) -> str:
    """A string literal, with what is not plain ASCII as code points."""
    escaped = "".join(char if " " <= char <= "~" and char not in "\\'" else f"\\+{ord(char):06x}" for char in value)
    return f"U&'{escaped}'"


CHARACTERS = st.characters(exclude_categories=["Cs"]) | st.sampled_from(list("\"',=[]{}\\ \n\r\t\0null"))
TEXT = st.text(CHARACTERS, max_size=12) | st.sampled_from(["", '"', '""', "null", "NULL", '"\n"', ",", "\n", " "])


def number(precision: int, scale: int) -> Type:
    most = 10**precision - 1

    def text(unscaled: int) -> str:
        with decimal.localcontext(prec=40):
            return f"{decimal.Decimal(unscaled).scaleb(-scale):f}"

    values = st.integers(-most, most) | st.sampled_from([0, 1, -1, most, -most])
    return Type(f"decimal({precision},{scale})", values, lambda value: f"DECIMAL '{text(value)}'", text)


def moment(digits: int, zone: str = "") -> Type:
    """A timestamp with so many digits of a second."""

    def text(value: dt.datetime) -> str:
        fraction = f".{value.microsecond:06d}"[: digits + 1] if digits else ""
        day = f"{value.year:04d}-{value.month:02d}-{value.day:02d}"
        return f"{day} {value.hour:02d}:{value.minute:02d}:{value.second:02d}{fraction}{zone and ' ' + zone}"

    name = f"timestamp({digits})" + (" with time zone" if zone else "")
    extreme = [dt.datetime(1970, 1, 1), dt.datetime(1969, 12, 31, 23, 59, 59, 999999), dt.datetime(9999, 12, 31, 23, 59, 59)]
    values = st.datetimes(min_value=dt.datetime(1900, 1, 1)) | st.sampled_from(extreme)
    return Type(name, values, lambda value: f"TIMESTAMP '{text(value)}'", text)


def time_of_day(digits: int) -> Type:
    def text(value: dt.time) -> str:
        return f"{value:%H:%M:%S}" + (f".{value.microsecond:06d}"[: digits + 1] if digits else "")

    return Type(f"time({digits})", st.times(), lambda value: f"TIME '{text(value)}'", text)


BOOLEAN = Type("boolean", st.booleans(), str, lambda value: "true" if value else "false")
TINYINT, SMALLINT, INTEGER, BIGINT = (
    integer(*pair) for pair in [("tinyint", 8), ("smallint", 16), ("integer", 32), ("bigint", 64)]
)
REAL, DOUBLE = floating("real", np.float32, 32), floating("double", np.float64, 64)
VARCHAR = Type("varchar", TEXT, quoted, str)
SHORT_VARCHAR = Type("varchar(12)", TEXT, quoted, str)
CHAR = Type("char(12)", TEXT.map(lambda value: value.rstrip(" ")), quoted, lambda value: value.ljust(12))
VARBINARY = Type(
    "varbinary",
    st.binary(max_size=40),
    lambda value: f"X'{value.hex()}'",
    lambda value: " ".join(f"{byte:02x}" for byte in value),
)
DATE = Type(
    "date", st.dates(min_value=dt.date(1900, 1, 1)), lambda value: f"DATE '{value.isoformat()}'", lambda value: value.isoformat()
)
UUID = Type("uuid", st.uuids(), lambda value: f"UUID '{value}'", str)

# --- nested types -------------------------------------------------------------------------------------------------------


def inside(type_: Type, value: Any) -> str:
    return "null" if value is None else type_.text(value)


def array(element: Type) -> Type:
    return Type(
        f"array({element.sql})",
        st.lists(st.none() | element.values, max_size=4),
        lambda values: f"ARRAY[{', '.join(element.written(value) for value in values)}]",
        lambda values: "[" + ", ".join(inside(element, value) for value in values) + "]",
    )


def row(**fields: Type) -> Type:
    def literal(values: tuple[Any, ...]) -> str:
        return f"ROW({', '.join(type_.written(value) for type_, value in zip(fields.values(), values, strict=True))})"

    def text(values: tuple[Any, ...]) -> str:
        pairs = zip(fields.items(), values, strict=True)
        return "{" + ", ".join(f"{name}={inside(type_, value)}" for (name, type_), value in pairs) + "}"

    sql = f"row({', '.join(f'{name} {type_.sql}' for name, type_ in fields.items())})"
    return Type(sql, st.tuples(*(st.none() | type_.values for type_ in fields.values())), literal, text)


class HashMap:
    """java.util.HashMap, as far as the order of its entries goes: its table doubles when it is three quarters full."""

    def __init__(self) -> None:
        self.table: list[list[tuple[int, str]]] = [[] for _ in range(16)]
        self.size = 0

    def put(self, hash_code: int, entry: str) -> None:
        spread = (hash_code % 2**32) ^ ((hash_code % 2**32) >> 16)
        self.table[spread % len(self.table)].append((spread, entry))
        self.size += 1
        if self.size > 0.75 * len(self.table):
            entries = [pair for bucket in self.table for pair in bucket]
            self.table = [[] for _ in range(2 * len(self.table))]
            for pair in entries:
                self.table[pair[0] % len(self.table)].append(pair)


def java_hash(key: Any) -> int:
    if isinstance(key, str):
        code = 0
        units = key.encode("utf-16-be")
        for index in range(0, len(units), 2):
            code = 31 * code + int.from_bytes(units[index : index + 2], "big")
        return code % 2**32
    return (key % 2**64) ^ ((key % 2**64) >> 32)  # of a Long


def map_(key: Type, value: Type) -> Type:
    def literal(entries: dict[Any, Any]) -> str:
        keys, values = (", ".join(part) for part in (map(key.written, entries), map(value.written, entries.values())))
        return f"MAP(ARRAY[{keys}], ARRAY[{values}])"

    def text(entries: dict[Any, Any]) -> str:
        java = HashMap()
        for name, item in entries.items():
            java.put(java_hash(name), f"{key.text(name)}={inside(value, item)}")
        return "{" + ", ".join(entry for bucket in java.table for _, entry in bucket) + "}"

    values = st.dictionaries(key.values, st.none() | value.values, max_size=15)
    return Type(f"map({key.sql}, {value.sql})", values, literal, text)


# --- the paths ----------------------------------------------------------------------------------------------------------

ANYWHERE = [BOOLEAN, INTEGER, BIGINT, REAL, DOUBLE, VARCHAR, VARBINARY, DATE, number(38, 9), number(9, 2), number(38, 0)]
NESTED = [
    array(VARCHAR),
    array(array(DOUBLE)),
    map_(VARCHAR, REAL),
    map_(BIGINT, array(VARCHAR)),
    row(a=INTEGER, b=VARCHAR),
    array(row(d=DATE, v=VARBINARY, n=number(20, 3), m=map_(VARCHAR, BOOLEAN))),
]
HIVE = [*ANYWHERE, TINYINT, SMALLINT, SHORT_VARCHAR, CHAR, moment(3), *NESTED, array(moment(3))]
ICEBERG = [*ANYWHERE, moment(6), time_of_day(6), UUID, *NESTED, array(moment(6))]
QUERY = [
    *HIVE,
    moment(0),
    moment(6),
    moment(3, "UTC"),
    moment(6, "Europe/Berlin"),
    array(moment(3, "-08:30")),
    time_of_day(0),
    time_of_day(3),
    UUID,
]

Table = list[tuple[Any, ...]]


def tables(types: list[Type]) -> st.SearchStrategy[Table]:
    return st.lists(st.tuples(*(st.none() | type_.values for type_ in types)), min_size=1, max_size=5)


def rows_in_sql(types: list[Type], table: Table) -> list[str]:
    """The rows as in VALUES, with their number in front."""
    return [
        f"({index}, {', '.join(type_.written(value) for type_, value in zip(types, row_, strict=True))})"
        for index, row_ in enumerate(table)
    ]


def values_in_sql(types: list[Type], table: Table) -> str:
    names = ", ".join(f"c{index}" for index in range(len(types)))
    return f"SELECT * FROM (VALUES {', '.join(rows_in_sql(types, table))}) AS t (id, {names})"


def expected(types: list[Type], table: Table) -> list[tuple[str | None, ...]]:
    return [
        (str(index), *(None if value is None else type_.text(value) for type_, value in zip(types, row_, strict=True)))
        for index, row_ in enumerate(table)
    ]


@SETTINGS
@given(tables(QUERY))
def test_values_of_a_query(athena_query: Any, table: Table) -> None:
    assert athena_query(values_in_sql(QUERY, table) + " ORDER BY id") == expected(QUERY, table)


@SETTINGS
@given(tables(HIVE))
def test_values_through_a_parquet_table(athena_query: Any, athena_location: str, table: Table) -> None:
    name = f"t_{uuid.uuid4().hex}"
    where = f"format = 'PARQUET', external_location = '{athena_location}{name}/'"
    athena_query(f"CREATE TABLE {name} WITH ({where}) AS {values_in_sql(HIVE, table)}")
    assert athena_query(f"SELECT * FROM {name} ORDER BY id") == expected(HIVE, table)


@SETTINGS
@given(tables(ICEBERG), tables(ICEBERG))
def test_values_through_an_iceberg_table(athena_query: Any, athena_location: str, before: Table, after: Table) -> None:
    """Half of the rows are inserted, then a merge replaces those and adds the others."""
    name = f"t_{uuid.uuid4().hex}"
    names = [f"c{index}" for index in range(len(ICEBERG))]
    where = f"table_type = 'ICEBERG', is_external = false, location = '{athena_location}{name}/'"
    athena_query(f"CREATE TABLE {name} WITH ({where}) AS SELECT * FROM ({values_in_sql(ICEBERG, before)}) WHERE id < 0")
    athena_query(f"INSERT INTO {name} {values_in_sql(ICEBERG, before)}")
    assert athena_query(f"SELECT * FROM {name} ORDER BY id") == expected(ICEBERG, before)
    athena_query(
        f"MERGE INTO {name} AS t USING ({values_in_sql(ICEBERG, after)}) AS s ON t.id = s.id "
        f"WHEN MATCHED THEN UPDATE SET {', '.join(f'{column} = s.{column}' for column in names)} "
        f"WHEN NOT MATCHED THEN INSERT (id, {', '.join(names)}) VALUES (s.id, {', '.join(f's.{column}' for column in names)})"
    )
    merged = after + before[len(after) :]
    assert athena_query(f"SELECT * FROM {name} ORDER BY id") == expected(ICEBERG, merged)


@pytest.mark.parametrize(
    ("sql", "text"),
    [
        ('JSON \'{"b": 1, "a": [2.50, null]}\'', '{"a":[2.5,null],"b":1}'),
        ("IPADDRESS '10.0.0.1'", "10.0.0.1"),
        ("IPADDRESS '2001:db8::1'", "2001:db8::1"),
        ("INTERVAL '1' DAY", "1 00:00:00.000"),
        ("INTERVAL '-1' SECOND", "-0 00:00:01.000"),
        ("INTERVAL '1' YEAR", "1-0"),
        ("TIME '12:34:56.789 -00:30'", "12:34:56.789-00:30"),
        ("ROW(1, 'x')", "{1, x}"),
        ("NULL", None),
    ],
)
def test_values_that_no_table_holds(athena_query: Any, sql: str, text: str | None) -> None:
    assert athena_query(f"SELECT {sql}") == [(text,)]
