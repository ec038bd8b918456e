"""Merge a results file into another: copied to temporary tables on disk, and joined from there by SQL.

Memory does not grow with the size of the files.
"""

from pathlib import Path
from typing import NamedTuple

from faunalens.study.results import ResultsFile
from faunalens.words import parts_of

TABLES = ("deployment", "photo", "review", "boundary")
SQL = parts_of(Path(__file__).with_suffix(".sql"))
"""SQL statements by name. The name of a statement that counts conflicts is what the command says of them."""


class Merged(NamedTuple):
    """What a file added: its number of photos, how many are new, answers and observations taken over, and conflicts."""

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
        for table in TABLES:
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
