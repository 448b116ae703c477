"""What stands at each path: on how many lines, how many different values, examples that give no secret away."""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from .. import json_path
from ..json_path import Steps
from .flatten import Record, Value

MAX_PATH = 200
PRIVATE = r"pass(?:word|wd|phrase)|secret|token|authorization|cookie|(?:api|access|private)[-_]?key|credential|signature"
SECRET_KEY = re.compile(PRIVATE, re.IGNORECASE)
SECRET_PAIR = re.compile(rf"""((?:{PRIVATE})[\w-]*["']?\s*[=:]\s*["']?)(?:(?:Bearer|Basic)\s+)?[^\s"',;&]+""", re.IGNORECASE)
SECRET_WORD = re.compile(r"\b(Bearer|Basic)\s+\S+|\beyJ[\w.-]+|://[^/\s@]+@", re.IGNORECASE)
LONG_WORD = re.compile(r"[\w+=~-]{20,}")
RANDOM_KEY = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}|(?=[A-Za-z+=]*\d)[A-Za-z0-9+=]{16,}|eyJ[\w-]{10,}")
WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+|[µμ]s")


@dataclass(frozen=True)
class Evidence:
    """A path with its values, by the number of the line."""

    steps: Steps
    path: str
    values: dict[int, Value]

    @cached_property
    def name(self) -> str:
        """The words of its last key: statusCode -> status_code."""
        return self._names[-1]

    @cached_property
    def context(self) -> set[str]:
        """The words of the keys above it."""
        return {word for name in self._names[:-1] for word in name.split("_")}

    @cached_property
    def _names(self) -> list[str]:
        keys = [part for step in self.steps if isinstance(step, str) for part in step.split(".")]
        return [words(key) for key in keys] or [""]

    def on(self, lines: Iterable[int]) -> Evidence:
        """On these lines alone."""
        return Evidence(self.steps, self.path, {line: self.values[line] for line in lines if line in self.values})

    @property
    def distinct(self) -> int:
        return len(set(map(str, self.values.values())))

    def examples(self, count: int = 2) -> list[str]:
        common = Counter(str(value)[:1000] for value in self.values.values()).most_common(count)
        if any(isinstance(step, str) and SECRET_KEY.search(step) for step in self.steps):
            return ["***"]
        return [shown(text) for text, _ in common]


def words(key: str) -> str:
    """statusCode, status-code and StatusCode -> status_code."""
    return "_".join(WORDS.findall(key)).lower()


def columns(records: Iterable[Record]) -> tuple[list[Evidence], list[str]]:
    """The columns; and the keys that no setting can name, that dbt or a terminal might obey, or that are secrets themselves."""
    found: dict[Steps, dict[int, Value]] = defaultdict(dict)
    for line, record in enumerate(records):
        for steps, value in record.values.items():
            found[steps][line] = value
    named, unnamed = [], []
    for steps, values in found.items():
        try:
            path = json_path.write(steps)
            private = RANDOM_KEY.search(path) and any(map(_looks_random, RANDOM_KEY.findall(path)))
            if len(path) > MAX_PATH or not path.isprintable() or "{" in path or private:
                raise ValueError
        except ValueError:
            unnamed.append(shown(".".join(map(str, steps)), 60))
        else:
            named.append(Evidence(steps, path, values))
    return named, unnamed


def shown(text: str, width: int = 40) -> str:
    """For people: no secret, nothing that a terminal would obey, not too long."""
    text = SECRET_PAIR.sub(r"\1***", text[:2000])
    text = SECRET_WORD.sub("***", text)
    text = LONG_WORD.sub(lambda word: f"{word[0][:4]}***" if _looks_random(word[0]) else word[0], text)
    text = "".join(letter if letter.isprintable() else letter.encode("unicode_escape").decode() for letter in text)
    return text if len(text) <= width else f"{text[: width - 1]}…"


def _looks_random(word: str) -> bool:
    """Whether it is rather a key than a word or a number."""
    size = len(word)
    entropy = -sum(count / size * math.log2(count / size) for count in Counter(word).values())
    kinds = sum(map(bool, (re.search("[a-z]", word), re.search("[A-Z]", word), re.search("[0-9]", word))))
    return kinds > 1 and entropy > 3
