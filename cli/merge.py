"""`faunalens merge`: the results files of several people or machines become one.

Each file is copied to temporary tables, which lie on disk, and joined from there by SQL: memory does not grow with it.
"""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from sqlite3 import Connection
from typing import NamedTuple

import click

from cli.options import EXISTING_FILE, EXISTING_FOLDER, FILE
from cli.results import ResultsFile
from cli.terminal import waiting, warn

EPILOG = """\b
Examples:
  # two people have reviewed copies of a study
  faunalens merge anna/study.db ben/study.db --into study.db
  # two machines have identified a camera each, below one folder
  faunalens merge north.db south.db --into study.db --root cameras/
"""
TABLES = ("deployment", "photo", "review", "boundary")
_ANSWER = """
size, modified, checksum, place, shift, state, taken, latitude, longitude, width, height, answer, code, detail,
identified
"""
"""The columns of a photo that go together."""
_MOVE_DEPLOYMENTS = """
update their_deployment set fields = json_set(fields, '$.folder', rtrim(?1 || ltrim(fields ->> 'folder', './'), '/'))
where ?1 <> '' and fields ->> 'folder' <> ''
"""
_MATCH = """
create temp table same (theirs integer primary key, ours integer unique);
create temp table other (theirs integer primary key);
insert into other select theirs.id from their_photo as theirs join photo using (path)
where theirs.size <> photo.size or theirs.checksum <> photo.checksum;
insert into same select theirs.id, photo.id from their_photo as theirs join photo using (path)
where theirs.id not in (select theirs from other);
insert or ignore into same select theirs.id, min(photo.id)
from their_photo as theirs join photo on theirs.size = photo.size and theirs.checksum = photo.checksum
where theirs.path not in (select path from photo) and photo.path not in (select path from their_photo)
and (is_there(theirs.path) is null or is_there(photo.path) is null)
group by theirs.id;
"""
"""`same`: photos by path and bytes, or by their bytes if one was moved, so that not both are there. `other`: those of
one path that have other bytes."""
_ADD = """
insert into photo (path, deployment, ANSWER) select path, deployment, ANSWER
from their_photo where id not in (select theirs from same) and id not in (select theirs from other)
""".replace("ANSWER", _ANSWER)
_ANSWERS = """
update photo set deployment = coalesce(theirs.deployment, photo.deployment), (ANSWER) = (THEIRS)
from same join their_photo as theirs on theirs.id = same.theirs
where photo.id = same.ours and (theirs.answer is not null, coalesce(theirs.identified, ''))
    > (photo.answer is not null, coalesce(photo.identified, ''))
""".replace("ANSWER", _ANSWER).replace("THEIRS", ", ".join(f"theirs.{column.strip()}" for column in _ANSWER.split(",")))
"""The newest answer stands; any is better than none."""
_ADDED = """
insert into same select theirs.id, photo.id from their_photo as theirs join photo using (path)
where theirs.id not in (select theirs from same) and theirs.id not in (select theirs from other)
"""
_DEPLOYMENTS = """
insert or ignore into deployment
select id, number + (select coalesce(max(number) + 1, 0) from deployment), fields from their_deployment
"""
_OUTDATED = """
delete from review where exists (
    select 1 from same join their_review as theirs on theirs.photo = same.theirs
    where same.ours = review.photo and theirs.reviewer = review.reviewer and theirs.reviewed > review.reviewed
)
"""
_REVIEWS = """
insert into review
select
    ours, reviewer, number, kind, name, scientific_name, rank, count, sex, life_stage, behavior, note, machine,
    is_right, drawn, reviewed
from their_review join same on same.theirs = their_review.photo
where (ours, reviewer) not in (select photo, reviewer from review)
"""
_CONFLICTS = {
    "deployments have other fields; those of the first file stay": """
    select count(*) from their_deployment as theirs join deployment using (id)
    where json(theirs.fields) <> json(deployment.fields)
    """,
    "photos have the path of another photo, and are left out; if the files have different folders, give --root": """
    select count(*) from other
    """,
    "photos have two opinions of the same reviewer; the newer one stays": """
    select count(distinct photo.id || ' ' || theirs.reviewer) from their_review as theirs
    join same on same.theirs = theirs.photo join photo on photo.id = same.ours
    join review on review.photo = photo.id and review.reviewer = theirs.reviewer and review.reviewed <> theirs.reviewed
    """,
    "events are split in one file and merged in the other; the first file counts": """
    select count(*) from their_boundary as theirs join same on same.theirs = theirs.photo
    join boundary on boundary.photo = same.ours where boundary.starts <> theirs.starts
    """,
}
"""What may conflict, and how often it does once photos are matched."""


class Merged(NamedTuple):
    """What came of a file: numbers of photos, and of the answers and observations that were taken over."""

    photos: int
    new: int
    answers: int
    observations: int
    conflicts: dict[str, int]


