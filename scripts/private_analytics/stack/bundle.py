"""The code that the stack runs, as zip files. The same content gives the same bytes and so the same key."""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from ..project import paths

PACKAGE = "private_analytics"
# Exactly the modules of this package that the handler imports.
EXPORTER = (
    "__init__.py",
    "aws.py",
    "bucket.py",
    "days.py",
    "errors.py",
    "export_record.py",
    "exports/__init__.py",
    "exports/account.py",
    "exports/clients.py",
    "exports/handler.py",
    "exports/plan.py",
    "exports/reconcile.py",
    "exports/refusals.py",
    "exports/settings.py",
)
# What dbt and the commands in infra/ need.
TRANSFORM = (
    "dbt_project.yml",
    "profiles.example.yml",
    "README.md",
    "pyproject.toml",
    "requirements.lock",
    "infra/buildspec.yml",
    "infra/daily.sh",
    "models",
    "macros",
    "seeds",
    "tests/data",
    "scripts/private_analytics",
)
LEFT_OUT = {"__pycache__", ".ruff_cache", ".DS_Store"}
EPOCH = (1980, 1, 1, 0, 0, 0)  # zip knows no earlier time


@dataclass(frozen=True)
class Bundle:
    """A file to upload. Its key contains a hash of its content, so an object never changes."""

    name: str
    suffix: str
    body: bytes

    @property
    def key(self) -> str:
        return f"{self.name}/{hashlib.sha256(self.body).hexdigest()[:32]}.{self.suffix}"


def exporter() -> Bundle:
    """The Lambda function's code. Lambda provides boto3."""
    package = Path(str(files(PACKAGE)))
    return Bundle("exporter", "zip", zipped(package.parent, [package / name for name in EXPORTER]))


def project() -> Bundle:
    """The dbt project, for CodeBuild."""
    root = paths.root()
    found = (file for name in TRANSFORM for file in ([root / name] if (root / name).is_file() else (root / name).rglob("*")))
    return Bundle("project", "zip", zipped(root, (f for f in found if f.is_file() and not LEFT_OUT & set(f.parts))))


def zipped(root: Path, files: Iterable[Path]) -> bytes:
    """Files below root as a zip, in order, without times and owners."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for file in sorted(files):
            entry = zipfile.ZipInfo(file.relative_to(root).as_posix(), EPOCH)
            entry.external_attr = 0o644 << 16
            entry.create_system = 3  # Unix, on every system
            archive.writestr(entry, file.read_bytes(), zipfile.ZIP_DEFLATED, 9)
    return buffer.getvalue()
