"""`faunalens identify`: answers for files and folders, kept in a results file that knows which photos are left."""

import json
import os
from collections.abc import Callable, Mapping
from contextlib import closing, nullcontext
from functools import partial
from itertools import islice
from pathlib import Path
from time import monotonic

import click

from chalicelib.api.parameters import DEFAULT_TOP, MAX_TOP
from chalicelib.config.settings import EngineName
from faunalens.cli import options
from faunalens.cli.options import argument, grouped, option
from faunalens.engines.choice import LOADING, Choice
from faunalens.engines.place import NONE
from faunalens.errors import Exit
from faunalens.study.clocks import remarks
from faunalens.study.deployments import PlaceOptions, Where
from faunalens.study.identify import identify_file, in_parallel
from faunalens.study.listing import SINCE, Again, mark, photos_below, study_folder, warn_of_changes
from faunalens.study.moved import find_below
from faunalens.study.photos import expand
from faunalens.study.results import Outcome, ResultsFile, Task
from faunalens.study.video import USUAL, Sampling
from faunalens.terminal import LOG, MOST_FAULTS, photo_progress, say, say_json, shown, waiting, warn
from faunalens.words import count

MOST_AT_ONCE = 32  # most requests to a service at once


def _choice(
    is_local: bool = option(
        "Identify on this machine (the default), with the ranges of this release, or of DATABASE_URL and REDIS_URL.",
        None,
        "--local",
    ),
    engine: EngineName = option(
        "Models that look at the photos: those of this release (local); MegaDetector's for boxes, in which ours name "
        "the animals; or SpeciesNet's, whose scores are weighed by the place as ours are. The last two are extras of "
        "the installation, and download their weights at the first run.",
        default="local",
    ),
    weights: str = option(
        "Weights of --engine: a name that its package knows, such as MDV5B, or a file or folder.",
        default="",
        show_default=False,
        metavar="NAME",
    ),
    pack: Path | None = option(
        "Use the packs in FOLDER too, however large: any ONNX model with a manifest (docs/how-to/model.md).",
        options.EXISTING_FOLDER,
    ),
    url: str | None = option(
        "Identify by the service at URL instead. Its key is in the environment variable FAUNALENS_API_KEY.",
        metavar="URL",
    ),
    boxes: bool = option(
        "Also find each animal, person and vehicle, with its box; takes more time. Answers without boxes are redone."
    ),
    top: int = option("Number of candidates in an answer.", click.IntRange(1, MAX_TOP), default=DEFAULT_TOP),
) -> Choice:
    if url and (is_local or engine != "local" or pack):
        raise click.UsageError("--url contradicts --local, --engine and --pack; give one of them")
    if pack and engine == "speciesnet":
        raise click.UsageError("--pack is for our models, which --engine speciesnet does not use; give one of them")
    if weights and engine == "local":
        raise click.UsageError("--weights needs an --engine of another project; MODEL_PATH names another model of ours")
    return Choice(engine, url, weights, pack, top, boxes)


