"""Checks out a state of the project from git into a folder of its own."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..errors import UserError

# Variables that git sets for its hooks. They would direct our calls to another repository.
OF_HOOKS = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX", "GIT_OBJECT_DIRECTORY", "GIT_COMMON_DIR")
CHECKOUT = "checkout"  # in a run's temporary folder, whose name tells whether the run is still running
LEFTOVER = re.compile(rf"worktree (?P<folder>.*/pal-diff-(?P<process>\d+)-[^/]+)/{CHECKOUT}")


def commit_of(project: Path, ref: str) -> str:
    """The commit that a ref names. Raises UserError if there is no such commit or no repository."""
    inside = _git(project, "rev-parse", "--is-inside-work-tree")
    if inside.returncode:
        raise UserError(f"git cannot read {project}: {_words(inside)}. Compare two database files: --base FILE.")
    found = _git(project, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{ref}^{{commit}}")
    if found.returncode:
        raise UserError(
            f"git does not find the commit {ref!r}. `git fetch origin` fetches the server's branches. A CI job that clones only"
            " the last commit must fetch more (fetch-depth: 0)."
        )
    return found.stdout.strip()


@contextmanager
def working_folder() -> Iterator[Path]:
    """A temporary folder for a run, removed at its end."""
    with tempfile.TemporaryDirectory(prefix=f"pal-diff-{os.getpid()}-") as folder:
        yield Path(folder)


@contextmanager
def checked_out(project: Path, commit: str, work: Path) -> Iterator[Path]:
    """The project at a commit, in a git worktree within `work`, which is removed at the end.

    Raises UserError if git cannot create or remove it.
    """
    folder = work / CHECKOUT
    _remove_leftovers(project)
    # Without hooks, which are for people's checkouts: they may install things.
    made = _git(project, "-c", "core.hooksPath=/dev/null", "worktree", "add", "--quiet", "--detach", str(folder), commit)
    if made.returncode:
        raise UserError(
            f"git cannot check out {commit[:7]} into {folder}: {_words(made)}. `git worktree list` shows the existing worktrees."
        )
    try:
        yield folder / _git(project, "rev-parse", "--show-prefix").stdout.strip()
    finally:
        removed = _git(project, "worktree", "remove", "--force", "--force", str(folder))
    if removed.returncode:
        raise UserError(
            f"git cannot remove its worktree {folder}: {_words(removed)}. Delete the folder, then run `git worktree prune`."
        )


def _remove_leftovers(project: Path) -> None:
    """Remove what killed runs left. Worktrees of runs in progress stay."""
    _git(project, "worktree", "prune")
    for line in _git(project, "worktree", "list", "--porcelain").stdout.splitlines():
        ours = LEFTOVER.fullmatch(line)
        if ours and not _is_running(int(ours["process"])):
            _git(project, "worktree", "remove", "--force", "--force", f"{ours['folder']}/{CHECKOUT}")
            shutil.rmtree(ours["folder"], ignore_errors=True)


def _is_running(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:  # it belongs to another user
        return True
    return True


def _git(project: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if name not in OF_HOOKS} | {"LC_ALL": "C"}
    try:
        return subprocess.run(
            ["git", "-C", str(project), *arguments],
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
            env=environment,
        )
    except FileNotFoundError:
        raise UserError("git is not installed, and --base-ref needs it. Compare two database files: --base FILE.") from None


def _words(done: subprocess.CompletedProcess[str]) -> str:
    """Git's message, on one line."""
    return " ".join(done.stderr.split()).removeprefix("fatal: ").rstrip(".") or f"exit code {done.returncode}"
