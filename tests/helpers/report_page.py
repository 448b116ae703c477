"""What tests look at of the report's page."""

from __future__ import annotations

import json
from html.parser import HTMLParser
from pathlib import Path


class Page(HTMLParser):
    """What of a page the tests look at."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.html = path.read_text(encoding="utf-8")
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.tables: dict[str, list[list[str]]] = {}
        self.scripts: list[str] = []
        self.titles: list[str] = []  # of charts
        self.figures: list[list[str]] = []
        self.text = ""
        self._inside: list[str] = []
        self._caption = ""
        self._cell = ""
        self.feed(self.html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if tag not in ("meta", "link", "br"):
            self._inside.append(tag)
        if tag in ("h3", "caption", "th", "td", "dt", "dd"):
            self._cell = ""
        if tag == "table":
            self._caption = ""
        if tag == "tr":
            self.tables.setdefault(self._caption, []).append([])
        if tag == "script":
            self.scripts.append("")

    def handle_endtag(self, tag: str) -> None:
        assert self._inside.pop() == tag
        if tag == "b" and "caption" in self._inside:
            self._caption = self._cell
        if tag == "h3":
            self.titles.append(self._cell)
        if tag in ("th", "td"):
            self.tables[self._caption][-1].append(self._cell.strip().replace("\xa0", " "))
        if tag == "dt":
            self.figures.append([self._cell])
        if tag == "dd":
            self.figures[-1].append(self._cell.replace("\xa0", " "))

    def handle_data(self, data: str) -> None:
        if "script" in self._inside:
            self.scripts[-1] += data
        elif "style" not in self._inside:
            self._cell += data
            self.text += data.replace("\xa0", " ")

    @property
    def specs(self) -> list[dict]:
        return [json.loads(script) for script in self.scripts[:-1]]

    @property
    def rows(self) -> dict[str, list[dict]]:
        """What each chart draws, by its title."""
        return {title: spec["datasets"]["rows"] for title, spec in zip(self.titles, self.specs, strict=True)}