@options.command()
def identify(
    environment: Mapping[str, str] = options.ENVIRONMENT,
    paths: tuple[str, ...] = argument(options.ANY_PATH, nargs=-1, required=True, metavar="PATH..."),
    results: Path | None = option(
        "Keep the answers in FILE; skip photos that have one there. Folders need this option or --json.", options.FILE
    ),
    given: PlaceOptions = options.PLACE,
    no_location: bool = option(
        "Identify photos without a place, in options or EXIF, from the picture alone. Otherwise they fail."
    ),
    root: Path | None = option(
        "The study's folder: photos are named by their path below it. By default that of an earlier run, or the "
        "innermost one with all PATHs.",
        options.EXISTING_FOLDER,
    ),
    choice: Choice = grouped(_choice),
    again: Again | None = option(
        "Identify again photos that have an answer: all, or those whose answer comes from other models or range data, "
        "or is for another month. Reviews stay."
    ),
    workers: int | None = option(
        "Number of photos at once. By default one per processor, or with --url as many as the service takes, up to "
        f"{MOST_AT_ONCE}.",
        click.IntRange(1),
        metavar="N",
    ),
    frame_every: float = option(
        "Look at a frame of a video every SECONDS.",
        click.FloatRange(0.1),
        default=USUAL.every,
        metavar="SECONDS",
    ),
    frames: int = option(
        "Look at no more than N frames of a video, spread over its length.",
        click.IntRange(1, 1000),
        default=USUAL.most,
        metavar="N",
    ),
    as_json: bool = option("Print each answer as a line of JSON.", None, "--json"),
) -> int:
    """Identify the animals in photos and videos.

    PATH is a file, a folder (with the folders in it), a pattern, or `-`: paths on standard input, one a line.

    With --results, answers are kept as they are made. A run that was stopped, even by a power cut, continues when you
    run the same command again: no photo is done twice, and none is lost. Photos whose file or place has changed are
    done again. Options about place and clock hold for later runs until you change them.
    """
    if choice.url and again == "outdated":
        raise click.UsageError("the versions of a service's models are not known before it answers; give --again all")
    found = expand(paths)
    if results is None and not as_json and any(path.is_dir() for path in found):
        raise click.UsageError("a folder needs --results FILE, where the answers are kept, or --json")
    with ResultsFile(results, write=True) as kept:
        folder = study_folder(kept, found, root)
        where = given.keep(kept, NONE if no_location else None)
        closed: list[str] = []
        with waiting("looking for photos"):
            find_below(kept, folder, photos_below(found, folder, where, closed))
        versions = partial(choice.versions, environment)
        mark(kept, again, dict if results is None else versions, boxes=choice.finds_boxes)
        warn_of_changes(kept)
        counts, in_words = kept.counts(), results is None and not as_json
        if counts.left or counts.failed:
            at_once = workers or (MOST_AT_ONCE if choice.url else os.process_cpu_count() or 1)
            with waiting(LOADING) if choice.name != "local" else nullcontext():
                engine = choice.engine(environment, at_once, warn)
            look = partial(identify_file, root=folder, engine=engine, sampling=Sampling(frame_every, frames))
            identify_rest = partial(identify_left, kept, look, at_once, where, as_json=as_json, in_words=in_words)
            identify_rest()
            if kept.counts().left:  # photos whose time, now known, has put them into another cell
                warn_of_changes(kept)
                identify_rest()
            counts = kept.counts()
            kept.describe(**{SINCE: ""})
        elif not in_words:
            print_summary(kept, 0, 0.0)
        return Exit.SOME_FAILED if counts.failed or counts.unreadable or closed else Exit.DONE


def identify_left(
    results: ResultsFile,
    look: Callable[[Task], Outcome],
    workers: int,
    where: Where | None = None,
    *,
    as_json: bool = False,
    in_words: bool = False,
) -> None:
    """Identify the photos that are left, save each outcome, and print a summary. `look`: identifies one photo."""
    before, started, number = results.counts(), monotonic(), 0
    done = before.done + before.unreadable
    outcomes = in_parallel(look, results.tasks(), workers)
    try:
        with closing(outcomes), photo_progress(done, before.total) as reach:
            for number, outcome in enumerate(outcomes, 1):
                results.save(outcome)
                if outcome.code:
                    LOG.warning("%s: %s (%s)", outcome.task.path, outcome.detail, outcome.code)
                reach(done + number)
                if as_json or in_words:
                    print_outcome(outcome, as_json=as_json)
        if where:
            where.settle()
    finally:
        if not in_words:
            print_summary(results, number, monotonic() - started)


def print_outcome(outcome: Outcome, *, as_json: bool) -> None:
    """Print the outcome of a photo as a line of JSON, or as a line for people."""
    if not as_json:
        none = f"no answer ({outcome.code}): {outcome.detail}"
        text = json.loads(outcome.answer)["message"] if outcome.answer else none
        say(f"{shown(outcome.task.path)}: {shown(text)}")
        return
    error = {"code": outcome.code, "detail": outcome.detail} if outcome.code else None
    line = {"path": outcome.task.path, "taken": outcome.facts.taken, "error": error}
    head = json.dumps(line, ensure_ascii=False, allow_nan=False)
    say_json(f'{head[:-1]}, "answer": {outcome.answer or "null"}}}')


def print_summary(results: ResultsFile, number: int, seconds: float) -> None:
    """Print how many photos have an answer, are left or failed, and which have none.

    `number`: photos that this run looked at, in `seconds`.
    """
    counts = results.counts()
    rate = f", {number / seconds:.1f} a second" if number and seconds > 1 else ""
    warn(
        f"{count(counts.total, 'photo')}: {counts.done:,} with an answer ({number:,} looked at by this run{rate}), "
        f"{counts.unreadable:,} cannot be read, {counts.failed:,} failed and will be tried again, "
        f"{counts.left:,} left"
    )
    for sentence in remarks(results):
        warn(shown(sentence))
    for row in islice(results.faults(), MOST_FAULTS):
        say(f"  {shown(row['path'])}: {shown(row['detail'] or '')} ({row['code']})", err=True)
    if (more := counts.unreadable + counts.failed - MOST_FAULTS) > 0 and results.path:
        say(f"  and {more:,} more; `faunalens status {results.path}` lists them", err=True)
