"""Git, for tests."""

from __future__ import annotations

import subprocess
from pathlib import Path

COMMIT = ("-c", "user.name=test", "-c", "user.email=test@example.com", "commit", "--quiet", "--all", "--message")


def git(folder: Path, *arguments: str) -> str:
    return subprocess.run(["git", "-C", str(folder), *arguments], check=True, capture_output=True, text=True).stdout


def worktrees(repository: Path) -> int:
    return git(repository, "worktree", "list").count("\n")
