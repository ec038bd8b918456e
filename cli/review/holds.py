"""Who is reviewing which event: no two people review the same at a time, from two browsers or by two processes.

An event is held by its photos, so that it does not matter how another reviewer's events are cut.
"""

import json
from collections.abc import Iterable
from time import time

from cli.results import ResultsFile

SECONDS = 120.0
"""How long an event is held, unless its page goes on holding it."""
_OTHERS = """
select reviewer from hold where photo in (select value from json_each(?)) and holder <> ? and until > ? limit 1
"""
_HOLD = "insert or replace into hold values (?, ?, ?, ?)"


def hold(results: ResultsFile, photos: Iterable[int], holder: str, reviewer: str) -> str | None:
    """Hold photos, or go on holding them. Return None, or the reviewer who has one of them; then nothing changes."""
    photos = list(photos)
    with results.transaction() as connection:
        other = held_by(results, photos, holder)
        if other is None:
            connection.execute("delete from hold where until <= ?", (time(),))
            connection.executemany(_HOLD, ((photo, holder, reviewer, time() + SECONDS) for photo in photos))
    return other


def held_by(results: ResultsFile, photos: Iterable[int], holder: str) -> str | None:
    """Return the other reviewer who has one of the photos, or None."""
    row = next(results.rows(_OTHERS, json.dumps(list(photos), allow_nan=False), holder, time()), None)
    return str(row["reviewer"]) if row else None


def release(results: ResultsFile, holder: str) -> None:
    """Release what a browser holds, or all those whose names begin so."""
    with results.transaction() as connection:
        connection.execute("delete from hold where substr(holder, 1, length(?1)) = ?1", (holder,))
