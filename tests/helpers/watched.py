"""What CloudWatch would make of log lines: the built template's metric filters and saved queries, run by the interpreters."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cache

from helpers import filter_pattern, insights
from helpers.filter_pattern import Open
from helpers.insights import LogEvent
from private_analytics.stack import log_metrics, log_queries
from private_analytics.stack.log_fields import LogFields

AS_DOCUMENTED = Open()
QUESTIONS = ("text_is_number", "number_is_text", "kinds_differ", "missing_differs", "star_takes_all", "object_spoils")
# Each question answered the other way by itself, and all of them.
OTHERWISE = [*(Open(**{question: True}) for question in QUESTIONS), Open(**dict.fromkeys(QUESTIONS, True))]
COUNTED = ("Requests", "ServerErrors", "AuthFailures")
IN_MS = {
    "LatencySeconds": Decimal(1000),
    "LatencyMilliseconds": Decimal(1),
    "LatencyMicroseconds": Decimal("0.001"),
    "LatencyNanoseconds": Decimal("0.000001"),
}

NAMES = {"ApiLogs": LogEvent.log_group}  # of the API's log groups, by logical id

understand = cache(filter_pattern.understand)


@dataclass(frozen=True)
class Datum:
    metric: str
    timestamp_ms: int
    value: float


def published(
    fields: LogFields, events: Iterable[LogEvent], open_: Open = AS_DOCUMENTED, names: Mapping[str, str] = NAMES
) -> list[Datum]:
    """What the filters on the API's log groups publish."""
    filters: dict[str, list[dict]] = {}
    for item in log_metrics.part(fields, names)["Resources"].values():
        logical_id = item["Properties"]["LogGroupName"]["Ref"]
        filters.setdefault(names.get(logical_id, logical_id), []).append(item["Properties"])
    data = []
    for event in events:
        for one in filters[event.log_group]:
            if understand(one["FilterPattern"]).fits(event.message, open_):
                (made,) = one["MetricTransformations"]
                value = made["MetricValue"]
                number = filter_pattern.value(value, event.message) if value.startswith("$") else Decimal(value)
                if number is not None:
                    data.append(Datum(made["MetricName"], event.timestamp_ms, number))
    return data


def counts(data: Iterable[Datum]) -> dict[str, int]:
    """Requests, server errors and auth failures."""
    data = list(data)
    return {metric: int(sum(datum.value for datum in data if datum.metric == metric)) for metric in COUNTED}


def latencies_ms(data: Iterable[Datum]) -> list[float]:
    return sorted(float(datum.value * IN_MS[datum.metric]) for datum in data if datum.metric in IN_MS)


def asked(
    fields: LogFields, query: str, events: Iterable[LogEvent], names: Mapping[str, str] = NAMES, **replaced: str
) -> list[insights.Row]:
    """The rows of a saved query; `replaced` is what a person puts in place of SESSION_ID."""
    text = log_queries.part(fields, names)["Resources"][f"Insights{query}"]["Properties"]["QueryString"]
    for placeholder, value in replaced.items():
        assert placeholder in text
        text = "\n".join(line if line.startswith("#") else line.replace(placeholder, value) for line in text.splitlines())
    return insights.run(text, events)
