"""`faunalens merge`: merge the results files of several people or machines into one."""

from collections.abc import Mapping
from pathlib import Path

import click

from faunalens.cli import options
from faunalens.cli.options import argument, option
from faunalens.study.moved import merge_from
from faunalens.study.results import ResultsFile
from faunalens.terminal import say, waiting, warn
from faunalens.words import count


@options.command(short_help="Make one results file of several.")
def merge(
    sources: tuple[Path, ...] = argument(options.EXISTING_FILE, nargs=-1, required=True, metavar="RESULTS..."),
    into: Path = option("The results file to merge into; it may be new.", options.FILE, required=True),
    root: Path | None = option(
        "The folder of the whole study, if the files have different ones below it. By default that of the first file.",
        options.EXISTING_FOLDER,
    ),
) -> None:
    """Merge RESULTS of several people or machines into one file. The RESULTS stay as they are.

    Photos with the same path and bytes are one. Of two answers the newer one stands, and any is better than none. The
    opinions of all reviewers are kept; of two by one reviewer on one photo, the newer one.
    """
    if any(into.exists() and into.samefile(path) for path in sources):
        raise click.UsageError(f"{into} is one of the files to merge; leave it out, as all others are merged into it")
    folders = {path: _folder_of(path) for path in sources}
    folder = _common(_folder_of(into) if into.exists() else "", folders, root)
    with ResultsFile(into, write=True) as kept:
        kept.describe(folder=folder)
        for path, theirs in folders.items():
            with waiting(f"merging {path}"), ResultsFile(path, write=False) as source:
                merged = merge_from(kept, source, _prefix(theirs, folder))
            taken = f"{count(merged.answers, 'answer')} and {count(merged.observations, 'observation')} taken over"
            say(f"{path}: {count(merged.photos, 'photo')}, {merged.new:,} of them new; {taken}")
            for what, number in merged.conflicts.items():
                if number:
                    noun, verb, rest = what.split(" ", 2)
                    warn(f"{path}: {count(number, f'{noun} {verb}')} {rest}")
        say(f"{into}: {count(kept.counts().total, 'photo')}")


def _folder_of(path: Path) -> str:
    with ResultsFile(path, write=False) as source:
        return source.study().get("folder", "")


def _common(known: str, folders: Mapping[Path, str], root: Path | None) -> str:
    """Return the study's folder: that of the file to merge into, or else `root`, or else the folder of the first file.

    `known`: the folder of the file to merge into, or empty. `folders`: the other files' folders. Raises `UsageError` if
    they do not fit together.
    """
    given = str(root.absolute()) if root else None
    if known and given and known != given:
        raise click.UsageError(f"the photos are below {known} already; leave --root out, or choose another file")
    folder = known or given or next(iter(folders.values()))
    for path, theirs in folders.items():
        is_apart = Path(folder).is_dir() and Path(theirs).is_dir()  # else one is on another machine
        if not root and not Path(theirs).is_relative_to(folder) and (is_apart or Path(folder).is_relative_to(theirs)):
            advice = f"say with --root which folder both are in, or --root {folder} if they are copies of each other"
            raise click.UsageError(f"{path} has photos below {theirs}, and others are below {folder}; {advice}")
    return folder


def _prefix(theirs: str, folder: str) -> str:
    """Return what to put before a file's paths: its folder relative to the study's, or nothing for the study itself."""
    below = Path(theirs).relative_to(folder).as_posix() if Path(theirs).is_relative_to(folder) else "."
    return "" if below == "." else f"{below}/"
