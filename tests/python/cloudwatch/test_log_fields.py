"""The configured fields and the catalog as Python reads them, and what is wrong with them in words, also from `stack plan`."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from helpers import filter_pattern, insights
from helpers.stack_account import make_settings
from helpers.watched import understand
from private_analytics.cli import cli
from private_analytics.errors import UserError
from private_analytics.event_fields import FieldPath
from private_analytics.exports.handler import summarized
from private_analytics.exports.plan import DayState, DayStatus, ExportPlan
from private_analytics.exports.reconcile import ExportOutcome
from private_analytics.project import paths, variables
from private_analytics.stack import filter_patterns, log_fields, log_metrics, log_queries, settings, target, template
from private_analytics.stack.log_fields import CatalogRow, LogFields

HEADER = "event_name,method,status_code,route,meaning\n"
ONE_PLACE = {"status_code": "status", "event_name": "event", "path": "path", "method": "method"}
Read = Callable[..., LogFields]


def test_ids_in_paths_are_those_of_the_marts():
    macro = (paths.root() / "macros" / "fields" / "read_fields.sql").read_text()
    listed = macro.split("{%- set id = '/(?:' ~ [")[1].split("\n    ]")[0]
    assert [line.strip().strip("',") for line in listed.strip().splitlines()] == list(log_queries.IDS)


def write(folder: Path, event_fields: Any, log_groups: Any = None) -> Path:
    file = folder / "dbt_project.yml"
    own = {"event_fields": event_fields, "log_groups": log_groups}
    file.write_text(yaml.safe_dump({"vars": variables.read_vars() | own}))
    return file


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """The fields with some of one's own, and the catalog with other rows."""

    def reading(event_fields: Any = None, catalog: str | None = None) -> LogFields:
        seed = tmp_path / "event_catalog.csv"
        seed.write_text((paths.root() / "seeds" / "event_catalog.csv").read_text() if catalog is None else catalog)
        return log_fields.read(write(tmp_path, event_fields), seed)

    return reading


def test_paths_are_read_as_dbt_reads_them(read: Read):
    fields = read({"user_id": 'user."a.b".ids[0]', "latency_ms": [{"path": "took", "unit": "s"}, "ms", "took"], "product_id": []})
    assert fields.of("user_id") == (FieldPath(("user", "a.b", "ids", 0)),)
    assert fields.of("latency_ms") == (FieldPath(("took",), "s"), FieldPath(("ms",)))
    assert fields.of("product_id") == ()
    assert fields.of("method")[0] == FieldPath(("method",))


def test_rows_of_auth_failures_are_read_and_no_others(read: Read):
    rows = 'page_viewed,,,,page_view\n"a, b",,,,auth_failure\n,POST,403,/login,auth_failure\n'
    assert read(catalog=HEADER + rows).auth_failures == (
        CatalogRow(3, {"event_name": "a, b"}, "auth_failure"),
        CatalogRow(4, {"method": "POST", "status_code": "403", "route": "/login"}, "auth_failure"),
    )


def test_a_catalog_without_methods_is_read(read: Read):
    catalog = "event_name,status_code,route,meaning\nlogin_failed,,,auth_failure\n,403,/login,auth_failure\n"
    assert [row.values for row in read(catalog=catalog).auth_failures] == [
        {"event_name": "login_failed"},
        {"status_code": "403", "route": "/login"},
    ]


@pytest.mark.parametrize(
    ("event_fields", "words"),
    [
        ({"users": "x"}, "event_fields: there is no field 'users', did you mean user_id"),
        ({"x": 1}, r"event_fields: there is no field 'x'\. Fields: event_at, "),
        (["user_id"], r"event_fields: cannot use \['user_id'\]\. Write the name of a logger, or {field: path"),
        ({"user_id": [{"unit": "ms"}]}, "user_id: cannot use {'unit': 'ms'}"),
        ({"user_id": ["[0].id"]}, r"user_id: cannot use '\[0\]\.id'"),
        ({"latency_ms": [{"path": "took", "unit": "min"}]}, "latency_ms: cannot use"),
        ({"status_code": [{"path": "status", "unit": "ms"}]}, "status_code: cannot use"),
    ],
)
def test_a_wrong_field_is_named(read: Read, event_fields: Any, words: str):
    with pytest.raises(UserError, match=words):
        read(event_fields)


@pytest.mark.parametrize(
    ("catalog", "words"),
    [
        ("", "the first line must be event_name,method,status_code,route,meaning"),
        ("event_name,status,route,meaning\n", "the first line must be"),
        (HEADER + ",401,auth_failure\n", "row 2: 3 columns; each row must have 5: event_name, method, status_code, "),
        (HEADER + "page_viewed,,,,page_view\n,,x,,auth_failure\n", "row 3: the status_code 'x' is not an HTTP status"),
        (HEADER + ",get,401,,other\n", "row 2: the method 'get' matches no event. Write it in capitals"),
        (HEADER + ",,,,auth_failure\n", "row 2 makes every event an auth failure"),
        (HEADER + '"a,,,,auth_failure\n', "cannot be read"),
    ],
)
def test_a_broken_catalog_is_told_by_row(read: Read, catalog: str, words: str):
    with pytest.raises(UserError, match=words):
        read(catalog=catalog)


