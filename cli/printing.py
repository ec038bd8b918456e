"""What the command prints: answers on standard output, everything else on standard error."""

import json
from itertools import islice

import click

from cli.results.file import ResultsFile
from cli.results.row import Outcome

MOST_FAULTS = 10
"""Photos without an answer that a summary names; `faunalens status` names all."""


def warn(text: str) -> None:
    """Say something that is not a result."""
    click.echo(f"faunalens: {text}", err=True)


def shown(path: str) -> str:
    """Return a path as it may be printed: on one line, and without what a terminal would obey."""
    return "".join(each if each.isprintable() else each.encode("unicode_escape").decode() for each in path)


def print_outcome(outcome: Outcome, *, as_json: bool) -> None:
    """Print what came of a photo: a line of JSON, or a line for people."""
    if not as_json:
        text = (
            json.loads(outcome.answer)["message"] if outcome.answer else f"no answer ({outcome.code}): {outcome.detail}"
        )
        click.echo(f"{shown(outcome.task.path)}: {text}")
        return
    line = {"path": outcome.task.path, "taken": outcome.seen.taken}
    error = {"code": outcome.code, "detail": outcome.detail} if outcome.code else None
    head = json.dumps({**line, "error": error}, ensure_ascii=False, allow_nan=False)
    click.echo(f'{head[:-1]}, "answer": {outcome.answer or "null"}}}')


def print_summary(results: ResultsFile, number: int, seconds: float) -> None:
    """Say how many photos have an answer, how many this run made, what is left, and which have none."""
    counts = results.counts()
    rate = f", {number / seconds:.1f} a second" if number and seconds > 1 else ""
    warn(
        f"{counts.total:,} photos: {counts.done:,} have an answer ({number:,} looked at by this run{rate}), "
        f"{counts.unreadable:,} cannot be read, {counts.failed:,} failed and will be tried again, "
        f"{counts.left:,} are left"
    )
    faults = counts.unreadable + counts.failed
    for row in islice(results.faults(), MOST_FAULTS):
        click.echo(f"  {shown(row['path'])}: {row['detail']} ({row['code']})", err=True)
    if faults > MOST_FAULTS and results.path:
        click.echo(f"  and {faults - MOST_FAULTS:,} more; `faunalens status {results.path}` lists them", err=True)
