"""The results file: a SQLite database with a row for each photo. It can be read during a run; a kill does no harm.

Each outcome is one transaction. A run that is killed loses nothing that it has reported as done, because SQLite's
write-ahead log has it. A power cut may cost the last outcomes, which the next run repeats, but not the database.
"""

import json
import os
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from itertools import batched
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple, Self, cast

from faunalens.engines.place import Place, cell_at
from faunalens.errors import CommandError
from faunalens.words import parts_of

if TYPE_CHECKING:
    from filelock import FileLock

State = Literal["new", "touched", "done", "unreadable", "failed"]
"""State of a photo. `touched`: the file was written again since its answer, with the same size. `unreadable`: stays so
until the file changes. `failed`: the next run tries it again, unlike a `done` photo."""

UNSEEN = '{"prediction":null,"candidates":[],"animal_probability":0.0,"subject":"unclear"}'
"""The answer for a photo that people reviewed and no model has looked at. The photo is still to be identified."""


class ListedPhoto(NamedTuple):
    """A photo to identify. `modified`: ns since 1970. `shift`: seconds to add to its clock.

    `deployment`, `place` and `shift` are None if the options do not give them.
    """

    path: str
    size: int
    modified: int
    deployment: str | None
    place: Place | None
    shift: float | None


class Task(NamedTuple):
    """A photo that is still to be identified. `shift`: seconds to add to its clock.

    `checksum`: the file's CRC-32 when it was last answered, if only its time has changed since; else None.
    """

    id: int
    path: str
    place: Place
    checksum: int | None
    shift: float = 0.0


