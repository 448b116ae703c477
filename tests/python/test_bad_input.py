"""Bad input ends in a clear outcome: nothing lost, no traceback, and all that is good is loaded."""

from __future__ import annotations

import gzip
import shutil
from collections import Counter
from datetime import date
from pathlib import Path

import pytest

from helpers.bad_messages import T, messages
from helpers.project import Project
from helpers.tables import assert_equals_oracle
from private_analytics.errors import UserError

GOOD = T + '{"eventName":"searched","statusCode":200}'


def test_each_bad_message_is_an_event_or_a_rejected_line(project: Project) -> None:
    """Each message lies in a stream of its own, so that its row can be found."""
    cases = list(messages().items())
    project.export({f"stream {n}": [line] for n, (_, (line, _)) in enumerate(cases)})
    project.build_from(project.lake)
    assert_equals_oracle(project)

    events = {row["log_stream"]: row for row in project.table("fct_events")}
    rejected = {row["log_stream"]: row for row in project.table("rejected_log_lines")}
    for n, (name, (_, outcome)) in enumerate(cases):
        stream = f"stream {n}"
        if isinstance(outcome, str):
            assert rejected[stream]["reason"] == outcome, name
        else:
            assert {field: events[stream][field] for field in outcome} == outcome, name
    assert len(events) + len(rejected) == len(cases)


def test_a_stack_trace_is_rejected_line_by_line_and_joined_to_nothing(project: Project) -> None:
    lines = [
        T + "Error: out of stock",
        "    at buy (shop.js:7)",
        "    at buy (shop.js:7)",
        "",
        '  {"eventName":"purchased"}',
        "}",
        GOOD,
    ]
    project.export({"s": lines})
    project.build()
    assert len(project.table("fct_events")) == 1
    rejected = project.query("select line, reason, count(*) as n from rejected_log_lines group by all order by line")
    assert [(row["line"], row["reason"], row["n"]) for row in rejected] == [
        ("", "continuation_line", 1),
        ("    at buy (shop.js:7)", "continuation_line", 2),
        ('  {"eventName":"purchased"}', "continuation_line", 1),
        (T + "Error: out of stock", "not_json", 1),
        ("}", "continuation_line", 1),
    ]


def test_odd_bytes_lose_no_line(project: Project) -> None:
    """Text that is not UTF-8, carriage returns, \\x01: such lines are still there, and so are their neighbours."""
    good = GOOD.encode()
    odd = [
        (T.encode() + b'{"eventName":"\xff\xfe"}', "not_json"),
        (T.encode() + b'{"eventName":"caf\xe9"}', "not_json"),
        (T.encode() + b'{"eventName":"a\rb"}', "not_json", "continuation_line"),
        (T.encode() + b"Traceback\r  line 1\r  line 2", "not_json", "continuation_line", "continuation_line"),
        (T.encode() + b"carriage return\r" + good.replace(b"searched", b"after it"), "not_json"),
        (T.encode() + b'{"eventName":"windows"}\r',),
        (T.encode() + b"\x01\x02\x03\x04\x05", "not_json"),
        (T.encode() + b"a\x01b", "not_json"),
    ]
    project.export({f"s{n}": gzip.compress(good + b"\n" + line + b"\n" + good + b"\n") for n, (line, *_) in enumerate(odd)})
    said = project.build_from(project.lake)
    assert not [line for line in said if "Damaged" in line]
    for n, (line, *reasons) in enumerate(odd):
        rejected = project.query(f"select reason from rejected_log_lines where log_stream = 's{n}'")
        assert sorted(row["reason"] for row in rejected) == sorted(reasons), line
    assert Counter(row["event_name"] for row in project.table("fct_events")) == {
        "searched": 2 * len(odd),
        "after it": 1,
        "windows": 1,
    }
    texts = " ".join(row["line"] for row in project.table("rejected_log_lines"))
    for shown in ("\\xff\\xfe", "caf\\xe9", "  line 2", "\\x01\\x02\\x03\\x04\x05", "a\x01b"):
        assert shown in texts


