"""Logs that are text are refused with what they are and how to get JSON."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from helpers.project import Project
from private_analytics.cli import cli
from private_analytics.demo import build
from private_analytics.errors import UserError
from private_analytics.project import paths
from private_analytics.suggest.text_formats import advice

ALB = (
    "https 2026-10-01T12:00:00.123456Z app/shop/50dc6c495c0c9188 192.168.131.39:2817 10.0.0.1:80 0.086 0.048 0.037 200 200 0 57"
    ' "GET https://shop.example.com:443/orders/1 HTTP/1.1" "curl/7.46.0" ECDHE-RSA-AES128-GCM-SHA256 TLSv1.2 arn:aws:x "Root=1-5"'
)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (ALB, "load balancer"),
        (ALB.removeprefix("https ").replace("app/shop/50dc6c495c0c9188", "my-classic"), "load balancer"),
        ('203.0.113.9 - ann [29/Nov/2026:10:15:07 +0000] "GET /a?b=1 HTTP/1.1" 200 612 "-" "curl/7.88"', "web server"),
        ('203.0.113.9 - - [29/Nov/2026:10:15:07 +0000] "\\x16\\x03" 400 0', "web server"),
        ("#Fields: date time x-edge-location sc-bytes c-ip cs-method", "CloudFront"),
        ('time=2026-10-01T12:00:00Z level=info msg="GET /a" status=200 duration=12ms', "logfmt"),
        ("{'status': 200, 'path': '/a'}", "json.dumps"),
        ("<event><status>200</status></event>", "XML"),
        ('2026-10-01,200,"GET, POST",/a,12', "CSV"),
        ("2026-10-01 12:00:00,123 INFO  [main] c.e.Shop - GET /a 200 in 12 ms", "Set the logger to JSON"),
        ("Traceback (most recent call last):", "Set the logger to JSON"),
        ('{"cut": "off', "Set the logger to JSON"),
        ("", "Set the logger to JSON"),
    ],
)
def test_each_format_is_named_by_its_lines(line: str, words: str) -> None:
    assert words in advice([line, line, "something else"])


def test_a_few_lines_do_not_decide() -> None:
    assert advice([ALB, "a", "b"]) == advice([]) == "Set the logger to JSON, one object a line (docs/loggers.md)."


def test_text_is_told_by_suggest_and_by_the_demo(project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paths, "site", lambda: tmp_path / "site")
    logs = tmp_path / "logs"
    logs.mkdir()
    (logs / "alb.log").write_text(f"{ALB}\n" * 3)
    words = "Not read (local): none of 3 lines is JSON. They look like access logs of a load balancer."
    result = CliRunner().invoke(cli, ["suggest", str(logs)])
    assert result.exit_code == 1
    assert words in result.output
    assert "Not found" not in result.output
    said: list[str] = []
    lake = build.lake_of(logs, said.append)
    assert build.with_suggestion(lake, {}, said.append) == {}
    assert said[-1].startswith(words)
    with pytest.raises(UserError, match=r"No event was read\. 3 of 3 lines are not events: 3 not_json\."):
        build.build_from(lake, {}, said.append)
