"""`!Threshold NAME` in infra/template/ is the number that dbt_project.yml says."""

from __future__ import annotations

from pathlib import Path

import pytest

from private_analytics.errors import UserError
from private_analytics.project import variables
from private_analytics.stack import template


def test_it_is_the_number_as_text_as_a_parameter_would_be(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    changed = variables.thresholds().model_copy(update={"min_requests": 50, "server_error_rate": 0.00001})
    monkeypatch.setattr(variables, "thresholds", lambda: changed)
    (tmp_path / "a.yaml").write_text("Outputs: {A: [!Threshold min_requests, !Threshold server_error_rate]}")
    assert template.read_parts(tmp_path)["a.yaml"]["Outputs"]["A"] == ["50", "0.00001"]


def test_one_that_there_is_not_is_told_with_the_file_and_its_name(tmp_path: Path):
    (tmp_path / "odd.yaml").write_text("Outputs:\n  A: !Threshold error_rate\n")
    with pytest.raises(
        UserError, match=r"odd\.yaml.*there is no threshold error_rate\. Thresholds: .*server_error_rate(.|\n)*line 2"
    ):
        template.read_parts(tmp_path)


def test_alarms_go_by_what_the_project_says(monkeypatch: pytest.MonkeyPatch):
    changed = variables.Thresholds(
        min_requests=51,
        server_error_rate=0.02,
        latency_p95_ms=1003,
        auth_failure_rate=0.04,
        auth_failure_burst=105,
        athena_gb_per_day=506,
        upload_url_seconds=907,
        rejected_rate=0.08,
        latency_median_min_ms=0.09,
        latency_median_max_ms=100_010,
    )
    monkeypatch.setattr(variables, "thresholds", lambda: changed)
    resources = template.merge(template.read_parts())["Resources"]
    expected = {
        "ServerErrors": "0.02",
        "ServerErrorsHourly": "0.02",
        "SlowRequests": "1003",
        "AuthFailures": "0.04",
        "AuthFailureBurst": "105",
        "AthenaBytes": "506",
    }
    assert {name: resources[name]["Properties"]["Threshold"] for name in expected} == expected
    for name in ("ServerErrors", "ServerErrorsHourly", "SlowRequests", "AuthFailures"):
        assert resources[name]["Properties"]["Metrics"][0]["Expression"]["Fn::Sub"][1] == {"least": "51"}, name
