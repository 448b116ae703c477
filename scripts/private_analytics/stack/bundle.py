"""The code that the stack runs, as zip files: the same content gives the same bytes, and so the same key."""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from modulefinder import ModuleFinder
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[3]
HANDLER = "private_analytics.exports.handler"
# What dbt and the commands in infra/buildspec.yml need.
TRANSFORM = (
    "dbt_project.yml",
    "profiles.example.yml",
    "requirements.lock",
    "infra/buildspec.yml",
    "models",
    "macros",
    "seeds",
    "tests/data",
    "scripts",
)
LEFT_OUT = {"__pycache__", ".ruff_cache", ".DS_Store"}
EPOCH = (1980, 1, 1, 0, 0, 0)  # zip knows no earlier time


@dataclass(frozen=True)
class Bundle:
    """A file to upload. Its key tells its content, so it is never changed and never stale."""

    name: str
    suffix: str
    body: bytes

    @property
    def key(self) -> str:
        return f"{self.name}/{hashlib.sha256(self.body).hexdigest()[:32]}.{self.suffix}"


def exporter() -> Bundle:
    """The Lambda function's code: the handler and the modules of ours that it imports. boto3 is there already."""
    scripts = PROJECT / "scripts"
    finder = ModuleFinder(path=[str(scripts)])
    finder.import_hook(HANDLER)
    files = [Path(module.__file__) for module in finder.modules.values() if module.__file__]
    return Bundle("exporter", "zip", zipped(scripts, files))


def project() -> Bundle:
    """The dbt project, for CodeBuild."""
    roots = [PROJECT / name for name in TRANSFORM]
    files = (file for root in roots for file in ([root] if root.is_file() else root.rglob("*")))
    return Bundle("project", "zip", zipped(PROJECT, (f for f in files if f.is_file() and not LEFT_OUT & set(f.parts))))


def zipped(root: Path, files: Iterable[Path]) -> bytes:
    """Files below root as a zip: in order, with neither times nor owners."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for file in sorted(files):
            entry = zipfile.ZipInfo(file.relative_to(root).as_posix(), EPOCH)
            entry.external_attr = 0o644 << 16
            entry.create_system = 3  # Unix, wherever it is made
            archive.writestr(entry, file.read_bytes(), zipfile.ZIP_DEFLATED, 9)
    return buffer.getvalue()
