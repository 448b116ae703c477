"""A folder of logs as a lake that the models can read: logs/<yyyy>/<mm>/<dd>/<task id>/<stream>/* and exports/**/<task id>.json.

A synced bucket prefix is read in place. Anything else gets a *view*: a folder of our own with symbolic links to the files and
the export records they lack. The given folder is never written to.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path

from .. import __version__
from ..bucket import LOGS, RECORDS, WRITE_TEST
from ..errors import UserError
from ..export_record import ExportRecord
from .log_files import Finding, first_day, inspect, is_document, write_clean_copy

PLAIN_SUFFIXES = (".log", ".jsonl", ".ndjson", ".json", ".txt")
TASK_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")  # as CloudWatch gives them
OBJECT = re.compile(r"\d{6}\.gz")  # what an export task calls its objects
UNKNOWN_LOG_GROUP = "local"


@dataclass(frozen=True)
class Export:
    """One published export: its record and the files of its task."""

    record: ExportRecord
    files: tuple[Path, ...]


@dataclass(frozen=True)
class Lake:
    """Exports that can be read below `root`, and notes on the rest for the user."""

    root: Path
    exports: tuple[Export, ...]
    notes: tuple[str, ...] = ()
    damaged: tuple[tuple[Path, str], ...] = ()


def read_lake(source: Path, view: Path, say: Callable[[str], None]) -> Lake:
    """The lake in `source`, with every file checked; `say` gets a line for everything that the user should know.

    Raises UserError if the folder does not exist or contains no logs.
    """
    view.parent.mkdir(parents=True, exist_ok=True)
    lake = checked(open_lake(source.absolute(), view), view)
    for note in lake.notes:
        say(f"Note: {note}")
    for path, problem in lake.damaged:
        say(f"Damaged, not read: {path}: {problem}. Fetch or export it again; its export is loaded once it is intact.")
    return lake


def open_lake(source: Path, view: Path) -> Lake:
    """The lake in `source`; `view` is a folder outside `source` that may be emptied and written.

    Raises UserError if the folder does not exist or contains no logs.
    """
    if not source.exists():
        raise UserError(f"{source}: no such folder. Give the folder that contains your logs: make demo LOGS=DIR")
    if source.is_file():
        return _plain_lake([source], source.parent, view)
    if (source / LOGS).is_dir():
        if (source / RECORDS).is_dir():
            return _recorded_lake(source, view)
        return _unrecorded_lake(source / LOGS, view)
    if any(source.glob("[0-9][0-9][0-9][0-9]/[0-9][0-9]/[0-9][0-9]")):
        return _unrecorded_lake(source, view)
    files = sorted(path for path in source.rglob("*") if path.is_file())
    tasks = {path.parent.parent for path in files if OBJECT.fullmatch(path.name) and TASK_ID.fullmatch(path.parent.parent.name)}
    if tasks:
        return _lake_of_tasks(sorted(tasks), source, view)
    return _plain_lake(files, source, view)


def checked(lake: Lake, view: Path) -> Lake:
    """The same lake after every file was read once. Unreadable files are left out and reported. Bytes that the reader would fail
    on (not UTF-8, lone carriage returns, \\x01) are escaped in a copy, so that no line is lost."""
    paths = [path for export in lake.exports for path in export.files]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        findings = dict(zip(paths, pool.map(inspect, paths), strict=True))
    if all(finding.as_it_is for finding in findings.values()):
        return lake
    root = _empty_view(view.with_name(f"{view.name}-checked"))
    exports = []
    for export in lake.exports:
        readable = [path for path in export.files if not findings[path].problem]
        unreadable = (export.record.unreadable_objects or 0) + len(export.files) - len(readable)
        files = _lay_out(root, export, [(path, findings[path]) for path in readable])
        exports.append(Export(replace(export.record, unreadable_objects=unreadable), files))
        _write_record(root, exports[-1].record)
    damaged = [(path.resolve(), finding.problem) for path, finding in findings.items() if finding.problem]
    return replace(lake, root=root, exports=tuple(exports), damaged=tuple(damaged))


def _recorded_lake(source: Path, view: Path) -> Lake:
    """A synced bucket prefix with export records: read in place unless a record or an object is missing."""
    notes, exports, broken = [], [], False
    task_folders = {path.name: path for path in (source / LOGS).glob("*/*/*/*") if path.is_dir()}
    records = sorted((source / RECORDS).glob("*/*/*/*.json"))
    if not records:
        raise UserError(f"{source / 'exports'}: no export records, so nothing is published yet. Finish the sync or the pull.")
    for path in records:
        try:
            record = _read_record(path)
        except UserError as error:
            notes.append(str(error))
            broken = True
            continue
        folder = source / LOGS / record.day_path / record.export_task_id
        export = Export(record, tuple(_objects(folder)))
        missing = record.objects - len(export.files)
        if missing > 0:
            notes.append(f"{folder}: {missing} of {record.objects} objects are missing. Sync the bucket again.")
            export = Export(replace(record, unreadable_objects=missing), export.files)
            broken = True
        exports.append(export)
    if len({export.record.export_task_id for export in exports}) < len(exports):
        notes.append("A task id stands in several export records. Each of these is read as an export of its own.")
        exports, broken = _with_own_ids(exports), True
    unpublished = sorted(task_folders.keys() - {export.record.export_task_id for export in exports})
    if unpublished:
        notes.append(
            f"{len(unpublished)} task folders have no export record and are not read, e.g. {task_folders[unpublished[0]]}"
        )
    notes += _misplaced(source / LOGS)
    return _view(exports, view, notes) if broken else Lake(source, tuple(exports), tuple(notes))


def _unrecorded_lake(logs: Path, view: Path) -> Lake:
    """A folder yyyy/mm/dd/<task id>/<stream>/ without records: each task folder counts as a completed export."""
    exports = []
    for folder in sorted(path for path in logs.glob("[0-9]*/[0-9]*/[0-9]*/*") if path.is_dir()):
        files = _objects(folder)
        try:
            day = date(*map(int, folder.parts[-4:-1]))
        except ValueError:
            continue
        exports.append(Export(_made_record(folder.name, day, files), tuple(files)))
    if not exports:
        raise UserError(f"{logs}: no exports. Expected folders <yyyy>/<mm>/<dd>/<task id>/<stream>/ with .gz files.")
    notes = [f"No export records in {logs.parent}: each of the {len(exports)} task folders counts as a completed export."]
    return _view(_with_own_ids(exports), view, notes + _misplaced(logs))


def _lake_of_tasks(folders: list[Path], source: Path, view: Path) -> Lake:
    """Folders <task id>/<stream>/ without days, as the console's "Export data to Amazon S3" writes them. A task may span days."""
    exports = []
    for folder in folders:
        files = _objects(folder)
        day = next(filter(None, map(first_day, files)), None) or _last_change(files).date()
        exports.append(Export(_made_record(folder.name, day, files), tuple(files)))
    note = f"No days in the folders of {source}: each of the {len(exports)} task folders counts as a completed export."
    return _view(_with_own_ids(exports), view, [note])


