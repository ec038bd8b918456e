"""Recognise photos by their bytes: find photos that were renamed, moved or copied, and those that are gone."""

import os
import zlib
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path

from faunalens.engines.place import Place
from faunalens.study.results import QUERIES, ListedPhoto, ResultsFile


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
    replaced = (each for each in taken.values() if each and each not in moved)  # gone, but a path is one photo's
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
    """Return the reviewed photos among those that are gone of which no copy stays: their paths by id."""
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


def copies(results: ResultsFile) -> int:
    """Return the number of copies: photos that do not count, as another one of their deployment has the same bytes."""
    return int(next(results.rows("select count(*) from copies"))[0])


def shared(results: ResultsFile) -> int:
    """Return the number of photos whose bytes are in several deployments, as when a card was copied to two of them."""
    return int(next(results.rows(QUERIES["shared"]))[0])


def untimed(results: ResultsFile) -> int:
    """Return the number of photos with an answer that have no time in EXIF. Copies do not count."""
    return int(next(results.rows(QUERIES["untimed"]))[0])


def _size(path: str | Path) -> int | None:
    """Return the size of a file in bytes, None if it is gone, or -1 if it exists but may not be looked at."""
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
