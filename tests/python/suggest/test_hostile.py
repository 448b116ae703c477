"""Whatever stands in a log: nothing breaks, no secret is shown, and the YAML says what the paths say and nothing else."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers.written_logs import Request, written
from private_analytics import json_path
from private_analytics.suggest import find, output
from private_analytics.suggest.evidence import shown

NAMES = ["time", "status", "latency", "duration_ms", "method", "path", "res", "level", "ts", "msg"]
SECRETS = (
    "hunter2-and-more",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U",  # pragma: allowlist secret
    "AKIAIOSFODNN7EXAMPLE",  # pragma: allowlist secret
    "wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEY",  # pragma: allowlist secret
    "0f3a9c1be27d4e5f8a6b7c8d9e0f1a2b",  # pragma: allowlist secret
)


def everything(lines: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    suggestion = find({"g": lines})
    output.echo(suggestion)
    return capsys.readouterr().out + json.dumps(output.as_data(suggestion))


@pytest.mark.parametrize("secret", SECRETS)
def test_no_secret_is_shown(secret: str, capsys: pytest.CaptureFixture[str]):
    def write(r: Request) -> dict[str, Any]:
        return {
            "time": r.iso,
            "status": r.status,
            "method": r.method,
            "path": f"/login?access_token={secret}",
            "user_id": f"Bearer {secret}",
            "session": {"id": {"password": secret}},
            **({"sessions": {secret: {"status_code": r.status}}} if len(secret) > 16 else {}),
            "user_agent": f"Mozilla/5.0 token={secret}",
            "message": f'{{"authorization": "{secret}"}} password: {secret}',
        }

    said = everything([*written(write, 8), f"not JSON, Authorization: Bearer {secret}", f"secret={secret}"], capsys)
    assert secret not in said


@pytest.mark.parametrize(
    "text",
    [
        "Bearer abcdef",
        "password=abcdef",
        '"api_key": "abcdef"',
        "Authorization: Basic abcdef",
        "Set-Cookie: abcdef",
        "x://u:abcdef@h/",
    ],
)
def test_secrets_in_text(text: str):
    assert "abcdef" not in shown(text)


@pytest.mark.parametrize(
    "lines",
    [
        ['{"a":' * 100_000 + "1" + "}" * 100_000, '{"a":' * 500 + "200" + "}" * 500],
        ["[" * 100_000],
        [json.dumps({f"k{number}": number for number in range(10_000)} | {"status": 200, "time": "2026-10-01T00:00:00Z"})] * 5,
        [json.dumps({key: "9" * 1_000_000 for key in ("time", "status", "latency", "path", "method", "user_agent")})] * 3,
        [
            '{"status":NaN,"time":Infinity,"latency_ms":-Infinity}',
            '{"latency_ms":1e999,"status":1e300}',
            '{"latency_ms":' + "9" * 5000 + "}",
        ],
        ['{"a":"\\ud800"}', '{"\\ud800":1}', "\x00", "", "null", "7", '"x"', "\\xff\\xfe"],
        ['{"status":200,"latency":0,"path":"/","method":"GET","time":0}'] * 10,
        [],
    ],
)
def test_nothing_breaks(lines: list[str], capsys: pytest.CaptureFixture[str]):
    assert everything(lines, capsys)


PLAUSIBLE = [200, "GET", "/a", "2026-10-01T00:00:00Z", "3ms"]
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.sampled_from([200, "GET", "/a", "2026-10-01T00:00:00Z", "3ms"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES) | st.text(), inner, max_size=5),
    max_leaves=20,
)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.dictionaries(st.sampled_from(NAMES) | st.text(), VALUES, max_size=6).map(json.dumps) | st.text(), max_size=12))
def test_any_lines(lines: list[str]):
    suggestion = find({"g": lines, "h": lines[:3]})
    output.as_data(suggestion)
    assert yaml.safe_load(output.as_yaml(suggestion.answer)) == suggestion.answer


def test_the_first_of_two_equal_keys_counts():
    (group,) = find({"g": ['{"status":200,"status":"x","time":"2026-10-01T00:00:00Z"}'] * 5}).groups
    assert "status_code" in group.found


ODD = ["{{ 1/0 }}", "a\nb", 'q"q', "- x", "&x *y", "!!python/x", "\x1b[31m", "#", "'"]
KEYS = st.text(min_size=1, max_size=12) | st.sampled_from(ODD)


@settings(max_examples=150, deadline=None)
@given(st.lists(KEYS, min_size=4, max_size=4, unique=True), st.sampled_from(["ms", "s"]))
def test_the_yaml_says_the_paths(keys: list[str], unit: str):
    factor = {"ms": 1, "s": 1e-3}[unit]
    top, at, status, path = keys

    def write(r: Request) -> dict[str, Any]:
        values = {f"{at}_time": r.iso, f"{status}_status_code": r.status, f"{path}_path": r.path, "took": r.ms * factor}
        return {top: values, f"{top}_": {"method": r.method}}

    suggestion = find({top: written(write, 20), "other": written(lambda r: {"ts": r.iso, "status": r.status}, 20)})
    text = output.as_yaml(suggestion.answer)
    assert yaml.safe_load(text) == suggestion.answer
    assert "{{" not in text
    assert text.isascii()
    for name, entries in suggestion.answer.get("event_fields", {}).items():
        for entry in entries:
            steps = json_path.parse(entry["path"] if isinstance(entry, dict) else entry)
            assert name in ("user_id", "session_id", "product_id") or steps[0] in (top, f"{top}_", "ts", "status")
            assert steps[0] != top or steps[1] in write_keys(at, status, path)


def write_keys(at: str, status: str, path: str) -> set[str]:
    return {f"{at}_time", f"{status}_status_code", f"{path}_path", "took"}