def _with_own_ids(exports: list[Export]) -> list[Export]:
    """The same with a task id of its own for each: a task that was exported to a folder for each day lies in several."""
    seen: Counter[str] = Counter()
    found = []
    for export in exports:
        task_id = export.record.export_task_id
        seen[task_id] += 1
        own = replace(export.record, export_task_id=f"{task_id}-{seen[task_id]}") if seen[task_id] > 1 else export.record
        found.append(replace(export, record=own))
    return found


def _plain_lake(files: list[Path], base: Path, view: Path) -> Lake:
    """Plain log files, which together count as one export."""
    named = [path for path in files if path.name.removesuffix(".gz").endswith(PLAIN_SUFFIXES)]
    documents: list[Path] = []
    chosen: list[Path] = []
    for path in named:
        (documents if is_document(path) else chosen).append(path)
    if documents and not chosen:
        raise UserError(
            f"{documents[0]}: this is one JSON document, not one JSON object on each line. Convert it:"
            f" jq --compact-output '.[]' {shlex.quote(str(documents[0]))} > events.jsonl"
        )
    if not chosen:
        found = f"There are {len(files)} other files, e.g. {files[0].name}. " if files else "The folder is empty. "
        raise UserError(
            f"{base}: no logs found. {found}Expected either logs/<yyyy>/<mm>/<dd>/<task id>/<stream>/*.gz (a synced export"
            " bucket) or files that end in .log, .jsonl, .ndjson, .json or .txt, with or without .gz."
        )
    record = replace(_made_record("local-files", _last_change(chosen).date(), chosen), line_format="plain")
    streams = {path: str(path.relative_to(base)).replace("/", "-") for path in chosen}
    notes = [f"{len(files) - len(named)} files are not log files by name and are not read."] if len(files) > len(named) else []
    notes += [f"{path} is one JSON document, not one JSON object on each line, and is not read." for path in documents]
    return _view([Export(record, tuple(chosen))], view, notes, streams)


