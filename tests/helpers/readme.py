"""The README's walk-through "Add a mart", as the README has it."""

from __future__ import annotations

import re
import shutil
from datetime import date, datetime
from pathlib import Path

from helpers.project import Project
from private_analytics.project import paths

DBT_FILES = ("dbt_project.yml", "profiles.example.yml", "models", "macros", "seeds", "tests/data")
MART = "daily_routes"
# Two loads: the second has an earlier export of the event "once", so what the first made of it goes.
FIRST_LOAD = {
    "task_id": "b",
    "lines": [
        '{"eventName": "purchased", "userId": "u1", "path": "/cart", "statusCode": 200}',
        '{"eventName": "searched", "userId": "u1", "path": "/search", "statusCode": 200}',
        '{"eventName": "searched", "path": "/search", "statusCode": 200, "userAgent": "Googlebot/2.1"}',
        '{"eventName": "searched", "userId": "u3", "path": "/once", "statusCode": 200, "eventId": "once"}',
    ],
}
SECOND_LOAD = {"task_id": "a", "lines": ['{"eventName": "searched", "userId": "u3", "path": "/search", "eventId": "once"}']}
ROWS_BEFORE = [("/cart", 1, 1, 1), ("/once", 1, 1, 0), ("/search", 1, 1, 0)]  # route, events, users, purchases
ROWS_AFTER = [("/cart", 1, 1, 1), ("/search", 2, 2, 0)]


def project_with_the_mart(folder: Path) -> Path:
    """A copy of the dbt project, with the two files that the README shows."""
    for name in DBT_FILES:
        source, target = paths.root() / name, folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copytree(source, target) if source.is_dir() else shutil.copy(source, target)
    shutil.copy(folder / "profiles.example.yml", folder / "profiles.yml")
    text = (paths.root() / "README.md").read_text()
    section = text[text.index("## Add a mart") :].partition("\n## ")[0]
    files = dict(zip(re.findall(r"(?m)^`(models/\S+)`", section), re.findall(r"(?s)```\w+\n(.*?)```", section), strict=True))
    assert sorted(Path(name).name for name in files) == [f"{MART}.sql", f"{MART}.yml"]
    for name, content in files.items():
        (folder / name).write_text(content)
    return folder


DAY = date(2026, 10, 1)


def load(project: Project, task_id: str, lines: list[str]) -> None:
    completed = datetime(2026, 10, 2, 12 if task_id == "a" else 13)
    project.export({"s": [f"{DAY}T12:00:00.000Z {line}" for line in lines]}, task_id=task_id, day=DAY, completed_at=completed)