def test_a_catalog_that_is_not_there_is_named(tmp_path: Path):
    with pytest.raises(UserError, match=r"nowhere\.csv cannot be read"):
        log_fields.read(catalog=tmp_path / "nowhere.csv")


# --- What CloudWatch cannot say ---


@pytest.mark.parametrize(
    ("event_fields", "catalog", "words"),
    [
        ({"status_code": ["Größe"]}, None, "cannot name the key 'Größe'"),
        ({"status_code": ["@status"]}, None, "cannot name the key '@status'"),
        ({}, HEADER + ",,403,/users/:id/login,auth_failure\n", "row 2: a metric filter cannot match the route /users/:id/login"),
        ({}, HEADER + ",,403,,auth_failure\n,,403,/users/:id,other\n", "row 3: .* cannot match the route /users/:id"),
        ({}, HEADER + "a*b,,,,auth_failure\n", r"row 2: a metric filter cannot match 'a\*b'"),
        ({}, HEADER + ",,401,,auth_failure\na%b,,401,,other\n", "row 3: a metric filter cannot match 'a%b'"),
        (
            {"status_code": [f"status_of_the_answer_number_{n}" for n in range(40)]},
            None,
            r"requests would be 2,\d\d\d characters .* \(now 40 for status_code, \d+ for latency_ms\)\.",
        ),
        ({}, HEADER + f"{'x' * 1000},,,,auth_failure\n", "auth failures would be .* or fewer auth_failure rows"),
        ({}, HEADER + ",,401,,auth_failure\n,GET,401,/probe,other\n", r"fewer rows that make exceptions to them \(now row 3\)"),
        # An event may fit both, so they cannot be counted apart.
        (ONE_PLACE, HEADER + f"{'x' * 400},,,,auth_failure\n,,,/{'y' * 250},auth_failure\n", "auth failures would be 1,"),
        ({"status_code": [f"s{n}" for n in range(20)]}, None, r"need \d\d\d metric filters; a log group can have 100"),
    ],
)
def test_what_a_filter_cannot_say_is_refused_with_advice(read: Read, event_fields: Any, catalog: str | None, words: str):
    with pytest.raises(UserError, match=words):
        log_metrics.part(read(event_fields, catalog))


@pytest.mark.parametrize(
    ("event_fields", "catalog", "words"),
    [
        ({"user_id": ["a`b"]}, None, "cannot name the key 'a`b'"),
        ({"path": [f"path_of_the_request_number_{n}" for n in range(400)]}, None, "'server errors' would be 1.,... characters"),
        ({}, HEADER + '"a""b",,,,auth_failure\n', "row 2: CloudWatch Logs Insights cannot match"),
        ({}, HEADER + ",,401,,auth_failure\n,,401,/a\\b,other\n", "row 3: CloudWatch Logs Insights cannot match"),
    ],
)
def test_what_a_query_cannot_say_is_refused(read: Read, event_fields: Any, catalog: str | None, words: str):
    with pytest.raises(UserError, match=words):
        log_queries.part(read(event_fields, catalog))


@pytest.mark.parametrize("command", ["plan", "deploy"])
def test_the_stack_commands_tell_it_before_anything_is_called(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str):
    wrong = partial(log_fields.read, write(tmp_path, {"users": "x"}))
    monkeypatch.setattr(log_fields, "read", wrong)
    result = CliRunner().invoke(cli, ["stack", command, "--settings", settings.EXAMPLE])
    assert result.exit_code == 1
    assert "event_fields: there is no field 'users'" in result.output
    assert "Traceback" not in result.output


# --- What is built ---


