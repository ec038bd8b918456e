"""`faunalens status`: what a results file holds, and what is left."""

import json
from pathlib import Path

import click

from cli.commands.options import results_argument
from cli.printing import shown
from cli.results.file import ResultsFile

EPILOG = """\b
Example:
  faunalens status study.db
"""


@click.command(epilog=EPILOG, short_help="Say what is done, what is left and what failed.")
@results_argument
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def status(results: Path, *, as_json: bool) -> None:
    """Say how many photos have an answer and how many are left, and list those without one.

    It may run while `faunalens identify` does.
    """
    with ResultsFile(results, write=False) as kept:
        counts = kept.counts()
        if as_json:
            faults = [dict(row) for row in kept.faults()]
            click.echo(json.dumps({**counts._asdict(), "faults": faults}, ensure_ascii=False, allow_nan=False))
            return
        click.echo(f"folder      {kept.study().get('folder', '')}")
        for name, count in {"answers": counts.done, **counts._asdict()}.items():
            if name != "done":
                click.echo(f"{name:10} {count:>8,}")
        for row in kept.faults():
            click.echo(f"{row['state']}: {shown(row['path'])}: {row['detail']} ({row['code']})")
