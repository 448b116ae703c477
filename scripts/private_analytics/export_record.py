"""The export record: one JSON object for each completed export task. Lines count once their record exists."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import MISSING, asdict, dataclass, fields
from datetime import date
from typing import TYPE_CHECKING, Any, Self

from . import __version__, days

if TYPE_CHECKING:
    import builtins  # a field is called bytes


@dataclass(frozen=True, kw_only=True)
class ExportRecord:
    """What an export task exported.

    export_date is yyyy-mm-dd, times are ISO 8601 in UTC, bytes is the size of the compressed objects. The export contains what
    was ingested until started_at. started_at and retention_days show whether retention had begun to remove the day. line_format
    is `plain` for lines without CloudWatch's leading timestamp. unreadable_objects is the number of missing or damaged objects.
    """

    export_task_id: str
    log_group: str
    export_date: str
    from_ms: int | None = None
    to_ms: int | None = None
    started_at: str | None = None
    completed_at: str
    objects: int
    bytes: int
    exporter_version: str | None = None
    retention_days: int | None = None
    line_format: str | None = None
    unreadable_objects: int | None = None

    @classmethod
    def of_task(
        cls,
        task_id: str,
        log_group: str,
        day: int,
        *,
        started_ms: int,
        completed_ms: int,
        sizes: Iterable[int],
        retention_days: int | None = None,
    ) -> Self:
        """The record of a task that exported a whole day; `sizes` are its objects' sizes in bytes."""
        sizes = list(sizes)
        return cls(
            export_task_id=task_id,
            log_group=log_group,
            export_date=days.as_date(day).isoformat(),
            from_ms=days.start_ms(day),
            to_ms=days.start_ms(day + 1) - 1,
            started_at=days.moment(started_ms),
            completed_at=days.moment(completed_ms),
            objects=len(sizes),
            bytes=sum(sizes),
            exporter_version=__version__,
            retention_days=retention_days,
        )

    @classmethod
    def from_json(cls, text: builtins.bytes) -> Self:
        """Read a record; unknown fields are ignored. Raises ValueError that says what is wrong."""
        try:
            content = json.loads(text)
        except RecursionError:
            raise ValueError("it is nested too deeply") from None
        if not isinstance(content, dict):
            raise ValueError("it is not a JSON object")
        values: dict[str, Any] = {field.name: content.get(field.name) for field in fields(cls)}
        if missing := [field.name for field in fields(cls) if field.default is MISSING and values[field.name] is None]:
            raise ValueError(f"it lacks {', '.join(missing)}")
        for name, kind in _types().items():
            if values[name] is not None and type(values[name]) is not kind:
                raise ValueError(f"{name} is {values[name]!r}")
        date.fromisoformat(values["export_date"])
        if not re.fullmatch(r"[^/\0]+", values["export_task_id"]) or values["export_task_id"] in (".", ".."):
            raise ValueError("export_task_id is not a folder name")
        return cls(**values)

    def to_json(self) -> builtins.bytes:
        """One line of JSON, without unknown values."""
        known = {name: value for name, value in asdict(self).items() if value is not None}
        return json.dumps(known, separators=(",", ":")).encode() + b"\n"

    @property
    def day_path(self) -> str:
        """The folder of the exported day, yyyy/mm/dd."""
        return self.export_date.replace("-", "/")

    @staticmethod
    def glue_columns() -> dict[str, str]:
        """Name and type of each column of the external table over the records."""
        return {name: "bigint" if kind is int else "string" for name, kind in _types().items()}


def _types() -> dict[str, type]:
    """int or str for each field."""
    return {field.name: int if str(field.type).startswith("int") else str for field in fields(ExportRecord)}
