"""`faunalens review`: go through answers with the keyboard, and learn how often they are right."""

import getpass
import webbrowser
from pathlib import Path
from typing import cast

import click

from cli.commands.options import results_argument
from cli.errors import CommandError
from cli.results.file import ResultsFile

EPILOG = """\b
Examples:
  # the least sure photos first
  faunalens review study.db
  # a hundred at random, for a precision that holds for all photos
  faunalens review study.db --order random --most 100
  faunalens review study.db --precision
"""


@click.command(epilog=EPILOG, short_help="Go through the answers on a local page, with the keyboard.")
@results_argument
@click.option(
    "--order",
    type=click.Choice(["least-sure", "random"]),
    default="least-sure",
    show_default=True,
    help="Which photos come first.",
)
@click.option("--most", type=click.IntRange(1), metavar="N", help="Review at most N photos.")
@click.option("--reviewer", metavar="NAME", help="Who reviews, for exports. By default the name of this user.")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=0, metavar="PORT", help="Port of the page; 0: a free one."
)
@click.option("--no-browser", is_flag=True, help="Only print the page's address.")
@click.option("--precision", "only_precision", is_flag=True, help="Print the precision by taxon, and review nothing.")
def review(
    results: Path,
    *,
    order: str,
    most: int | None,
    reviewer: str | None,
    port: int,
    no_browser: bool,
    only_precision: bool,
) -> None:
    """Review the answers in RESULTS on a page of this machine, with the keyboard alone: accept, correct, mark as blank.

    What you say is kept at once, and exports name you as the one who classified the photo. Ctrl-C ends the review.
    """
    from cli.review.queue import Order, Queue
    from cli.review.server import ReviewServer

    with ResultsFile(results, write=not only_precision) as kept:
        if only_precision:
            _print_precision(kept)
            return
        queue = Queue(kept, reviewer or _user(), cast("Order", order), most)
        try:
            opened = ReviewServer(kept, queue, Path(kept.study()["folder"]), port)
        except OSError as error:
            raise CommandError(f"the page cannot have port {port} ({error.strerror}); choose another --port") from error
        with opened as server:
            click.echo(f"{len(queue.ids):,} photos to review: {server.url}  (Ctrl-C ends the review)", err=True)
            if not no_browser:
                webbrowser.open(server.url)
            try:
                server.serve_forever()
            except KeyboardInterrupt:
                click.echo("what was said is kept", err=True)


def _user() -> str:
    try:
        return getpass.getuser()
    except OSError as error:  # a container's user may have no name
        raise click.UsageError("this user has no name; say with --reviewer who reviews") from error


def _print_precision(results: ResultsFile) -> None:
    from cli.review.queue import precision

    rows = precision(results, drawn=True)
    if not rows:
        rows = precision(results, drawn=False)
        click.echo(
            "faunalens: no photo was drawn at random (--order random), so this holds for the reviewed photos alone; "
            "those that were least sure are wrong more often than others",
            err=True,
        )
    click.echo(f"{'the machine said':40} {'reviewed':>8} {'right':>6}  95 % interval")
    for each in rows:
        interval = f"{each.low:.0%} to {each.high:.0%}"
        click.echo(f"{each.taxon:40} {each.reviewed:>8,} {each.share:>6.0%}  {interval}")
