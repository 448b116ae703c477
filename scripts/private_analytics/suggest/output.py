"""A suggestion as a table, as YAML to paste, and as data."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import click
import yaml

from ..console import echo_table
from .evidence import shown
from .guess import Candidate
from .suggestion import Answer, Group, Suggestion, as_vars

RUNNERS_UP = 2  # that are shown beside what was chosen
COLUMNS = ("path", "fill", "distinct", "examples", "guess", "why")


def as_yaml(answer: Answer) -> str:
    return yaml.safe_dump(answer, sort_keys=False, allow_unicode=False, default_flow_style=None, width=1000)


def echo(suggestion: Suggestion) -> None:
    """For people."""
    for group in suggestion.groups:
        _echo_group(group)
    click.echo("")
    if suggestion.answer:
        click.echo("To paste under vars in dbt_project.yml:\n")
        click.echo(as_yaml(suggestion.answer))
    elif suggestion.is_readable:
        open_too = " but for the questions below" if any(group.questions for group in suggestion.groups) else ""
        click.echo(f"The settings of dbt_project.yml read all of this right{open_too}: nothing to change.")
    for paragraph in open_questions(suggestion):
        click.echo(f"\n{paragraph}")


def open_questions(suggestion: Suggestion) -> Iterator[str]:
    """A paragraph for each thing that only the user can decide."""
    for group in suggestion.groups:
        if group.advice:
            yield f"Not read ({shown(group.name, 200)}): none of {group.lines:,} lines is JSON. {group.advice}"
    for name in suggestion.unsettable:
        yield f"Not decided: {shown(name, 200)} needs fields of its own, but no setting can have that name. Build it apart."
    for group in suggestion.groups:
        for question in group.questions:
            answers = "".join(as_yaml(suggestion.answering(group, question, place)) for place in question.answers)
            yield f"Question ({shown(group.name, 200)}): {question.field}? {question.text} One of:\n\n{answers.rstrip()}"


def _echo_group(group: Group) -> None:
    common = sorted(group.shapes.items(), key=lambda item: -item[1])[:5]
    shapes = ", ".join(f"{lines:,} {shown(shape, 60)}" for shape, lines in common)
    click.echo(f"\n{shown(group.name, 200)}: {group.json_lines:,} of {group.lines:,} lines read are JSON ({shapes or 'none'})")
    for reason, lines in sorted(group.rejected.items()):
        click.echo(f"  {lines:,} lines are {reason}, e.g. {group.examples[reason]}")
    if not group.json_lines:
        return
    click.echo("")
    rows = [_row(group, field, candidate) for field, candidate in _shown_candidates(group)]
    if rows:
        echo_table(COLUMNS, rows, right=("fill", "distinct"))
    if group.preset:
        click.echo(f"\nThey are read as by the preset {group.preset} of vars: loggers.")
    for field in group.missing:
        if field == "event_at" and group.has_log_time:
            click.echo("No time of their own: the time that CloudWatch put in front is taken.")
        else:
            click.echo(f"Not found: {field}. No path has values of that kind on the lines read.")
    if group.missing and group.seen:
        click.echo(f"Seen: {', '.join(group.seen)}")
    if group.missing and group.nested_text:
        click.echo(f"JSON inside a text, which no path can reach: {', '.join(group.nested_text[:3])}. Log it as an object.")
    if group.unnamed:
        click.echo(f"{len(group.unnamed):,} keys that no setting can name are left out, e.g. {group.unnamed[0]}")


def _shown_candidates(group: Group) -> Iterator[tuple[str, Candidate]]:
    """What was chosen or is asked for, and a few others."""
    for field, candidates in group.candidates.items():
        chosen = {place.steps for place in group.found.get(field, ())}
        others = 0
        for candidate in candidates:
            others += candidate.column.steps not in chosen
            if candidate.column.steps in chosen or (others <= RUNNERS_UP and candidate.named):
                yield field, candidate


def _row(group: Group, field: str, candidate: Candidate) -> tuple[str, ...]:
    column = candidate.column
    guess = field if column.steps in {place.steps for place in group.found.get(field, ())} else f"({field})"
    unit = f" in {' or '.join(candidate.units)}" if candidate.units else ""
    fill = f"{len(column.values) / group.json_lines:.0%}"
    return column.path, fill, f"{column.distinct:,}", " | ".join(column.examples()), guess + unit, candidate.why


def as_data(suggestion: Suggestion) -> dict[str, Any]:
    """For programs."""
    return {
        "vars": suggestion.answer,
        "unsettable_log_groups": suggestion.unsettable,
        "groups": [
            {
                "log_group": group.name,
                "lines": group.lines,
                "json_lines": group.json_lines,
                "rejected": {reason: {"lines": n, "example": group.examples[reason]} for reason, n in group.rejected.items()},
                "shapes": group.shapes,
                "preset": group.preset,
                "fields": as_vars(group.found),
                "event_fields": group.event_fields,
                "missing": group.missing,
                "questions": [
                    {
                        "field": each.field,
                        "text": each.text,
                        "answers": [as_vars({each.field: [place]}) for place in each.answers],
                    }
                    for each in group.questions
                ],
                "paths": [dict(zip(COLUMNS, _row(group, *each), strict=True)) for each in _shown_candidates(group)],
                "seen": group.seen,
                "unnamed_keys": group.unnamed[:20],
                "json_in_text": group.nested_text,
                "advice": group.advice,
            }
            for group in suggestion.groups
        ],
    }