@click.command(epilog=EPILOG, short_help="Make one results file of several.")
@click.argument("sources", nargs=-1, required=True, metavar="RESULTS...", type=EXISTING_FILE)
@click.option("--into", type=FILE, required=True, metavar="FILE", help="The results file that gets all; new or not.")
@click.option(
    "--root",
    type=EXISTING_FOLDER,
    metavar="FOLDER",
    help="The folder of the whole study, if the files have different ones below it. By default that of the first file.",
)
def merge(sources: tuple[Path, ...], *, into: Path, root: Path | None) -> None:
    """Merge RESULTS of several people or machines into one file. They stay as they are.

    Photos are the same by path and bytes. Of two answers the newer one stands, and any is better than none. The
    opinions of all reviewers are kept; of one reviewer about one photo, the newer.
    """
    if any(into.exists() and into.samefile(path) for path in sources):
        raise click.UsageError(f"{into} is one of the files to merge; leave it out, as all others are merged into it")
    with ResultsFile(into, write=True) as kept:
        folders = {path: _folder_of(path) for path in sources}
        folder = _common(kept.study().get("folder"), folders, root)
        kept.describe(folder=folder)
        for path, theirs in folders.items():
            with waiting(f"merging {path}"), ResultsFile(path, write=False) as source:
                merged = merge_from(kept, source, _prefix(theirs, folder))
            click.echo(
                f"{path}: {merged.photos:,} photos, {merged.new:,} of them new; "
                f"{merged.answers:,} answers and {merged.observations:,} observations of people taken over"
            )
            for what, number in merged.conflicts.items():
                if number:
                    warn(f"{path}: {number:,} {what}")
        click.echo(f"{into}: {kept.counts().total:,} photos")


def _folder_of(path: Path) -> str:
    with ResultsFile(path, write=False) as source:
        return source.study().get("folder", "")


def _common(known: str | None, folders: Mapping[Path, str], root: Path | None) -> str:
    """Return the folder of the whole study, which the first file decides if nothing else does.

    `known`: that of the file that gets all. `folders`: those of the others. Raises `UsageError` if it is not clear.
    """
    given = str(root.absolute()) if root else None
    if known and given and known != given:
        raise click.UsageError(f"the photos are below {known} already; leave --root out, or choose another file")
    folder = known or given or next(iter(folders.values()))
    for path, theirs in folders.items():
        is_apart = Path(folder).is_dir() and Path(theirs).is_dir()  # else it is of another machine
        if not root and not Path(theirs).is_relative_to(folder) and (is_apart or Path(folder).is_relative_to(theirs)):
            raise click.UsageError(
                f"{path} has photos below {theirs}, and others are below {folder}; say with --root which folder both "
                f"are in, or --root {folder} if they are copies of each other"
            )
    return folder


def _prefix(theirs: str, folder: str) -> str:
    """Return what comes before the paths of a file. One with a folder of elsewhere has the same study."""
    below = Path(theirs).relative_to(folder).as_posix() if Path(theirs).is_relative_to(folder) else "."
    return "" if below == "." else f"{below}/"


def merge_from(kept: ResultsFile, source: ResultsFile, prefix: str = "") -> Merged:
    """Merge a results file into another one, all of it or nothing. `prefix`: of its paths in the other one."""
    folder = Path(kept.study().get("folder", ""))
    kept.define("is_there", lambda path: path if (folder / path).exists() else None)
    with kept.transaction(writes=False) as connection:
        for table in TABLES:
            connection.execute(f"create temp table their_{table} as select * from main.{table} where false")  # noqa: S608
            _fill(connection, f"their_{table}", source.rows(f"select * from {table}"))  # noqa: S608, a constant
        connection.execute("update their_photo set path = ? || path", (prefix,))
        connection.execute(_MOVE_DEPLOYMENTS, (prefix,))
        connection.execute("create index temp.by_path on their_photo (path)")
        connection.execute("create index temp.by_photo on their_review (photo)")
    with kept.transaction() as connection:
        execute = connection.execute
        connection.executescript(_MATCH)
        conflicts = {what: execute(query).fetchone()[0] for what, query in _CONFLICTS.items()}
        execute(_DEPLOYMENTS)
        answers, new = execute(_ANSWERS).rowcount, execute(_ADD).rowcount
        execute(_ADDED)
        execute(_OUTDATED)
        observations = execute(_REVIEWS).rowcount
        execute("insert or ignore into boundary select ours, starts from their_boundary join same on theirs = photo")
        photos = execute("select count(*) from their_photo").fetchone()[0]
        for table in ("same", "other", *(f"their_{table}" for table in TABLES)):
            execute(f"drop table temp.{table}")
    return Merged(photos, new, answers, observations, conflicts)


def _fill(connection: Connection, table: str, rows: Iterable[Sequence[object]]) -> None:
    columns = len(connection.execute(f"pragma table_info({table})").fetchall())
    query = f"insert into temp.{table} values ({', '.join('?' * columns)})"  # noqa: S608, a constant
    connection.executemany(query, map(tuple, rows))
