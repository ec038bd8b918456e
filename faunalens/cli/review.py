"""`faunalens review`: review events with the keyboard, and print how often answers are right and reviewers agree."""

import getpass
import tempfile
import webbrowser
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Literal

import click

from chalicelib.deadline import Deadline
from chalicelib.location import cell_of
from faunalens.cli import options
from faunalens.cli.options import flags, option
from faunalens.engines.local import CellFile, cache_of
from faunalens.errors import CommandError
from faunalens.review.queue import Choice, Order
from faunalens.review.server import ReviewServer
from faunalens.review.session import Session
from faunalens.study.results import ResultsFile
from faunalens.study.reviews import agreement, precision
from faunalens.taxa.taxa import MODEL, numbered
from faunalens.terminal import say, shown, waiting
from faunalens.words import count

NOT_DRAWN = (
    "was drawn at random (--order random), so this holds only for the reviewed photos; the least sure answers are "
    "wrong more often than others"
)
"""Warning beside a precision over photos that were not drawn at random, after the words `no photo`."""


@options.command(short_help="Go through the answers on a local page, with the keyboard.")
def review(
    environment: Mapping[str, str] = options.ENVIRONMENT,
    results: Path = options.RESULTS,
    order: Order = option(
        "Which events come first. rarest: events of animals that are in the fewest events of their station.",
        default="least-sure",
    ),
    most: int | None = option("Review at most N events.", click.IntRange(1), metavar="N"),
    of: Literal["second", "disagreements"] | None = flags(
        second="Review what others have reviewed. Their opinion is hidden until yours is saved.",
        disagreements="Review photos that reviewers have named differently.",
    ),
    event_gap: int = options.EVENT_GAP,
    reviewer: str | None = option("Name of the reviewer, for exports. By default that of this user.", metavar="NAME"),
    port: int = option("Port of the page; 0 takes a free one.", click.IntRange(0, 65535), default=0, metavar="PORT"),
    no_browser: bool = option("Only print the page's address."),
    only: Literal["precision", "agreement"] | None = flags(
        precision="Print the precision by taxon, and review nothing.",
        agreement="Print how far reviewers agree, as Cohen's kappa of the species they name, and review nothing. A "
        "subspecies counts as its species, a wider taxon as itself.",
    ),
) -> None:
    """Review the answers in RESULTS on a page of this machine, with the keyboard alone: accept, correct, mark as blank.

    What you say is kept at once, and exports name you as the one who classified the photo. Ctrl-C ends the review.

    Others may review meanwhile, on the same file or the same page, and `faunalens identify` may run: an event that
    another reviewer has open is locked for two minutes. Reload the page to see new answers.
    """
    if only:
        with ResultsFile(results, write=False) as kept:
            (_print_precision if only == "precision" else _print_agreement)(kept)
        return
    try:
        reviewer = reviewer or getpass.getuser()
    except OSError as error:  # a container's user may have no name
        raise click.UsageError("this user has no name; say with --reviewer who reviews") from error
    with ExitStack() as stack:
        kept = stack.enter_context(ResultsFile(results, write=True, shared=True))
        cells = CellFile.kept(MODEL / "faunalens.onnx", cache_of(environment))
        with waiting("looking for what to review"):
            choice = Choice(order, most, of or "new")
            session = Session(kept, reviewer, choice, event_gap, partial(inhabitants, cells))
        try:
            server = stack.enter_context(ReviewServer(session, Path(kept.study()["folder"]), port))
        except OSError as error:
            raise CommandError(f"the page cannot use port {port} ({error.strerror}); choose another --port") from error
        page = stack.enter_context(forwarding(server.url, results.parent))
        say(f"{count(len(session.queue.events), 'event')} to review: {server.url}  (Ctrl-C ends the review)", err=True)
        if not no_browser:
            webbrowser.open(page.absolute().as_uri())
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            say("your reviews are saved", err=True)


def inhabitants(cells: CellFile | None, latitude: float, longitude: float) -> list[str]:
    """Return the scientific names of the animals that live at a place; empty without `cells`, before the first run."""
    if cells is None:
        return []
    (found,) = cells.features_of([cell_of(latitude, longitude)], Deadline.after(1))
    numbers = found.animals.tolist(), found.relatives.tolist()
    return [names[each] for names, here in zip(numbered(), numbers, strict=True) for each in here if each in names]


@contextmanager
def forwarding(url: str, folder: Path) -> Iterator[Path]:
    """Write a page that redirects to `url` and that only this user can read. Delete it after the block.

    All users of a machine see the arguments of its programs, so a browser does not get the address itself. The page
    lies in the study's folder, because a browser in a sandbox sees no temporary files.
    """
    text = f'<!doctype html><meta http-equiv="refresh" content="0; url={url}"><a href="{url}">Review</a>'
    with tempfile.NamedTemporaryFile(
        "w", dir=folder, prefix="review-", suffix=".html", encoding="utf-8", delete_on_close=False
    ) as file:
        file.write(text)
        file.close()
        yield Path(file.name)


def _print_precision(results: ResultsFile) -> None:
    rows = precision(results, drawn=True)
    if not rows:
        rows = precision(results, drawn=False)
        say(f"faunalens: no photo {NOT_DRAWN if rows else 'has been reviewed yet'}", err=True)
    if rows:
        say(f"{'the machine said':40} {'reviewed':>8} {'right':>6}  95 % interval")
    for each in rows:
        interval = f"{each.low:.0%} to {each.high:.0%}"
        say(f"{shown(each.taxon):40} {each.reviewed:>8,} {each.share:>6.0%}  {interval}")


def _print_agreement(results: ResultsFile) -> None:
    pairs, disagreements = agreement(results)
    if not pairs:
        say("faunalens: no photo has been reviewed by two people; see --second", err=True)
        return
    say(f"{'reviewers':40} {'photos':>8} {'alike':>6}  kappa")
    for each in pairs:
        kappa = "-" if each.kappa is None else f"{each.kappa:.2f}"
        say(f"{f'{each.one}, {each.other}':40} {each.photos:>8,} {each.alike / each.photos:>6.0%}  {kappa}")
    say(f"{count(len(disagreements), 'photo is')} named differently; see --disagreements")
