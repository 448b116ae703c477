"""Advice for logs that are text: the formats that people have most often, and how to get JSON instead."""

from __future__ import annotations

import re
from collections.abc import Sequence

ACCESS_LOG = "Choose JSON: in API Gateway as the stage's log format, in nginx and Apache as docs/loggers.md shows."
JSON_OF_LOGGER = "Set the logger to JSON, one object a line (docs/loggers.md)."
# The first that fits. Each matches the message, without CloudWatch's time.
FORMATS = (
    (
        "access logs of a load balancer",
        re.compile(r'(?:(?:https?|h2|grpcs?|wss?|tls) )?\d{4}-\d\d-\d\dT\S+Z \S+ (?:app/)?\S+:\d+ .*"[A-Z-]+ \S* \S*"'),
        "They have no user and no event, and do not come from CloudWatch. Log requests in the API, as JSON.",
    ),
    ("access logs of a web server or API Gateway (CLF)", re.compile(r"\S+ \S+ .*\[\d\d/[A-Z][a-z]{2}/\d{4}:"), ACCESS_LOG),
    ("access logs of CloudFront or IIS (W3C)", re.compile(r"#(?:Version|Fields|Software):"), "Log requests in the API, as JSON."),
    ("logfmt", re.compile(r'(?:[\w.]+=(?:"[^"]*"|\S*) +){2}[\w.]+='), JSON_OF_LOGGER),
    ("Python dicts", re.compile(r"\{'\w+': "), "They were printed, not dumped: use json.dumps or a JSON formatter."),
    ("XML", re.compile(r"<\??\w+[^>]*>"), JSON_OF_LOGGER),
    ("CSV", re.compile(r'(?:"[^"]*"|[^",{]*)(?:,(?:"[^"]*"|[^",{]*)){4}'), JSON_OF_LOGGER),
)


def advice(messages: Sequence[str]) -> str:
    """What these messages, none of which is JSON, are, and what to do."""
    for name, pattern, what_to_do in FORMATS:
        if messages and sum(bool(pattern.match(message)) for message in messages) > len(messages) / 2:
            return f"They look like {name}. {what_to_do}"
    return f"{JSON_OF_LOGGER}"
