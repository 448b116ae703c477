"""Other people's clients of Athena, unmodified: awswrangler, PyAthena's cursors, and a paginator of boto3."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import awswrangler as wr
import pandas as pd
import pyathena
import pytest
from pyathena.cursor import DictCursor
from pyathena.pandas.cursor import PandasCursor

from local_aws import LocalAws

# One row with a value of each common type; what every client should make of it stands in its test.
ONE_OF_EACH = """
SELECT
    true AS flag,
    7 AS small_number,
    9000000000 AS big_number,
    0.5E0 AS ratio,
    DECIMAL '12.30' AS price,
    'Zoë, "twice"' AS words,
    DATE '2026-03-01' AS event_date,
    TIMESTAMP '2026-03-01 12:34:56.789' AS event_at,
    CAST(NULL AS varchar) AS nothing
"""
VALUES = {
    "flag": True,
    "small_number": 7,
    "big_number": 9000000000,
    "ratio": 0.5,
    "price": Decimal("12.30"),
    "words": 'Zoë, "twice"',
    "event_date": date(2026, 3, 1),
    "event_at": datetime(2026, 3, 1, 12, 34, 56, 789000),
    "nothing": None,
}

# --- PyAthena -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def connection(local_aws: LocalAws, athena_schema: str, results_uri: str) -> Iterator[Any]:
    with pyathena.connect(s3_staging_dir=results_uri, schema_name=athena_schema, poll_interval=0.05) as connection:
        yield connection


@pytest.fixture
def results_uri(athena_location: str) -> str:
    return f"{athena_location}results/"


def test_pyathena_cursor(connection: Any) -> None:
    cursor = connection.cursor().execute(ONE_OF_EACH)
    assert [(column[0], column[1]) for column in cursor.description] == [
        ("flag", "boolean"),
        ("small_number", "integer"),
        ("big_number", "bigint"),
        ("ratio", "double"),
        ("price", "decimal"),
        ("words", "varchar"),
        ("event_date", "date"),
        ("event_at", "timestamp"),
        ("nothing", "varchar"),
    ]
    assert cursor.fetchall() == [tuple(VALUES.values())]


def test_pyathena_cursor_takes_parameters(connection: Any) -> None:
    cursor = connection.cursor()
    cursor.execute("SELECT %(word)s, %(number)d", {"word": "it's", "number": 3})
    assert cursor.fetchone() == ("it's", 3)
    cursor.execute("SELECT ?, ?", ["'it''s'", "3"], paramstyle="qmark")
    assert cursor.fetchone() == ("it's", 3)


def test_pyathena_cursor_reads_nested_values(connection: Any) -> None:
    """PyAthena leaves the values of maps and rows as texts: Athena's result does not say what they are."""
    cursor = connection.cursor().execute(
        "SELECT ARRAY[1, 2], MAP(ARRAY['a'], ARRAY[1]), CAST(ROW(1, 'b') AS ROW(n integer, s varchar)), X'68 69'"
    )
    assert cursor.fetchone() == ([1, 2], {"a": "1"}, {"n": "1", "s": "b"}, b"hi")


def test_pyathena_cursor_counts_inserted_rows(connection: Any, athena_location: str) -> None:
    cursor = connection.cursor()
    cursor.execute(f"CREATE EXTERNAL TABLE numbers (n int) STORED AS PARQUET LOCATION '{athena_location}numbers/'")
    cursor.execute("INSERT INTO numbers VALUES (1), (2), (3)")
    assert cursor.rowcount == 3
    assert cursor.execute("SELECT sum(n) FROM numbers").fetchone() == (6,)


def test_pyathena_writers_of_one_iceberg_table_lose_nothing(connection: Any, athena_location: str) -> None:
    location = f"location = '{athena_location}numbers/'"
    connection.cursor().execute(
        f"CREATE TABLE numbers WITH (table_type = 'ICEBERG', is_external = false, {location}) AS SELECT 0 AS n"
    )

    def insert(n: int) -> int | None:
        try:
            connection.cursor().execute(f"INSERT INTO numbers VALUES ({n})")
        except pyathena.OperationalError as error:
            assert str(error).startswith("ICEBERG_COMMIT_ERROR")  # too many others were faster
            return None
        return n

    with ThreadPoolExecutor(4) as pool:
        inserted = {n for n in pool.map(insert, range(1, 9)) if n}
    assert inserted
    assert {n for (n,) in connection.cursor().execute("SELECT n FROM numbers")} == {0} | inserted


def test_pyathena_reports_what_athena_says(connection: Any) -> None:
    with pytest.raises(pyathena.OperationalError, match="COLUMN_NOT_FOUND: line 1:8: Column 'nowhere' cannot be resolved"):
        connection.cursor().execute("SELECT nowhere FROM (VALUES 1) AS t (n)")


def test_pyathena_dict_cursor(connection: Any) -> None:
    assert connection.cursor(DictCursor).execute(ONE_OF_EACH).fetchall() == [VALUES]


