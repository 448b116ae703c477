"""The command: what it reads, what it says, how it ends."""

from __future__ import annotations

import gzip
import json
from functools import partial
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner, Result

from helpers.written_logs import Request, written
from private_analytics.cli import cli
from private_analytics.lake.folder import open_lake
from private_analytics.lake.log_files import open_log
from private_analytics.suggest import sample
from private_analytics.suggest.sample import head


def slog(r: Request) -> dict:
    return {
        "time": r.iso,
        "level": "INFO",
        "msg": "x",
        "method": r.method,
        "path": r.path,
        "status": r.status,
        "duration": int(r.ms * 1e6),
    }


def run(*words: str) -> Result:
    return CliRunner().invoke(cli, ["suggest", *words])


def export(bucket: Path, day: int, group: str, streams: dict[str, list[str]]) -> None:
    task = f"task{day}{group.replace('/', '-')}"
    for stream, lines in streams.items():
        folder = bucket / f"logs/2026/10/{day:02}" / task / stream
        folder.mkdir(parents=True)
        (folder / "000000.gz").write_bytes(
            gzip.compress("".join(f"2026-10-{day:02}T12:00:00.000Z {line}\n" for line in lines).encode())
        )
    record = {
        "export_task_id": task,
        "log_group": group,
        "export_date": f"2026-10-{day:02}",
        "completed_at": "2026-10-20T00:00:00Z",
    }
    path = bucket / f"exports/2026/10/{day:02}/{task}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(record | {"objects": len(streams), "bytes": 1}))


def test_what_to_paste(tmp_path: Path):
    (tmp_path / "api.log").write_text("\n".join(written(slog)))
    result = run(str(tmp_path))
    assert result.exit_code == 0, result.output
    pasted = result.output.split("To paste under vars in dbt_project.yml:\n")[1]
    assert yaml.safe_load(pasted) == {"event_fields": {"latency_ms": [{"path": "duration", "unit": "ns"}]}}
    assert "preset slog" in result.output
    said = json.loads(run(str(tmp_path), "--json").output)
    assert said["vars"] == yaml.safe_load(pasted)
    assert said["groups"][0]["log_group"] == "local"


def test_log_groups_by_their_records(tmp_path: Path):
    for day in (1, 2):
        export(tmp_path, day, "/ecs/a", {"s1": written(slog), "s2": written(slog)})
        export(tmp_path, day, "/ecs/b", {"s1": [line.replace('"duration"', '"x"') for line in written(slog)]})
    result = run(str(tmp_path))
    assert result.exit_code == 0, result.output
    assert "/ecs/a: 240 of 240 lines" in result.output
    pasted = result.output.split("To paste under vars in dbt_project.yml:\n")[1].split("Question")[0]
    assert yaml.safe_load(pasted) == {"event_fields": {"latency_ms": [{"path": "duration", "unit": "ns"}]}}


def test_right_already(tmp_path: Path):
    (tmp_path / "api.jsonl").write_text("\n".join(written(lambda r: {**slog(r), "duration": r.ms})))
    result = run(str(tmp_path))
    assert (result.exit_code, "nothing to change" in result.output) == (0, True)


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        (["GET / 200 3ms", "GET /a 404 1ms"], "2 lines are not_json, e.g. GET / 200 3ms"),
        (['{"msg": "hello", "n": 7}'], "Not found: status_code"),
        (['{"payload": "{\\"status\\": 200}"}'], "JSON inside a text, which no path can reach: payload"),
    ],
)
def test_nothing_found(tmp_path: Path, lines: list[str], words: str):
    (tmp_path / "api.log").write_text("\n".join(lines))
    result = run(str(tmp_path))
    assert (result.exit_code, words in result.output) == (1, True), result.output


def test_no_such_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("ANALYTICS_BUCKET", raising=False)
    assert run(str(tmp_path / "none")).exit_code == 1
    assert run().exit_code == 2


def test_only_the_first_part_of_an_object_is_read(tmp_path: Path):
    whole = gzip.compress(b'{"a":1}\n' * 100_000)
    path = tmp_path / "x.gz"
    path.write_bytes(whole[: len(whole) // 2])  # whoever reads on comes to where it breaks off
    assert head(partial(open_log, path), 10, 1 << 20) == ['{"a":1}'] * 10
    assert len(head(partial(open_log, path), 10**9, 1 << 16)) == (1 << 16) // 8
    path.write_bytes(b"no gzip")
    assert head(partial(open_log, path), 10, 1 << 20) == []


def test_ends_of_lines_and_odd_bytes(tmp_path: Path):
    path = tmp_path / "x.log"
    path.write_bytes(b"a\r\nb\rc\xff\nlast")
    assert head(partial(open_log, path), 10, 1 << 20) == ["a", "b", "c\\xff", "last"]


def test_each_stream_is_sampled(tmp_path: Path):
    for day in (1, 2, 3):
        export(tmp_path, day, "/g", {f"s{number}": [f'{{"stream":{number}}}'] * 500 for number in range(12)})
    lines = sample.sample(open_lake(tmp_path, tmp_path.parent / "view"))["/g"]
    assert len(lines) <= sample.LINES
    assert {line[25:] for line in lines} == {f'{{"stream":{number}}}' for number in range(12)}
    assert len({line[:10] for line in lines}) > 1
