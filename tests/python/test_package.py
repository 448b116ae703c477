"""The package as a whole: its command line, its names, and which part imports which."""

from __future__ import annotations

import ast
import shlex
import shutil
import subprocess
import sys
import zipfile
from collections import defaultdict
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from helpers import REPOSITORY
from private_analytics import __version__
from private_analytics.cli import SECTIONS, cli

PACKAGE = REPOSITORY / "scripts" / "private_analytics"
MODULES = sorted(path for path in PACKAGE.rglob("*.py") if path.name != "__init__.py")


def commands(command: click.Command = cli, words: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    if isinstance(command, click.Group):
        for name, inner in command.commands.items():
            yield from commands(inner, (*words, name))
    else:
        yield words, command


COMMANDS = dict(commands())


def test_every_command_is_listed_by_its_place():
    assert {command.name for section in SECTIONS.values() for command in section} == set(cli.commands)
    shown = CliRunner().invoke(cli, ["--help"]).output
    assert shown.index("On this machine:") < shown.index("  demo ") < shown.index("On AWS:") < shown.index("  stack ")
    assert CliRunner().invoke(cli, ["--version"]).output == f"pal, version {__version__}\n"


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_the_example_in_the_help_of_a_command_is_one_that_it_takes(words: tuple[str, ...]):
    shown = CliRunner().invoke(cli, [*words, "--help"]).output
    (example,) = [line.strip() for line in shown.split("Example:\n")[1].split("\n\n")[0].splitlines()]
    typed = shlex.split(example)
    typed = typed[typed.index("pal") :]
    assert tuple(typed[1 : 1 + len(words)]) == words
    COMMANDS[words].make_context(words[-1], typed[1 + len(words) :], parent=_parents(words))


def _parents(words: tuple[str, ...]) -> click.Context:
    """The contexts of the groups around a command."""
    context, group = click.Context(cli, info_name="pal"), cli
    for word in words[:-1]:
        group = group.commands[word]  # type: ignore[assignment]
        context = click.Context(group, parent=context, info_name=word)
    return context


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_an_options_environment_variable_is_in_its_help(words: tuple[str, ...]):
    shown = " ".join(CliRunner().invoke(cli, [*words, "--help"]).output.split())
    for parameter in COMMANDS[words].params:
        if parameter.envvar:
            assert f"[env var: {parameter.envvar}" in shown, parameter.name


def test_a_command_can_be_asked_for_help_without_a_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DBT_PROJECT_DIR", raising=False)
    assert CliRunner().invoke(cli, ["demo", "--help"]).exit_code == 0
    lost = CliRunner().invoke(cli, ["report"])
    assert lost.exit_code == 1
    assert lost.output.startswith(f"Error: No dbt_project.yml in {tmp_path} or above. Change to your copy of the project")
    monkeypatch.setenv("DBT_PROJECT_DIR", "nowhere")
    assert "DBT_PROJECT_DIR is nowhere" in CliRunner().invoke(cli, ["report"]).output


def test_no_two_classes_have_one_name():
    found = defaultdict(list)
    for path in MODULES:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ClassDef):
                found[node.name].append(path.relative_to(PACKAGE).as_posix())
    assert {name: places for name, places in found.items() if len(places) > 1} == {}


def test_the_parts_of_the_package_import_one_another_one_way_only():
    """A part is a folder (a check is one of its own), or a module that lies beside the folders."""
    graph: dict[str, set[str]] = defaultdict(set)
    for path in MODULES:
        here = path.relative_to(PACKAGE).with_suffix("").parts
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and node.level:
                base = (*here[: len(here) - node.level], *(node.module or "").split("."))
                for name in node.names:
                    target = tuple(part for part in (*base, name.name) if part)
                    if (there := part_of(target)) != part_of(here):
                        graph[part_of(here)].add(there)
    graph.pop("", None)
    order = list(TopologicalSorter({part: needs - {""} for part, needs in graph.items()}).static_order())  # raises CycleError
    assert order.index("errors") < order.index("aws") < order.index("exports") < order.index("cli")


def part_of(steps: tuple[str, ...]) -> str:
    """The folder, or for `checks` what is in it; a module of the top by its name; nothing for the package itself."""
    if (PACKAGE / steps[0]).is_dir():
        return "/".join(steps[: 2 if steps[0] == "checks" else 1])
    return steps[0] if (PACKAGE / f"{steps[0]}.py").is_file() else ""


def test_the_wheel_holds_the_command_and_all_that_it_reads(tmp_path: Path):
    copy = tmp_path / "project"
    shutil.copytree(PACKAGE, copy / "scripts" / "private_analytics", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md"):
        shutil.copy(REPOSITORY / name, copy)
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(tmp_path), str(copy)]
    subprocess.run(command, capture_output=True, check=True)
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        (entry_points,) = (archive.read(name).decode() for name in names if name.endswith("entry_points.txt"))
    assert entry_points.split("\n")[:2] == ["[console_scripts]", "pal = private_analytics.cli:main"]
    expected = {
        path.relative_to(PACKAGE.parent).as_posix() for path in PACKAGE.rglob("*") if path.suffix in (".py", ".j2", ".typed")
    }
    assert {name for name in names if ".dist-info/" not in name} == expected
