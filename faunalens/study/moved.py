"""Recognise photos by their bytes: renamed, moved or copied ones, those that are gone, and those of several studies.

Results files are merged by SQL in temporary tables on disk, so that memory does not grow with their size.
"""

import os
import zlib
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from faunalens.engines.place import Place
from faunalens.study.results import QUERIES, ListedPhoto, ResultsFile
from faunalens.words import parts_of

MERGED = ("deployment", "photo", "review", "boundary")
"""The tables that are merged. `SQL`: the statements by name; the user reads what follows `conflict: ` in a name."""
SQL = parts_of(Path(__file__).with_name("merge.sql"))


def find_below(results: ResultsFile, folder: Path, photos: Iterable[ListedPhoto]) -> None:
    """Save the photos in `folder`, as `ResultsFile.find` does, but let a renamed or moved photo keep its answer."""
    with results.transaction(writes=False) as connection:  # looking for photos takes long; reviews go on
        connection.execute("drop table if exists temp.listed")
        connection.execute(QUERIES["listed"])
        rows = ((*photo[:4], photo.place and photo.place.text, photo.shift) for photo in photos)
        connection.executemany("insert or replace into listed values (?, ?, ?, ?, ?, ?)", rows)
    moved: dict[int, str] = {}
    taken: dict[str, int | None] = {}
    left: list[str] = []
    checksums: dict[str, int | None] = {}
    for path, there, identity, old, size, checksum in results.rows(QUERIES["moved"]):
        if identity in moved or path in taken or _size(folder / old) == size:
            continue
        if checksum is not None and path not in checksums:
            checksums[path] = None
            with suppress(OSError):
                checksums[path] = checksum_of(folder / path)
        is_same = Path(path).name == Path(old).name if checksum is None else checksums[path] == checksum
        if is_same:
            moved[identity] = path
            taken[path] = there
            left.append(old)
    replaced = (each for each in taken.values() if each and each not in moved)  # gone, but paths are unique
    moved |= dict(zip(replaced, (path for path in left if path not in taken), strict=False))
    with results.transaction() as connection:
        connection.executemany("update photo set path = '/' || id where id = ?", ((each,) for each in moved))
        connection.executemany("update photo set path = ?2 where id = ?1", moved.items())
    results.find(
        ListedPhoto(path, size, modified, deployment, place and Place.parse(place), shift)
        for path, size, modified, deployment, place, shift in results.rows("select * from temp.listed order by rowid")
    )


def gone(results: ResultsFile) -> list[tuple[int, str]] | None:
    """Return id and path of each photo whose file is gone, or None if the study's folder itself is missing."""
    folder = results.study().get("folder", "")
    if not Path(folder).is_dir():
        return None
    photos = results.rows("select id, path from photo order by path")
    return [(identity, path) for identity, path in photos if _size(f"{folder}/{path}") is None]


def last_reviewed(results: ResultsFile, gone: Sequence[tuple[int, str]]) -> dict[int, str]:
    """Return, of the photos that are `gone`, those that were reviewed and of which no copy is left: paths by id."""
    absent = dict(gone)
    pairs = results.rows("select id, other from review join same_photo on id = photo")  # in this order it is fast
    kept = {identity for identity, other in pairs if other not in absent}
    reviewed = {identity for (identity,) in results.rows("select photo from review")} - kept
    return {identity: path for identity, path in gone if identity in reviewed}


def forget(results: ResultsFile, photos: Iterable[int]) -> None:
    """Delete photos, by id, from the results file. A copy that stays gets the newest review of each reviewer."""
    with results.transaction() as connection:
        connection.execute("create temp table gone (id integer primary key)")
        connection.executemany("insert into gone values (?)", ((each,) for each in photos))
        for query in ("outdated reviews", "keep reviews"):
            connection.execute(QUERIES[query])
        for table, key in (("review", "photo"), ("boundary", "photo"), ("hold", "photo"), ("photo", "id")):
            connection.execute(f"delete from {table} where {key} in (select id from temp.gone)")  # noqa: S608
        connection.execute("drop table temp.gone")


def _size(path: str | Path) -> int | None:
    """Return the size of a file in bytes, None if it is gone, or -1 if it exists but cannot be examined."""
    try:
        return os.stat(path).st_size  # noqa: PTH116, a hundred thousand paths are slow
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError:
        return -1


def checksum_of(path: Path) -> int:
    """Return the CRC-32 of a file, which may be larger than memory. Raises `OSError`."""
    checksum = 0
    with path.open("rb") as file:
        while some := file.read(1 << 20):
            checksum = zlib.crc32(some, checksum)
    return checksum


class Merged(NamedTuple):
    """What a merge took from a file: how many photos, new photos, answers, observations, and conflicts by name."""

    photos: int
    new: int
    answers: int
    observations: int
    conflicts: dict[str, int]


def merge_from(kept: ResultsFile, source: ResultsFile, prefix: str = "") -> Merged:
    """Merge `source` into `kept`, all of it or nothing. `prefix`: what to put before the paths of `source`."""
    folder = Path(kept.study().get("folder", ""))
    kept.define("is_there", lambda path: path if (folder / path).exists() else None)
    with kept.transaction(writes=False) as connection:
        for table in MERGED:
            connection.execute(f"create temp table their_{table} as select * from main.{table} where false")  # noqa: S608
            columns = len(connection.execute(f"pragma table_info(their_{table})").fetchall())
            query = f"insert into their_{table} values ({', '.join('?' * columns)})"  # noqa: S608, constants
            connection.executemany(query, map(tuple, source.rows(f"select * from {table}")))  # noqa: S608, a constant
        for name in ("move photos", "move deployments"):
            connection.execute(SQL[name], {"prefix": prefix})
    with kept.transaction() as connection:
        connection.executescript(SQL["match"])
        queries = {name.removeprefix("conflict: "): SQL[name] for name in SQL if name.startswith("conflict: ")}
        conflicts = {what: connection.execute(query).fetchone()[0] for what, query in queries.items()}
        answers, new = (connection.execute(SQL[name]).rowcount for name in ("answers", "new"))
        connection.executescript(SQL["known"])
        observations = connection.execute(SQL["observations"]).rowcount
        photos = connection.execute("select count(*) from their_photo").fetchone()[0]
        connection.executescript(SQL["rest"])
    return Merged(photos, new, answers, observations, conflicts)
