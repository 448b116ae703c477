"""SUPPORT.md, from the tests: `python tests/support_page.py` writes it."""

import ast
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from unittest.mock import Mock

import botocore.session
from botocore import xform_name
from refusal_cases import CASES
from statement_kinds import SCRIPT

from local_aws.athena_api import AthenaApi
from local_aws.limits import LIMITS, NOT_CHECKED
from local_aws.plan import Statement
from local_aws.statements import translate

TESTS = Path(__file__).parent
PAGE = TESTS.parent / "SUPPORT.md"
WIDTH = 110  # of an example

HEAD = """\
# What is supported

Made from the tests by `python tests/support_page.py`; a test fails when it is out of date.
"""
STATEMENTS = """
## Statements

By Athena's `SubstatementType`. `tests/test_every_statement.py` runs the examples, on Trino and Glue, and the tests of limits
(`pytest -k ID`) run more.

| statement | type | examples | more |
|---|---|---|---|
"""
OPERATIONS = """
## Operations of the Athena API

Operations without a mark are answered here, those with (moto) by moto as it does; a test that is listed calls the operation.
All others are moto's, untested. `test_every_answer_has_the_form_of_the_service_model` holds answers to botocore's model.

| operation | tests |
|---|---|
"""
REFUSALS = """
## What Athena refuses

Each row is a case of `tests/test_refusals.py` (`pytest -k ID`): the statement is refused here, and the one beside it, which
Athena takes, is taken. Exact: the text is published, or Trino's own that Athena shows; otherwise the words are ours. Sources are
in `limits.py`.

| id | refused | exact | for example | but not |
|---|---|---|---|---|
"""
NOT_HERE = """
## What Athena may refuse, and this cannot tell

Such statements are accepted: nothing is refused that Athena may take.

| what | why |
|---|---|
"""


def page() -> str:
    """The text of SUPPORT.md."""
    parts = ((STATEMENTS, statements()), (OPERATIONS, operations()), (REFUSALS, refusals()), (NOT_HERE, NOT_CHECKED))
    return HEAD + "".join(title + "".join(f"| {' | '.join(row)} |\n" for row in rows) for title, rows in parts)


def code(sql: str) -> str:
    """A statement on one line, cut if it is long."""
    line = " ".join(filled(sql).split()).replace("|", "\\|")
    short = line if len(line) <= WIDTH else f"{line[:WIDTH].strip()} ..."
    return f"`` {short} ``" if "`" in line else f"`{short}`"


# --- statements ---------------------------------------------------------------------------------------------------------


def statements() -> Iterator[tuple[str, ...]]:
    examples: dict[tuple[str, str], list[str]] = defaultdict(list)
    for sql in SCRIPT:
        statement = translated(sql)
        examples[statement.statement_type, statement.substatement_type].append(code(sql))
    more: dict[str, dict[str, None]] = defaultdict(dict)
    for case in CASES:
        for sql in (*case.setup, case.accepted):
            more[translated(sql, case.accepted_with.get("ExecutionParameters", ())).substatement_type][f"`{case.limit}`"] = None
    for kind, subkind in sorted(examples):
        yield subkind, kind, "<br>".join(examples[kind, subkind]), ", ".join(list(more[subkind])[:4])


def translated(sql: str, parameters: Sequence[str] = ()) -> Statement:
    return translate(filled(sql), database="d", execution_parameters=parameters, prepared=lambda _: "select 1")


def filled(sql: str) -> str:
    return sql.format(db="d", data="s3://b/")


# --- operations ---------------------------------------------------------------------------------------------------------


def operations() -> Iterator[tuple[str, ...]]:
    api = AthenaApi(aws_endpoint="http://127.0.0.1:1", trino=Mock(), region="us-east-1")
    api.close()
    names = botocore.session.get_session().get_service_model("athena").operation_names
    calls = {name: [test for test, node in server_tests() if called(node) & {xform_name(name), name}] for name in names}
    for name in names:
        if name in api.operations or calls[name]:
            tests = ", ".join(f"`{test}`" for test in calls[name][:4]) or "none"
            yield f"`{name}`" + ("" if name in api.operations else " (moto)"), tests


def called(node: ast.AST) -> set[str]:
    """What a test asks a client for, as `athena.get_work_group`, and its texts, as "GetWorkGroup"."""
    attributes = [inner for inner in ast.walk(node) if isinstance(inner, ast.Attribute)]
    asked = {inner.attr for inner in attributes if isinstance(inner.value, ast.Name) and inner.value.id == "athena"}
    return asked | set(texts(node))


def texts(node: ast.AST) -> list[str]:
    return [inner.value for inner in ast.walk(node) if isinstance(inner, ast.Constant) and isinstance(inner.value, str)]


def server_tests() -> Iterator[tuple[str, ast.AST]]:
    """The tests that use the running server."""
    for path in sorted(TESTS.glob("test_*.py")):
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.FunctionDef) and (
                node.name.startswith("test_")
                and {"athena", "athena_query", "execute", "connection", "local_aws"} & {a.arg for a in node.args.args}
            ):
                yield node.name, node


# --- refusals -----------------------------------------------------------------------------------------------------------


def refusals() -> Iterator[tuple[str, ...]]:
    for limit in LIMITS:
        case = next(case for case in CASES if case.limit == limit.id)
        yield f"`{limit.id}`", limit.title, "yes" if limit.exact else "no", code(case.refused), code(case.accepted)


if __name__ == "__main__":
    PAGE.write_text(page())
