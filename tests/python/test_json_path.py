"""JSON paths are read as the macro reads them, and what is written is read back as it was."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers import REPOSITORY
from private_analytics import json_path

KEYS = st.text(st.characters(exclude_characters='"'), min_size=1)


@pytest.mark.parametrize(
    ("path", "steps"),
    [
        ("user.id", ("user", "id")),
        ('"http.status_code"', ("http.status_code",)),
        ('a."b.c".d', ("a", "b.c", "d")),
        ("items[0].id", ("items", 0, "id")),
        ("@timestamp", ("@timestamp",)),
        ("req.headers.user-agent", ("req", "headers", "user-agent")),
    ],
)
def test_paths(path: str, steps: json_path.Steps):
    assert json_path.parse(path) == steps
    assert json_path.write(steps) == path


@given(st.tuples(KEYS).flatmap(lambda first: st.lists(KEYS | st.integers(0, 9), max_size=4).map(lambda more: (*first, *more))))
def test_what_is_written_is_read_back(steps: json_path.Steps):
    assert json_path.parse(json_path.write(steps)) == steps


@pytest.mark.parametrize("path", ["", ".", "[0]", '""', "[]"])
def test_what_is_no_path_is_refused(path: str):
    with pytest.raises(ValueError, match="is not a JSON path"):
        json_path.parse(path)


def test_a_key_that_no_path_can_name_is_refused():
    with pytest.raises(ValueError, match="no JSON path can name"):
        json_path.write(('a"b',))


def test_the_macro_has_the_same_grammar():
    macro = (REPOSITORY / "macros" / "fields" / "event_fields.sql").read_text()
    written = json_path.STEP.pattern.replace("\\", "\\\\")
    assert f"modules.re.findall('{written}', path)" in macro