def test_a_damaged_file_names_itself_and_all_others_load(project: Project) -> None:
    whole = gzip.compress("".join(GOOD.replace("12:00:00", f"12:{n // 60:02}:{n % 60:02}") + "\n" for n in range(3000)).encode())
    damaged = {
        "zero": (b"", "empty"),
        "truncated": (whole[: len(whole) // 2], "ends too early"),
        "header-only": (whole[:12], "ends too early"),
        "not-gzip": (b"hello\nworld\n", "not a gzip file"),
        "flipped": (whole[:-30] + bytes([whole[-30] ^ 0xFF]) + whole[-29:], ""),
        "bad-crc": (whole[:-8] + b"\0\0\0\0" + whole[-4:], ""),
    }
    project.export(
        {"good": whole, "empty-but-gzip": gzip.compress(b""), **{name: content for name, (content, _) in damaged.items()}}
    )
    project.export({"s": [GOOD]}, task_id="task-2")
    said = "\n".join(project.build_from(project.lake))

    for name, (_, problem) in damaged.items():
        line = next(line for line in said.splitlines() if f"/{name}/000000.gz" in line)
        assert line.startswith("Damaged, not read:") and problem in line
    assert said.count("Damaged") == len(damaged)
    assert len(project.table("fct_events")) == 3001
    assert [row["export_task_id"] for row in project.table("loaded_exports")] == [
        "task-2"
    ]  # the other one is loaded when it is whole
    assert project.table("export_health")[0]["status"] == "damaged"

    for name in damaged:
        (project.lake / "logs/2026/10/01/task-1" / name / "000000.gz").write_bytes(gzip.compress((GOOD + "\n").encode()))
    project.build()  # the next plain run, on the files mended
    assert len(project.table("fct_events")) == 3001 + len(damaged)
    assert len(project.table("loaded_exports")) == 2
    assert project.table("export_health")[0]["status"] == "ok"


def test_concatenated_gzip_members_are_one_file(project: Project) -> None:
    project.export({"s": gzip.compress(GOOD.encode() + b"\n") + gzip.compress(GOOD.encode() + b"\n")})
    project.build()
    assert len(project.table("fct_events")) == 2


def test_stream_names_of_any_characters(project: Project) -> None:
    names = [
        "2026-10-01-[$LATEST]0123abcd",
        "a-b",
        "größe 東京 ☃",
        'quote\'s "name"',
        "star*and?",
        "{braces}",
        "a%20b",
        "-dash",
        "line=5",
        "semi;colon",
    ]
    project.export({name: [GOOD] for name in names}, task_id="task [1]*")
    project.build()
    assert sorted(row["log_stream"] for row in project.table("fct_events")) == sorted(names)


def test_a_hundred_thousand_streams_without_events(project: Project) -> None:
    """Folders and empty objects of streams that wrote nothing that day."""
    project.export({"busy": [GOOD]}, objects=1)
    for n in range(100_000):
        (project.lake / "logs/2026/10/01/task-1" / f"idle-{n}").mkdir()
    project.build_from(project.lake)
    assert len(project.table("fct_events")) == 1


def test_no_logs_at_all(project: Project, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"no logs found.*The folder is empty"):
        project.build_from(tmp_path)
    with pytest.raises(UserError, match="no such folder"):
        project.build_from(tmp_path / "typo")
    (tmp_path / "notes.md").write_text("hello")
    with pytest.raises(UserError, match=r"There are 1 other files, e\.g\. notes\.md"):
        project.build_from(tmp_path)


def test_an_empty_lake_builds_empty_tables(project: Project) -> None:
    project.export({}, task_id="quiet")
    project.build()
    assert_equals_oracle(project)
    assert [row["status"] for row in project.table("export_health")] == ["empty"]


def test_a_broken_export_record_names_itself(project: Project) -> None:
    project.export({"s": [GOOD]}, task_id="good")
    project.export({"s": [GOOD]}, task_id="other", day=date(2026, 10, 2))
    record = project.lake / "exports/2026/10/02/other.json"
    for text in ("", "{", "[]", '{"export_task_id": "../../x"}', record.read_text().replace("2026-10-02", "soon")):
        record.write_text(text)
        said = project.build_from(project.lake)
        assert any(str(record) in line and "not an export record" in line for line in said), text
        assert len(project.table("fct_events")) == 1


def test_objects_that_were_not_synced_are_missed(project: Project) -> None:
    project.export({"a": [GOOD], "b": [GOOD]})
    shutil.rmtree(project.lake / "logs/2026/10/01/task-1/b")
    said = project.build_from(project.lake)
    assert any("1 of 2 objects are missing" in line for line in said)
    assert len(project.table("fct_events")) == 1
    assert project.table("loaded_exports") == []


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        ("{event_fields: {user: [uid]}}", "there is no field 'user'"),
        ("{event_fields: {latency_ms: [{path: took, unit: h}]}}", "unit: ms|s|us|ns"),
        ("{event_fields: {user_id: ['']}}", "cannot use"),
        ("{event_fields: {latency_ms: [{path: took, units: s}]}}", "event_fields: latency_ms: cannot use"),
        ("{log_groups: {/a: {user_id: [[uid]]}}}", "log_groups: /a: user_id: cannot use"),
    ],
)
def test_a_mapping_that_cannot_be(project: Project, variables: str, message: str) -> None:
    project.export({"s": [GOOD]})
    with pytest.raises(UserError) as raised:
        project.build_from(project.lake, variables)
    assert message in str(raised.value)
