"""A state of the project from git is checked out beside it, and nothing of that stays."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from helpers.git_repository import COMMIT, git, worktrees
from private_analytics.diff.git import checked_out, commit_of
from private_analytics.errors import UserError


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository with the project in a folder of it, and a change that is not committed."""
    top = tmp_path / "repository"
    (top / "project").mkdir(parents=True)
    git(top, "init", "--quiet", "--initial-branch", "main")
    file = top / "project" / "file"
    file.write_text("committed")
    git(top, "add", ".")
    git(top, *COMMIT, "one")
    file.write_text("edited")
    return top / "project"


def test_the_project_is_there_as_it_was_and_then_gone(repository: Path, tmp_path: Path) -> None:
    commit = commit_of(repository, "main")
    with checked_out(repository, commit, tmp_path) as folder:
        assert folder == tmp_path / "checkout" / "project"
        assert (folder / "file").read_text() == "committed"
    assert ((repository / "file").read_text(), (tmp_path / "checkout").exists(), worktrees(repository)) == ("edited", False, 1)


def test_it_is_gone_after_a_failure_too_however_much_was_written(repository: Path, tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match=r"what failed"), checked_out(repository, "main", tmp_path) as folder:
        (folder / "file").write_text("changed")
        (folder / "new").write_text("not in git")
        raise RuntimeError("what failed")
    assert ((tmp_path / "checkout").exists(), worktrees(repository)) == (False, 1)


@pytest.mark.parametrize("ref", ["no-such-branch", "", "--all", "main:project/file", "main; ls"])
def test_a_ref_that_is_no_commit(repository: Path, ref: str) -> None:
    with pytest.raises(UserError, match=r"git does not find the commit .* `git fetch origin`"):
        commit_of(repository, ref)


def test_a_folder_that_is_no_repository(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"git cannot read .*: not a git repository.* --base FILE"):
        commit_of(tmp_path, "main")


def test_git_is_not_installed(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(UserError, match=r"git is not installed"):
        commit_of(repository, "main")


def test_within_a_hook_of_another_repository(repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "elsewhere"))
    monkeypatch.setenv("GIT_INDEX_FILE", str(tmp_path / "index"))
    with checked_out(repository, commit_of(repository, "main"), tmp_path) as folder:
        assert (folder / "file").read_text() == "committed"


def test_hooks_do_not_run(repository: Path, tmp_path: Path) -> None:
    hook = repository.parent / ".git" / "hooks" / "post-checkout"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(f"#!/bin/sh\ntouch {tmp_path / 'ran'}\n")
    hook.chmod(0o755)
    with checked_out(repository, "main", tmp_path):
        assert not (tmp_path / "ran").exists()


def test_a_folder_that_is_in_use(repository: Path, tmp_path: Path) -> None:
    (tmp_path / "checkout").mkdir()
    (tmp_path / "checkout" / "file").write_text("somebody's")
    with (
        pytest.raises(UserError, match=r"git cannot check out main into .*: .* `git worktree list`"),
        checked_out(repository, "main", tmp_path),
    ):
        pass
    assert (tmp_path / "checkout" / "file").read_text() == "somebody's"


def test_what_a_killed_run_left_is_removed_and_what_a_running_one_uses_stays(repository: Path, tmp_path: Path) -> None:
    ended = subprocess.Popen(["true"])
    ended.wait()
    left, used = (tmp_path / f"pal-diff-{number}-x" / "checkout" for number in (ended.pid, os.getpid()))
    for folder in (left, used, tmp_path / "gone"):
        git(repository, "worktree", "add", "--quiet", "--detach", str(folder))
    (left / "new").write_text("not in git")
    subprocess.run(["rm", "-r", tmp_path / "gone"], check=True)
    with checked_out(repository, "main", tmp_path):
        assert (left.parent.exists(), used.exists()) == (False, True)
        assert worktrees(repository) == 3
