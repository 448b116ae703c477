"""How values, columns and result files look, without a server: each case is a Trino value and the text that Athena prints."""

import io
from pathlib import Path
from typing import Any

import pytest

from local_aws import result_store, results
from local_aws.engine import Column
from local_aws.result_store import CSV, Form, ResultStore, ResultWriter, form_of


def signature(name: str, *arguments: Any) -> dict[str, Any]:
    """A type signature as Trino sends it; numbers are lengths, dicts are types, pairs are fields of a row."""

    def argument(value: Any) -> dict[str, Any]:
        if isinstance(value, int):
            return {"kind": "LONG", "value": value}
        if isinstance(value, tuple):
            field = {"fieldName": {"name": value[0]} if value[0] else None, "typeSignature": value[1]}
            return {"kind": "NAMED_TYPE", "value": field}
        return {"kind": "TYPE", "value": value}

    return {"rawType": name, "arguments": [argument(value) for value in arguments]}


INTEGER = signature("integer")
BIGINT = signature("bigint")
DOUBLE = signature("double")
VARCHAR = signature("varchar", 2147483647)
VARBINARY = signature("varbinary")


def array(element: Any) -> dict[str, Any]:
    return signature("array", element)


def map_(key: Any, value: Any) -> dict[str, Any]:
    return signature("map", key, value)


VALUES = [
    (signature("boolean"), True, "true"),
    (signature("boolean"), False, "false"),
    (signature("tinyint"), -128, "-128"),
    (BIGINT, 9223372036854775807, "9223372036854775807"),
    (DOUBLE, 0.0, "0.0"),
    (DOUBLE, -0.0, "-0.0"),
    (DOUBLE, 1, "1.0"),
    (DOUBLE, 1.5, "1.5"),
    (DOUBLE, 0.001, "0.001"),
    (DOUBLE, 0.00099, "9.9E-4"),
    (DOUBLE, 0.0001, "1.0E-4"),
    (DOUBLE, 9999999.999, "9999999.999"),
    (DOUBLE, 1e7, "1.0E7"),
    (DOUBLE, 12345678.9, "1.23456789E7"),
    (DOUBLE, -123456789.0, "-1.23456789E8"),
    (DOUBLE, 1e10, "1.0E10"),
    (DOUBLE, 1e16, "1.0E16"),
    (DOUBLE, 1e20, "1.0E20"),
    (DOUBLE, 1e23, "1.0E23"),
    (DOUBLE, 1e-7, "1.0E-7"),
    (DOUBLE, 0.1 + 0.2, "0.30000000000000004"),
    (DOUBLE, 1.7976931348623157e308, "1.7976931348623157E308"),
    (DOUBLE, 5e-324, "4.9E-324"),  # Java's Double.MIN_VALUE
    (DOUBLE, 1e-323, "9.9E-324"),
    (DOUBLE, "NaN", "NaN"),
    (DOUBLE, "-Infinity", "-Infinity"),
    (signature("real"), 3.4028235e38, "3.4028235E38"),
    (signature("real"), 0.1, "0.1"),
    (signature("decimal", 3, 2), "1.50", "1.50"),
    (signature("char", 5), "ab   ", "ab   "),
    (VARCHAR, "", ""),
    (VARCHAR, 'a, "b"\n=', 'a, "b"\n='),
    (signature("date"), "2024-02-29", "2024-02-29"),
    (signature("time", 3), "12:34:56.789", "12:34:56.789"),
    (signature("time with time zone", 3), "12:34:56.789-00:30", "12:34:56.789-00:30"),
    (signature("timestamp", 0), "2024-07-05 12:34:56", "2024-07-05 12:34:56"),
    (signature("timestamp", 3), "2020-01-01 00:00:00.000", "2020-01-01 00:00:00.000"),
    (signature("timestamp", 6), "2020-01-01 00:00:00.123456", "2020-01-01 00:00:00.123456"),
    (signature("timestamp with time zone", 3), "2020-01-01 00:00:00.000 UTC", "2020-01-01 00:00:00.000 UTC"),
    (VARBINARY, "", ""),
    (VARBINARY, "aGVsbG8gd29ybGQ=", "68 65 6c 6c 6f 20 77 6f 72 6c 64"),  # dbt-athena's test of X'68 65 ...'
    (VARBINARY, "/+8=", "ff ef"),
    (signature("json"), '{"a":1}', '{"a":1}'),
    (signature("uuid"), "12151fd2-7586-11e9-8f9e-2a86e4085a59", "12151fd2-7586-11e9-8f9e-2a86e4085a59"),
    (signature("ipaddress"), "2001:db8::1", "2001:db8::1"),
    (signature("interval day to second"), "1 00:00:00.000", "1 00:00:00.000"),
    (signature("interval year to month"), "1-0", "1-0"),
    (array(INTEGER), [], "[]"),
    (array(INTEGER), [1, 2, 3], "[1, 2, 3]"),
    (array(VARCHAR), ["a", None], "[a, null]"),
    (array(VARCHAR), ["a, b", ""], "[a, b, ]"),  # ambiguous, as in Athena
    (array(array(INTEGER)), [[1], [2, 3], None], "[[1], [2, 3], null]"),
    (array(VARBINARY), ["AQI=", None], "[01 02, null]"),
    (array(DOUBLE), [1e20, "NaN"], "[1.0E20, NaN]"),
    (array(signature("boolean")), [True, False], "[true, false]"),
    (signature("row", ("a", INTEGER), ("b", VARCHAR)), [1, "x"], "{a=1, b=x}"),
    (signature("row", ("a", INTEGER), ("b", VARCHAR)), [None, None], "{a=null, b=null}"),
    (signature("row", (None, INTEGER), (None, VARCHAR)), [1, "x"], "{1, x}"),
    (array(signature("row", ("n", map_(VARCHAR, DOUBLE)))), [[{"k": 1}]], "[{n={k=1.0}}]"),
    (map_(VARCHAR, INTEGER), {}, "{}"),
    (map_(VARCHAR, INTEGER), {"k": 1, "j": 2}, "{j=2, k=1}"),  # athena-local's measurement
    (map_(VARCHAR, VARCHAR), {"first": "Bob", "last": "Smith", "age": "35"}, "{last=Smith, first=Bob, age=35}"),  # user guide
    (map_(INTEGER, VARCHAR), {"10": "b", "9": None}, "{9=null, 10=b}"),
    (map_(INTEGER, VARCHAR), {"17": "b", "2": "a", "-1": "c"}, "{-1=c, 17=b, 2=a}"),
    (map_(BIGINT, INTEGER), {str(2**40): 1, "1": 2}, f"{{{2**40}=1, 1=2}}"),
    (map_(signature("boolean"), INTEGER), {"false": 0, "true": 1}, "{false=0, true=1}"),
    (map_(VARBINARY, INTEGER), {"Af8=": 2}, "{01 ff=2}"),
    (map_(VARCHAR, INTEGER), {str(n): n for n in range(13)}, "{" + ", ".join(f"{n}={n}" for n in [11, 12, *range(10), 10]) + "}"),
]


