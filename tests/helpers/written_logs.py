"""Invented requests, and the recordings of real loggers."""

from __future__ import annotations

import json
import math
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from .recordings import RECORDINGS

MORE = RECORDINGS[0].parent / "more"
NOT_READ = {
    "log4j2-json": "its time is an object of seconds and nanoseconds, of which the seconds alone are read",
    "tomcat": "nothing tells the unit of elapsedTime",
}
KNOWN: list[Path] = RECORDINGS + sorted(
    path for path in MORE.glob("*.jsonl") if not path.name.endswith(".expected.jsonl") and path.stem not in NOT_READ
)


@dataclass(frozen=True)
class Request:
    """A request as it was, whatever a logger makes of it."""

    at: datetime
    status: int
    ms: float
    method: str
    path: str

    @property
    def iso(self) -> str:
        return f"{self.at:%FT%T.%f}"[:-3] + "Z"


def requests(count: int = 60, typical_ms: float = 20) -> Iterator[Request]:
    chance = random.Random(7)
    at = datetime(2026, 10, 1, 12, tzinfo=UTC)
    for _ in range(count):
        at += timedelta(milliseconds=chance.randint(50, 5000))
        yield Request(
            at,
            chance.choices([200, 201, 204, 301, 404, 401, 500], [60, 8, 4, 3, 8, 3, 2])[0],
            round(typical_ms * math.exp(chance.gauss(0, 0.8)), 6),
            chance.choice(["GET", "GET", "POST", "PUT"]),
            chance.choice(["/", "/orders", "/orders/17", "/users/9/items", "/v1/cart?x=1"]),
        )


def written(write: Callable[[Request], dict[str, Any]], count: int = 60, typical_ms: float = 20) -> list[str]:
    return [json.dumps(write(request)) for request in requests(count, typical_ms)]