def test_a_log_group_of_the_settings_has_its_own_filters(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    project = write(tmp_path, {}, {"/shop/worker": {"status_code": "answer", "latency_ms": {"path": "took", "unit": "us"}}})
    monkeypatch.setattr(log_fields, "read", partial(log_fields.read, project))
    sts = SimpleNamespace(get_caller_identity=lambda: {"Arn": "arn:aws:iam::111122223333:user/me"})
    cloudformation = SimpleNamespace(meta=SimpleNamespace(region_name="eu-central-1"))
    aws: Any = SimpleNamespace(sts=sts, cloudformation=cloudformation, region="eu-central-1")
    wanted = make_settings(tmp_path, ApiLogGroup="/shop/api", SecondLogGroup="/shop/worker")
    resources = target.target(aws, wanted).template["Resources"]
    latencies = {
        log_group: {
            item["Properties"]["MetricTransformations"][0]["MetricValue"]
            for name, item in resources.items()
            if name.startswith(f"{log_group}Latency")
        }
        for log_group in ("ApiLogs", "SecondLogs", "ThirdLogs")
    }
    assert latencies["SecondLogs"] == {"$.took"}
    assert latencies["ApiLogs"] == latencies["ThirdLogs"] > {"$.latencyMs"}
    query = resources["InsightsTraffic"]["Properties"]["QueryString"]
    assert 'if(api_log_group = "/shop/worker", coalesce(took / 1000), coalesce(latencyMs,' in query


def test_many_rows_are_counted_by_several_filters(read: Read):
    routes = "".join(f",,403,/route-number-{n},auth_failure\n" for n in range(60))
    names = "".join(f"name_number_{n},,,,auth_failure\n" for n in range(60))
    patterns = filter_patterns.patterns(read(ONE_PLACE, HEADER + routes + names)).auth_failures
    for n in range(60):
        for line in ({"status": 403, "path": f"/route-number-{n}"}, {"event": f"name_number_{n}"}):
            assert sum(understand(pattern).fits(json.dumps(line)) for pattern in patterns) == 1, line


def test_rows_that_may_both_fit_share_a_filter(read: Read):
    catalog = (
        HEADER + "denied,,,,auth_failure\n,,,/token,auth_failure\nlogin,,418,/login,auth_failure\nother,,418,,auth_failure\n"
    )
    fields = read({"status_code": "status", "event_name": ["event", "name"], "path": ["path", "url"]}, catalog)
    patterns = filter_patterns.patterns(fields).auth_failures

    def fitting(**line: Any) -> int:
        return sum(understand(pattern).fits(json.dumps(line)) for pattern in patterns)

    assert fitting(event="denied", path="/token", status=200) == 1
    assert fitting(event="login", path="/login", status=418) == 1
    assert fitting(event="other", path="/login", status=418) == 1
    assert fitting(event="login", path="/", status=418) == fitting(event="login", path="/login", status=200) == 0


@pytest.mark.parametrize("nowhere", ["status_code", "latency_ms", "event_name", "path", "method", "session_id"])
def test_a_field_that_is_nowhere_leaves_the_rest(read: Read, nowhere: str):
    filters = [item["Properties"] for item in log_metrics.part(read({nowhere: []}))["Resources"].values()]
    metrics = {one["MetricTransformations"][0]["MetricName"] for one in filters}
    assert ("Requests" in metrics) == (nowhere != "status_code")
    assert ("LatencySeconds" in metrics) == (nowhere not in ("status_code", "latency_ms"))
    assert "AuthFailures" in metrics
    for one in filters:
        understand(one["FilterPattern"])


def test_every_log_group_has_the_same_filters_where_it_is_there():
    parts = template.read_parts()
    by_group: dict[str, dict] = {}
    for name, item in parts["log_metrics.py"]["Resources"].items():
        log_group = item["Properties"]["LogGroupName"]["Ref"]
        assert item.get("Condition") == template.merge(parts)["Resources"][log_group].get("Condition"), name
        by_group.setdefault(log_group, {})[name.removeprefix(log_group)] = item["Properties"] | {"LogGroupName": None}
    assert by_group["ApiLogs"] == by_group["SecondLogs"] == by_group["ThirdLogs"]
    assert 50 < len(by_group["ApiLogs"]) <= 100
    assert set(by_group) == {"ApiLogs", "SecondLogs", "ThirdLogs", "ExporterLogs"}


def test_filters_of_a_log_group_are_made_one_after_another():
    """CloudWatch Logs aborts one of two changes to a log group at a time (OperationAbortedException)."""
    resources = template.read_parts()["log_metrics.py"]["Resources"]
    for log_group in ("ApiLogs", "SecondLogs", "ThirdLogs", "ExporterLogs"):
        names = [name for name, item in resources.items() if item["Properties"]["LogGroupName"] == {"Ref": log_group}]
        assert [resources[name].get("DependsOn") for name in names] == [None, *names[:-1]]


def test_a_logger_of_ones_own_needs_few_filters(read: Read):
    own = {"status_code": "res.statusCode", "latency_ms": "responseTime", "event_name": "eventName", "path": "req.url"}
    assert len(log_metrics.part(read(own))["Resources"]) == 3 * 7 + 2


def test_the_exporters_summary_is_read():
    late = ExportPlan(late=2, failed=[DayState("/api", 20000, DayStatus.FAILED)] * 3)
    filters = {
        item["Properties"]["MetricTransformations"][0]["MetricName"]: item["Properties"]
        for item in template.read_parts()["log_metrics.py"]["Resources"].values()
        if item["Properties"]["LogGroupName"] == {"Ref": "ExporterLogs"}
    }
    for plan, expected in ((late, {"ExportDaysLate": 2, "ExportDaysFailed": 3}), (ExportPlan(), dict.fromkeys(filters, 0))):
        line = json.dumps(summarized(ExportOutcome(plan=plan))) + "\n"
        found = {}
        for metric, properties in filters.items():
            assert understand(properties["FilterPattern"]).fits(line)
            found[metric] = filter_pattern.value(properties["MetricTransformations"][0]["MetricValue"], line)
        assert found == expected


def test_every_query_is_understood_and_short_enough():
    queries = template.read_parts()["log_queries.py"]["Resources"]
    assert len(queries) == 6
    for item in queries.values():
        text = item["Properties"]["QueryString"]
        assert len(text) <= 10_000  # PutQueryDefinition
        assert insights.run(text, []) == []
        assert item["Properties"]["Name"]["Fn::Sub"].startswith("${NamePrefix}/")
