"""Words that keys of each field consist of, with how much each says; and words that speak against a key."""

from __future__ import annotations

import re

from .evidence import Evidence

UNIT = r"(_?(ms|msecs?|millis|milli_?seconds?|s|secs?|seconds?|us|µs|usecs?|micros|micro_?seconds?|ns|nanos|nano_?seconds?))?"

# The last key as words, whole: status_code for statusCode.
GOOD: dict[str, list[tuple[str, float]]] = {
    "event_at": [
        (r"timestamp|time|ts|t|date_?time|asctime|time_?stamp|time_(local|iso_?\d*|ms|unix)|(event|log|logged)_?(time|at)", 3.0),
        (r"date|at|when|instant|occurred_at|created(_at)?|epoch(_.*)?|time_millis|msec", 2.5),
        (r"(start|end|started|finished|received|completed)(_?(time|at|date|timestamp)(_unix.*)?)?", 1.5),
        (r"request_time.*|_?source.*time.*", 1.5),
    ],
    "status_code": [
        (r"(http|response|res|resp|reply)?_?status_?code|(http|response|res|resp)_?status|status", 3.0),
        (r"(http|response|res|resp|result|return)_?code|code|sc|status_.*|.*_status(_code)?", 2.0),
        (r"response|result|res|resp|rc", 1.5),
    ],
    "latency_ms": [
        (
            r"((request|response|resp|total|http|server|handler|api|overall|req)_?)?(latency|duration|elapsed|took|dur|elapsed_?time)"
            rf"{UNIT}",
            3.0,
        ),
        (
            r"(response|request|resp|req|process|processing|execution|exec|handling|handle|service|serve|total|run|elapsed|cost)"
            rf"_?time{UNIT}|(latency|duration|elapsed)_total{UNIT}|(time_?(taken|elapsed|spent)|taken|cost|rt|runtime|time_?to_?serve){UNIT}",
            3.0,
        ),
        (
            rf"(.*_)?(latency|duration|elapsed|took){UNIT}|ms|(milli|micro|nano)s(econds)?|(milli|micro|nano)_?seconds|(time|total|t|response|request)_(ms|millis|us|ns)",
            2.0,
        ),
    ],
    "method": [(r"(http|request|req)?_?(method|verb)", 3.0), (r"request(_?line)?|req", 1.5)],
    "path": [
        (r"original_?(url|uri)|(request|req|http)?_?(path|uri|url)|requested_?(path|uri|url)|original|raw_?path|url_?path", 3.0),
        (r"target|http_?target|full|full_?path|path_?info|path_?name", 2.5),
        (r"endpoint|resource|request(_?line)?|resource_?path", 2.0),
        (r"route|.*_?(route|template|pattern)|controller|.*(path|url|uri)", 1.5),
    ],
    "user_agent": [(r"(http|request|req)?_?user_?agent(_original|_string)?|agent|ua|original", 3.0)],
    "event_id": [(r"(event|log|record|message|entry)_?(uu)?id|insert_?id", 3.0)],
    "event_name": [(r"event_?(name|type|action)", 3.0), (r"event|action", 2.0)],
    "user_id": [(r"(user|usr|customer|account|member)_?(uu)?id|uid|remote_user", 3.0), (r"user|user_?name|sub|login", 2.0)],
    "session_id": [(r"session_?(uu)?id|sid|sess_?id", 3.0), (r"session", 2.0)],
    "product_id": [(r"product_?(uu)?id|sku", 3.0), (r"product|item_?id", 2.0)],
}
TIMINGS = {"latency", "latencies", "duration", "durations", "elapsed", "timing", "timings"}
OF_TIMINGS = rf"(total|overall|request|response|value){UNIT}"
OF_PARENT = {"user_id": "user", "session_id": "session", "product_id": "product", "event_name": "event"}  # user.id, event.name

# Words of the last key. Those of ELSEWHERE speak against keys below them, too.
ELSEWHERE = (
    "upstream|origin|backend|outgoing|outbound|deps?|dependency|dependencies|subrequest|webhook|external|errors?|err|exception"
    "|integration|authorizer|cache|db|sql|grpc"
)
BAD = {
    "event_at": "exp|iat|nbf|expires?|expiry|birth|updated|modified|deadline|last|next|since|until|build|deploy|released|claims",
    "status_code": f"{ELSEWHERE}|target|level|severity|priority|size|bytes|length|port|line|lineno|count|pid|exit|version"
    "|number|value",
    "latency_ms": f"{ELSEWHERE}|view|queue|dns|connect|connection|tls|ssl|first|ttfb|gc|wait|cpu|init|billed|timeout|ttl|max"
    "|min|avg|render|header|uptime|allocations|retry|limit|remaining|size|bytes|length|port|pid|line|lineno|count|status|code|level|id|seq|sequence"
    "|version|number|offset|memory|start|date",
    "method": f"{ELSEWHERE}|name|function|payment|shipping|level|severity",
    "path": f"{ELSEWHERE}|referer|referrer|file|filename|caller|source|cwd|exe|script|image|static|redirect|location|base|mount"
    "|next|callback|module|package|logger|stack|message|msg|template_file|directory|dir",
    "user_agent": f"{ELSEWHERE}|server|version|product|proto|protocol",
}


def score(field: str, column: Evidence) -> float:
    """0 if the key says nothing, negative if it speaks of something else."""
    name = re.sub("status_line$", "status", column.name)  # of HTTP, not of a file
    if any(re.fullmatch(BAD.get(field, ""), word) for word in name.split("_")):
        return -1.0
    if any(re.fullmatch(ELSEWHERE, word) for word in column.context):
        return -1.0
    if column.name in ("id", "name") and OF_PARENT.get(field, "/") in column.context:
        return 2.5 if (column.name == "id") == (field != "event_name") else 0
    if field == "latency_ms" and column.context & TIMINGS and re.fullmatch(OF_TIMINGS, column.name):
        return 2.5
    found = [worth for pattern, worth in GOOD[field] if re.fullmatch(pattern, name)]
    return max(found, default=0.0)