def _view(exports: list[Export], view: Path, notes: list[str], streams: dict[Path, str] | None = None) -> Lake:
    root = _empty_view(view)
    laid_out = []
    for export in exports:
        laid_out.append(replace(export, files=_lay_out(root, export, [(path, None) for path in export.files], streams)))
        _write_record(root, export.record)
    return Lake(root, tuple(laid_out), tuple(notes))


def _lay_out(
    root: Path, export: Export, files: Iterable[tuple[Path, Finding | None]], streams: dict[Path, str] | None = None
) -> tuple[Path, ...]:
    """Link (or copy and clean) an export's files into root/logs/<day>/<task id>/<stream>/. Returns their new paths."""
    placed = []
    numbers: Counter[str] = Counter()
    for path, finding in files:
        stream = streams[path] if streams else path.parent.name
        suffix = ".gz" if path.name.endswith(".gz") or (finding and not finding.as_it_is) else path.suffix
        target = root / LOGS / export.record.day_path / export.record.export_task_id / stream / f"{numbers[stream]:06d}{suffix}"
        numbers[stream] += 1
        target.parent.mkdir(parents=True, exist_ok=True)
        if finding is None or finding.as_it_is:
            target.symlink_to(path.resolve())
        else:
            write_clean_copy(path, target)
        placed.append(target)
    return tuple(placed)


def _objects(folder: Path) -> list[Path]:
    """The log objects of a task folder: the files in its stream folders."""
    return sorted(path for path in folder.glob("*/*") if path.name != WRITE_TEST and path.is_file())


def _misplaced(logs: Path) -> list[str]:
    """A note on files that are not where an export puts its objects, if any."""
    wrong = [
        path
        for pattern in ("*", "*/*", "*/*/*", "*/*/*/*", "*/*/*/*/*", "*/*/*/*/*/*/**/*")
        for path in logs.glob(pattern)
        if path.name != WRITE_TEST and path.is_file()
    ]
    if not wrong:
        return []
    return [f"{len(wrong)} files below {logs} are not at <yyyy>/<mm>/<dd>/<task id>/<stream>/ and are not read, e.g. {wrong[0]}"]


def _read_record(path: Path) -> ExportRecord:
    try:
        return ExportRecord.from_json(path.read_bytes())
    except ValueError as error:
        raise UserError(f"{path} is not an export record ({error}). Its export is not read; export that day again.") from None


def _made_record(task_id: str, day: date, files: list[Path]) -> ExportRecord:
    """A record for files without one; its completion time is the last change of the files."""
    return ExportRecord(
        export_task_id=task_id,
        log_group=UNKNOWN_LOG_GROUP,
        export_date=day.isoformat(),
        completed_at=_last_change(files).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        objects=len(files),
        bytes=sum(path.stat().st_size for path in files),
        exporter_version=__version__,
    )


def _last_change(files: list[Path]) -> datetime:
    return datetime.fromtimestamp(max((path.stat().st_mtime for path in files), default=0), UTC)


def _write_record(root: Path, record: ExportRecord) -> None:
    path = root / RECORDS / record.day_path / f"{record.export_task_id}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(record.to_json())


def _empty_view(view: Path) -> Path:
    if view.exists():
        shutil.rmtree(view)
    view.mkdir(parents=True)
    return view