@pytest.mark.parametrize(("type_", "value", "text"), VALUES, ids=lambda part: str(part)[:40] if isinstance(part, str) else "")
def test_a_value_is_printed_as_athena_prints_it(type_: dict[str, Any], value: Any, text: str) -> None:
    column = Column("c", "", type_)
    assert list(results.rendered([column], [[value], [None]])) == [[text], [None]]


def test_a_map_of_many_keys_grows_as_a_hash_map_does() -> None:
    keys = {str(n): n for n in range(100)}
    text = results.renderer(map_(INTEGER, INTEGER))(keys)
    assert text == "{" + ", ".join(f"{n}={n}" for n in range(100)) + "}"  # 256 buckets: integers in their own order


COLUMNS = [
    # type, then Type, Precision, Scale, CaseSensitive: PyAthena, tests/pyathena/test_cursor.py, test_complex
    (signature("boolean"), "boolean", 0, 0, False),
    (signature("tinyint"), "tinyint", 3, 0, False),
    (signature("smallint"), "smallint", 5, 0, False),
    (INTEGER, "integer", 10, 0, False),
    (BIGINT, "bigint", 19, 0, False),
    (signature("real"), "float", 17, 0, False),
    (DOUBLE, "double", 17, 0, False),
    (VARCHAR, "varchar", 2147483647, 0, True),
    (signature("varchar", 10), "varchar", 10, 0, True),
    (signature("char", 4), "char", 4, 0, True),
    (signature("timestamp", 6), "timestamp", 3, 0, False),
    (signature("timestamp with time zone", 3), "timestamp with time zone", 3, 0, False),
    (signature("time", 3), "time", 3, 0, False),
    (signature("date"), "date", 0, 0, False),
    (VARBINARY, "varbinary", 1073741824, 0, False),
    (array(INTEGER), "array", 0, 0, False),
    (map_(INTEGER, INTEGER), "map", 0, 0, False),
    (signature("row", ("a", INTEGER)), "row", 0, 0, False),
    (signature("json"), "json", 0, 0, False),
    (signature("decimal", 10, 1), "decimal", 10, 1, False),
    (signature("uuid"), "uuid", 0, 0, False),
    (signature("interval day to second"), "interval day to second", 0, 0, False),
]


@pytest.mark.parametrize(("type_", "name", "precision", "scale", "case_sensitive"), COLUMNS, ids=lambda part: str(part)[:40])
def test_a_column_is_reported_as_athena_reports_it(
    type_: dict[str, Any], name: str, precision: int, scale: int, case_sensitive: bool
) -> None:
    assert results.column_info(Column("x", "", type_)) == {
        "CatalogName": "hive",
        "SchemaName": "",
        "TableName": "",
        "Name": "x",
        "Label": "x",
        "Type": name,
        "Precision": precision,
        "Scale": scale,
        "Nullable": "UNKNOWN",
        "CaseSensitive": case_sensitive,
    }