@dataclass(frozen=True, slots=True)
class FileFacts:
    """What a photo's file says; None for what it lacks. `taken`: 'YYYY-MM-DD HH:MM:SS', and the offset if any."""

    width: int | None = None
    height: int | None = None
    taken: str | None = None
    latitude: float | None = None
    longitude: float | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of a task. `state` is `touched` if the photo's bytes are those of its last answer, which then stays.

    `identified`: when the photo was identified, UTC in ISO 8601; None: now. `code`, `detail`: why it has no answer.
    """

    task: Task
    state: State
    size: int = 0
    modified: int = 0
    checksum: int | None = None
    facts: FileFacts = FileFacts()
    answer: str | None = None
    code: str | None = None
    detail: str | None = None
    identified: str | None = None


class Counts(NamedTuple):
    """Number of photos in each state. `left`: those that are new or touched."""

    done: int = 0
    unreadable: int = 0
    failed: int = 0
    left: int = 0

    @property
    def total(self) -> int:
        return sum(self)


SCHEMA = Path(__file__).with_suffix(".sql").read_text(encoding="utf-8")
QUERIES = parts_of(Path(__file__).with_name("queries.sql"))
VERSION_1 = parts_of(Path(__file__).with_name("results_1.sql"))
FORMAT = 2  # version of the schema, in the database's `user_version`
PATIENCE = 60.0  # seconds that a transaction waits for other processes' transactions
OWNERS = 0o600  # permissions of a new results file: its owner's only, because it says who was where and when
BATCH = 1000
"""Rows that are read or written at a time, so that memory does not grow with the number of photos."""


class ResultsFile:
    """An open results file. Use it in one thread at a time.

    `path`: the file, or None for results that are kept in memory and gone at the end. `write`: whether to create the
    file if there is none, and to keep other runs from writing to it; else it is read as it was when it was opened.
    `shared`: whether to write to an existing file beside a run and other reviews; transactions wait for each other.
    Raises `CommandError` if the file is in use, or is not a results file.
    """

    def __init__(self, path: Path | None, *, write: bool, shared: bool = False) -> None:
        self.path = path
        self._lock: FileLock | None = None
        if path is not None and write and not shared:
            self._lock = _exclusive(path)
        elif path is not None and not path.is_file():
            raise CommandError(f"there is no results file {path}; `faunalens identify --results` makes one")
        try:
            self._connection = sqlite3.connect(
                _name_of(path, write=write), timeout=PATIENCE, uri=True, autocommit=True, check_same_thread=False
            )
            self.define("cell_at", cell_at)
            self.define("name_of", lambda path: path.rpartition("/")[2])
            self._prepare(write=write)
            self._connection.executescript(QUERIES["views"])
        except BaseException as error:
            self.__exit__()
            if isinstance(error, sqlite3.OperationalError):  # no disk space, no permission; the file may be sound
                raise CommandError(f"{path} cannot be opened ({error}); is its disk full or read-only?") from error
            if not isinstance(error, sqlite3.DatabaseError):
                raise
            raise CommandError(f"{path} is not a results file ({error}); choose another name") from error

    def _prepare(self, *, write: bool) -> None:
        sql = self._connection.execute
        found, has_tables = sql("pragma user_version").fetchone()[0], sql("select 1 from sqlite_schema").fetchone()
        if has_tables and found not in (1, FORMAT):
            raise CommandError(f"{self.path} is not a results file of this release of faunalens; choose another name")
        if write:
            sql("pragma journal_mode = wal")
            sql("pragma synchronous = normal")
            if not has_tables:
                self._connection.executescript(f"begin; {SCHEMA} pragma user_version = {FORMAT}; commit;")
            elif found == 1:
                with self.transaction() as connection:
                    if sql("pragma user_version").fetchone()[0] == 1:  # another process may have done it
                        connection.executescript(f"{VERSION_1['begin']} {SCHEMA} {VERSION_1['end']}")
                        sql(f"pragma user_version = {FORMAT}")
            else:
                self._connection.executescript(SCHEMA)  # tables and indexes that this version got later
        elif not has_tables:
            raise CommandError(f"{self.path} has no results; choose another file")
        else:
            if found == 1:
                self._connection.executescript(VERSION_1["read"])
            sql("begin")  # a snapshot, whatever a run adds: an export reads the photos more than once

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if hasattr(self, "_connection"):
            self._connection.close()
        if self._lock is not None:
            self._lock.release()
            self._lock = None

    @contextmanager
    def transaction(self, *, writes: bool = True) -> Iterator[sqlite3.Connection]:
        """Open a transaction, which an error rolls back. `writes`: False if it only writes to temporary tables."""
        self._connection.execute("begin immediate" if writes else "begin")
        try:
            yield self._connection
        except BaseException:
            self._connection.execute("rollback")
            raise
        self._connection.execute("commit")

    def rows(self, query: str, *values: object) -> Iterator[sqlite3.Row]:
        """Yield the rows of a query, which may be more than fit in memory."""
        cursor = self._connection.cursor()
        cursor.row_factory = sqlite3.Row
        cursor.arraysize = BATCH
        yield from cursor.execute(query, values)

    def define(self, name: str, function: Callable[..., str | None]) -> None:
        """Let SQL queries call `function` by `name`. It must always return the same text for the same arguments."""
        self._connection.create_function(name, -1, function, deterministic=True)

    def study(self) -> dict[str, str]:
        return dict(self._connection.execute("select name, value from study"))

    def describe(self, **values: str) -> None:
        """Save facts about the study by name, such as its `folder`."""
        with self.transaction() as connection:
            connection.executemany("insert or replace into study values (?, ?)", values.items())

    def replace_deployments(self, deployments: Iterable[Mapping[str, str]]) -> None:
        """Replace the saved table of deployments, which exports read, by these rows."""
        rows = [
            (row["deploymentID"], number, json.dumps(dict(row), ensure_ascii=False, allow_nan=False))
            for number, row in enumerate(deployments)
        ]
        with self.transaction() as connection:
            connection.execute("delete from deployment")
            connection.executemany("insert into deployment values (?, ?, ?)", rows)

    def deployments(self) -> list[dict[str, str]]:
        """Return the rows of the saved table of deployments, in its order."""
        query = "select fields from deployment order by number"
        return [json.loads(fields) for (fields,) in self._connection.execute(query)]

    def find(self, photos: Iterable[ListedPhoto]) -> None:
        """Save photos to identify. A known photo counts as new if its place is in another cell or its size has changed.

        If its `place` or `shift` is None, the value of an earlier run stays, unless that was a deployment's place.
        """
        for some in batched(photos, BATCH, strict=False):
            with self.transaction() as connection:
                connection.executemany(QUERIES["find"], map(_values, some))

    def changed(self) -> tuple[int, int]:
        """Return how many answered photos have changed in size or place, and how many of these have been reviewed."""
        return cast("tuple[int, int]", self._connection.execute(QUERIES["changed"], (UNSEEN,)).fetchone())

    def tasks(self) -> Iterator[Task]:
        """Yield the photos still to be identified, in the order in which they were found. Each is yielded once."""
        last = 0
        while True:
            rows = self._connection.execute(QUERIES["left"], (last, BATCH)).fetchall()
            if not rows:
                return
            for last, path, place, checksum, shift, state in rows:
                yield Task(last, path, Place.parse(place), checksum if state == "touched" else None, shift)

    def save(self, outcome: Outcome) -> None:
        if outcome.state == "touched":
            self._connection.execute(QUERIES["save as unchanged"], (outcome.task.id, outcome.modified))
            return
        if outcome.answer is None:
            fault = outcome.task.id, outcome.state, outcome.code, outcome.detail
            if self._connection.execute(QUERIES["save without an answer"], fault).rowcount:
                return
        values = asdict(outcome)
        more = {"id": outcome.task.id, "identified": outcome.identified or now()}
        self._connection.execute(QUERIES["save"], values | values["facts"] | more)

    def counts(self) -> Counts:
        found = Counter(dict(self._connection.execute("select state, count(*) from photo group by state")))
        return Counts(found["done"], found["unreadable"], found["failed"], found["new"] + found["touched"])

    def clock_of(self, path: str) -> tuple[str, float] | None:
        """Return the time on a photo's clock, and the seconds to add to it; None as long as no time is known."""
        query = "select taken, shift from photo where path = ? and taken is not null"
        return cast("tuple[str, float] | None", self._connection.execute(query, (path,)).fetchone())

    def number(self, query: str) -> int:
        """Return how many photos are `copies`, `shared` by deployments, or `untimed`: `query` is one of these words."""
        return int(self._connection.execute(QUERIES[query]).fetchone()[0])

    def faults(self) -> Iterator[sqlite3.Row]:
        """Yield path, state, code and detail of each photo that has no answer, or an answer made without its place."""
        yield from self.rows("select path, state, code, detail from photo where code is not null order by path")