def test_pyathena_pandas_cursor(connection: Any) -> None:
    frame = connection.cursor(PandasCursor).execute(ONE_OF_EACH).as_pandas()
    assert list(frame.columns) == list(VALUES)
    row = frame.iloc[0]
    assert (row["flag"], row["small_number"], row["big_number"], row["ratio"]) == (True, 7, 9000000000, 0.5)
    assert (row["price"], row["words"]) == (Decimal("12.30"), 'Zoë, "twice"')
    assert (row["event_date"], row["event_at"]) == (pd.Timestamp("2026-03-01"), pd.Timestamp("2026-03-01 12:34:56.789"))
    assert pd.isna(row["nothing"])


# --- awswrangler --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "approach",
    [
        {"ctas_approach": False},
        {"ctas_approach": True},
        {"ctas_approach": False, "unload_approach": True},
    ],
    ids=["result file", "CTAS", "UNLOAD"],
)
def test_wrangler_reads_the_same_by_every_approach(
    approach: dict[str, bool], athena_schema: str, athena_location: str, results_uri: str
) -> None:
    frame = wr.athena.read_sql_query(ONE_OF_EACH, athena_schema, s3_output=f"{results_uri}{len(approach)}/", **approach)
    assert {name: str(kind).partition("[")[0] for name, kind in frame.dtypes.items()} == {
        "flag": "boolean",
        "small_number": "Int32",
        "big_number": "Int64",
        "ratio": "float64",
        "price": "object",
        "words": "string",
        "event_date": "object",
        "event_at": "datetime64",
        "nothing": "string",
    }
    assert frame.drop(columns="nothing").to_dict("records") == [
        {name: value for name, value in VALUES.items() if name != "nothing"}
    ]
    assert frame["nothing"].isna().all()
    assert wr.catalog.tables(database=athena_schema).empty  # the temporary table of the CTAS approach is gone


def test_wrangler_to_iceberg(athena_schema: str, athena_location: str, results_uri: str) -> None:
    def write(frame: pd.DataFrame, **more: Any) -> None:
        wr.athena.to_iceberg(
            frame,
            athena_schema,
            "people",
            table_location=f"{athena_location}people/",
            temp_path=f"{athena_location}temp/",
            s3_output=results_uri,
            keep_files=False,
            **more,
        )

    def read() -> list[dict[str, Any]]:
        sql = "SELECT id, name, age FROM people ORDER BY id"
        return wr.athena.read_sql_query(sql, athena_schema, ctas_approach=False, s3_output=results_uri).to_dict("records")

    write(pd.DataFrame({"id": [1, 2], "name": ["Ada", "Bob"], "age": [36, 40]}))
    assert wr.catalog.get_table_types(athena_schema, "people") == {"id": "bigint", "name": "string", "age": "bigint"}
    write(pd.DataFrame({"id": [3], "name": ["Cy"], "age": [7]}))
    assert read() == [
        {"id": 1, "name": "Ada", "age": 36},
        {"id": 2, "name": "Bob", "age": 40},
        {"id": 3, "name": "Cy", "age": 7},
    ]
    write(pd.DataFrame({"id": [2, 4], "name": ["Bobby", "Di"], "age": [41, 5]}), merge_cols=["id"])
    assert read() == [
        {"id": 1, "name": "Ada", "age": 36},
        {"id": 2, "name": "Bobby", "age": 41},
        {"id": 3, "name": "Cy", "age": 7},
        {"id": 4, "name": "Di", "age": 5},
    ]


# --- boto3 --------------------------------------------------------------------------------------------------------------


def test_boto3_pages_of_results(execute: Any, athena: Any) -> None:
    """Pages hold 1,000 rows unless told otherwise; the first row of the first page is the names of the columns."""
    query = execute("SELECT n FROM UNNEST(sequence(1, 2500)) AS t (n) ORDER BY n")["QueryExecutionId"]
    pages = list(athena.get_paginator("get_query_results").paginate(QueryExecutionId=query))
    values = [[row["Data"][0]["VarCharValue"] for row in page["ResultSet"]["Rows"]] for page in pages]
    assert [len(page) for page in values] == [1000, 1000, 501]
    assert [value for page in values for value in page] == ["n", *map(str, range(1, 2501))]
    columns = [page["ResultSet"]["ResultSetMetadata"]["ColumnInfo"] for page in pages]
    assert [[(column["Name"], column["Type"]) for column in of_page] for of_page in columns] == [[("n", "bigint")]] * 3


def test_boto3_pages_of_the_size_asked_for(execute: Any, athena: Any) -> None:
    query = execute("SELECT n FROM UNNEST(sequence(1, 5)) AS t (n) ORDER BY n")["QueryExecutionId"]
    pages = athena.get_paginator("get_query_results").paginate(QueryExecutionId=query, PaginationConfig={"PageSize": 4})
    assert [len(page["ResultSet"]["Rows"]) for page in pages] == [4, 2]
