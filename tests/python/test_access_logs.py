"""Logs that are only requests, or not even these: what a web server's access log is worth, and what is not a request."""

from __future__ import annotations

import gzip
import json
from collections import Counter

from helpers import REPOSITORY
from helpers.checkout import NO_UNIT_TESTS, UNTESTED, Checkout
from helpers.project import Project
from helpers.tables import assert_equals_oracle, line

LOGS = REPOSITORY / "tests" / "fixtures" / "real_logs"


def test_an_access_log_has_names_and_funnels(checkout: Checkout) -> None:
    """nginx's own lines, and the steps of a funnel in a seed. One session of two took all steps; one only looked."""
    project = checkout.project
    project.export({"s": gzip.compress((LOGS / "nginx-timed.jsonl").read_bytes())}, line_format="plain")
    checkout.edit("seeds/funnels.csv", "upload,2", "shop,1,GET /products/:id\nshop,2,POST /cart\nshop,3,POST /orders\nupload,2")
    meant = "POST /orders,,,,purchase\n,DELETE,,/cart/items/:id,other\n"
    checkout.edit("seeds/event_catalog.csv", "purchased,,", meant + "purchased,,")
    outcome, said = checkout.dbt("build", *NO_UNIT_TESTS)
    assert outcome.succeeded, outcome

    names = {row["event_name"]: row["events"] for row in project.table("daily_events")}
    assert names == {
        "GET /": 1,
        "GET /checkout": 1,
        "GET /orders/:id": 1,
        "GET /products/:id": 3,
        "GET /search": 3,
        "POST /cart": 1,
        "POST /login": 2,
        "POST /orders": 1,
        "POST /uploads": 1,
        "DELETE /cart/items/:id": 1,
        "GET (400)": 1,
        "GET (403)": 1,
        "GET (404)": 1,
        "GET (500)": 1,
        "POST (401)": 1,
        "(none)": 1,  # a TLS handshake on the plain port
    }
    funnel = project.query("select event_name, sessions from daily_funnel where funnel = 'shop' order by step_number")
    assert [tuple(row.values()) for row in funnel] == [("GET /products/:id", 2), ("POST /cart", 1), ("POST /orders", 1)]
    assert sorted(row["converted"] for row in project.table("sessions")) == [False, True]
    assert {row["route"] for row in project.table("daily_endpoint_reliability")} > {"/no-such-page", "/recommendations"}
    meanings = Counter(row["meaning"] for row in project.query("from int_events where meaning is not null"))
    assert meanings == {"purchase": 1, "other": 1, "auth_failure": 1}  # the last by its status, 401

    assert "  event_name    100.0 % null" in said  # that of the log
    assert "Bots: 8.7 % of events, left out of users, sessions, funnels and products." in said  # 2 of 23
    assert not [text for text in said if "seeds/event_catalog.csv" in text]


def test_lines_that_are_not_requests_count_in_no_figure_of_requests(project: Project) -> None:
    """Caddy's and uvicorn's own log beside the requests; Lambda's report, although a latency is looked for at its duration."""
    caddy = [
        '{"level":"info","ts":1795947590.1,"msg":"serving initial configuration"}',
        '{"level":"info","ts":1795947590.2,"logger":"tls","msg":"finished cleaning storage units","duration":9000}',
    ]
    report = '{"time":"2026-11-29T10:19:56.000Z","type":"platform.report","record":{"metrics":{"durationMs":9000}}}'
    project.export(
        {
            "caddy": gzip.compress("\n".join([*caddy, (LOGS / "more" / "caddy.jsonl").read_text()]).encode()),
            "uvicorn": gzip.compress((LOGS / "more" / "uvicorn.jsonl").read_bytes()),
            "lambda": [report],
        },
        line_format="plain",
    )
    fields = {
        "event_at": ["ts", "time", "asctime"],
        "latency_ms": ["record.metrics.durationMs", {"path": "duration", "unit": "s"}],
        "method": ["request.method", "request"],
        "path": ["request.uri", "request"],
    }
    said = project.build_from(project.lake, json.dumps({"event_fields": fields}))
    expected = [json.loads(text) for name in ("caddy", "uvicorn") for text in (LOGS / "more" / f"{name}.expected.jsonl").open()]
    requests = [row for row in expected if row.get("status_code")]
    assert sum(row["requests"] for row in project.table("hourly_reliability")) == len(requests) == 43
    assert sum(row["requests"] for row in project.table("daily_endpoint_reliability")) == 43
    assert max(row["latency_p99_ms"] or 0 for row in project.table("daily_endpoint_reliability")) < 10
    (unnamed,) = project.query("select sum(events) as n from daily_events where event_name = '(none)'")
    assert unnamed["n"] == len(expected) - len(requests) + len(caddy)
    assert [row["reason"] for row in project.table("rejected_log_lines")] == ["lambda_platform_line"]
    assert not [text for text in said if text.startswith("Warning")]


def test_tables_of_an_earlier_version_get_the_column_and_old_days_keep_what_was_read(checkout: Checkout) -> None:
    project = checkout.project
    record = {"userAgent": "curl/8.5.0", "method": "GET", "path": "/a", "statusCode": 200}
    project.export({"s": [line("2026-10-01", **record)]}, task_id="old")
    named = "{{ status_code }} < 400 then {{ method }} || ' ' || {{ route }}"
    checkout.edit("macros/fields/read_fields.sql", named, "{{ status_code }} < 400 then null")
    checkout.run()
    checkout.restore()
    project.execute("drop view int_events; drop view events; drop view batch_identified")
    project.execute("alter table fct_events drop column client")
    project.export({"s": [line("2026-10-02", **record)]}, task_id="new")
    outcome, said = checkout.dbt("build", *UNTESTED)
    assert outcome.succeeded, outcome
    assert [text for text in said if text.startswith("What is read from log lines has changed")]
    rows = project.query("select event_name, client from fct_events order by event_at")
    assert [tuple(row.values()) for row in rows] == [(None, None), ("GET /a", "curl")]
    checkout.run("--full-refresh")
    assert_equals_oracle(project)