def _values(photo: ListedPhoto) -> tuple[object, ...]:
    place = photo.place
    return *photo[:4], place and place.text, photo.shift, place and place.latitude, place and place.longitude


def now() -> str:
    """Return the time as UTC in ISO 8601, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def _exclusive(path: Path) -> "FileLock":
    """Lock the results for writing, as long as this process runs, and return the lock. A new file is its owner's alone.

    The lock is a file of its own: closing any descriptor of a database would drop the locks of SQLite.
    """
    from filelock import FileLock, Timeout  # takes as long to import as `faunalens status` to run

    if not path.parent.is_dir():
        raise CommandError(f"there is no folder {path.parent} for the results; make it, or choose another file")
    lock = FileLock(path.with_name(f"{path.name}-lock"), timeout=0, mode=OWNERS, thread_local=False)
    try:
        lock.acquire()
        if not path.exists():
            path.touch(OWNERS)  # SQLite's other files get the same permissions
    except Timeout as error:
        raise CommandError(f"another run is writing to {path}; wait for it, or choose another file") from error
    except OSError as error:
        lock.release()
        why = error.strerror
        raise CommandError(f"the results cannot be written to {path} ({why}); choose another file") from error
    return lock


def _name_of(path: Path | None, *, write: bool) -> str:
    """Return the name by which SQLite opens a results file, or a database in memory if `path` is None.

    SQLite cannot read a file with a write-ahead log in a folder that it cannot write to, unless we say that no
    other process writes. That holds if there is no log.
    """
    if path is None:
        return ":memory:"
    is_closed = not write and not os.access(path.parent, os.W_OK) and not path.with_name(f"{path.name}-wal").exists()
    return f"{path.absolute().as_uri()}?immutable=1" if is_closed else str(path.absolute())  # a share's URI is refused