ROWS: list[list[results.Cell]] = [
    ["a", "b"],
    [None, ""],
    ['"', '","'],
    ['""', "\n"],
    [",", None],
    [None, None],
    ["\r\n", '"\n"'],
    ["ü😀", "x\ty"],
]


def test_a_csv_result_is_read_back_from_any_row() -> None:
    file = io.BytesIO(b"".join(map(results.csv_line, ROWS)))
    positions = [0]
    for row, expected in zip(results.read_csv(file), ROWS, strict=True):
        assert row == expected
        positions.append(file.tell())
    for index, position in enumerate(positions):
        file.seek(position)
        assert list(results.read_csv(file)) == ROWS[index:]


def test_a_csv_result_has_every_value_in_quotes_and_nulls_without() -> None:
    assert results.csv_line(["1", 'a"b', None, "", "[1, 2]"]) == b'"1","a""b",,"","[1, 2]"\n'


@pytest.mark.parametrize("rows", [[], ["a"], ["a", "b"], ["", ""], ["a", ""], ["", "a", "", ""], ["plan", "", ""]])
def test_a_text_result_is_its_rows_with_line_feeds_between(rows: list[str]) -> None:
    file = io.BytesIO()
    writer = ResultWriter(file, Form(".txt"))
    for row in rows:
        writer.row([row])
    assert file.getvalue() == "\n".join(rows).encode()
    positions = [0]
    file.seek(0)
    for _ in results.read_text(file):
        positions.append(file.tell())
    assert len(positions) == len(rows) + 1
    for index, position in enumerate(positions):
        file.seek(position)
        assert [cell for (cell,) in results.read_text(file)] == rows[index:]


class Bucket:
    """S3 with one bucket."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}

    def upload_file(self, path: str, bucket: str, key: str, **_: Any) -> None:
        self.objects[key] = Path(path).read_bytes()

    def download_file(self, bucket: str, key: str, path: str, **_: Any) -> None:
        Path(path).write_bytes(self.objects[key])


def test_a_result_that_is_no_longer_on_disk_comes_from_s3(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(result_store, "COPIES_BYTES", 250)
    s3 = Bucket()
    store = ResultStore(s3)
    for name in ("a", "b", "c"):
        store.new_file(name).write_bytes(b"".join(results.csv_line([f"{name}{n}"]) for n in range(20)))
        assert store.publish(name, f"s3://bucket/{name}.csv", None) == len(s3.objects[f"{name}.csv"])
    assert [store.new_file(name).exists() for name in ("a", "b", "c")] == [False, True, True]
    for name in ("a", "b", "c"):
        first, position = store.page(name, f"s3://bucket/{name}.csv", CSV, 0, 15)
        rest, _ = store.page(name, f"s3://bucket/{name}.csv", CSV, position, 15)
        assert first + rest == [[f"{name}{n}"] for n in range(20)]
    store.close()


def test_the_columns_of_a_text_result_have_tabs_between() -> None:
    assert results.text_row(["n", "int", None]) == b"n\tint\t"


@pytest.mark.parametrize(
    ("statement", "substatement", "suffix", "folder", "body", "header"),
    [
        ("DML", "SELECT", ".csv", "", True, True),
        ("DML", "EXPLAIN", ".txt", "", True, True),
        ("DML", "INSERT", "", "", False, False),
        ("DML", "MERGE", ".csv", "", False, False),
        ("DDL", "CREATE_TABLE_AS_SELECT", "", "tables/", False, False),
        ("DDL", "DROP_TABLE", ".txt", "", True, False),
        ("UTILITY", "SHOW_TABLES", ".txt", "", True, False),
        ("UTILITY", "SHOW_FUNCTIONS", ".csv", "", True, True),
    ],
)
def test_the_kind_of_statement_decides_the_file(
    statement: str, substatement: str, suffix: str, folder: str, body: bool, header: bool
) -> None:
    assert form_of(statement, substatement) == Form(suffix, folder, body, header)


def test_metadata_is_what_athena_wrote() -> None:
    """The bytes of a file that Athena wrote: stackoverflow.com/questions/55991018."""
    column = Column("ary", "array(integer)", array(INTEGER))
    written = results.metadata([column], query_id="20190423_125128_00001_ehtur", update_type=None, update_count=None)
    assert written.hex() == (
        "0a1b32303139303432335f3132353132385f30303030315f6568747572"
        "2219" + "0a0468697665" + "2203617279" + "2a03617279" + "32056172726179" + "4803"
    )


def test_metadata_of_a_write_has_the_count() -> None:
    """athena-local's measurement of a MERGE: everything behind the id of the query."""
    column = results.plain_column("rows", "bigint")
    written = results.metadata([column], query_id="x" * 27, update_type="MERGE", update_count=1)
    assert len(written) == 74
    assert written[29:38].hex() == "12054d455247451801"
    assert written[-8:].hex() == "3813400048035000"
