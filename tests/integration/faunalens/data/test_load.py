"""Loading, switching and dropping datasets on a real server."""

import threading
import weakref
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import numpy as np
import psycopg2
import pytest
from psycopg2 import errors
from psycopg2.extensions import connection as Connection  # noqa: N812
from psycopg2.extensions import cursor as Cursor  # noqa: N812

from faunalens.data.cell_animals import ROW, Rows
from faunalens.data.database import PARTITIONED, LoadError, activate, datasets, drop, prune, roll_back
from faunalens.data.dataset import Dataset
from faunalens.data.load import load
from tests.integration.faunalens.data import sample_data
from tests.integration.faunalens.data.sample_data import ask


def silent(_line: str) -> None:
    """No progress lines."""


def tables(connection: Connection) -> set[str]:
    return {name for (name,) in ask(connection, "select relname from pg_class where relkind in ('r', 'p', 'i', 'S')")}


def test_all_of_a_dataset_arrives(connection: Connection) -> None:
    # GIVEN an empty database WHEN loaded
    lines: list[str] = []
    loaded = load(connection, sample_data.dataset("one", animals=3, cell_count=2), lines.append)
    # THEN it reports what is loaded, and all of it is there, but not active
    assert (loaded.version, loaded.active, loaded.cells, loaded.rows) == ("one", False, 2, 6)
    assert ask(connection, "select cell, animal, weight, status from cell_animal order by cell, animal") == [
        (cell, animal, 0.5, 1 + animal % 2) for cell in sorted(sample_data.cells(2)) for animal in range(3)
    ]
    assert ask(connection, "select areas, coast, relatives from cell") == [(["DE", "FR"], False, [30000, 2])] * 2
    assert ask(connection, "select unknown from dataset") == [([9],)]
    assert ask(connection, "select name, lineage from animal where animal = 2") == [
        ('the "odd", one', ["Chordata", "Canis familiaris"])
    ]
    assert ask(
        connection, "select animal, areas, words, status, citation from range_statement natural join source order by 1"
    ) == [
        (0, "FR - FR-A", "France without FR A", "native", "Author (2025). A book, with commas."),
        (1, "FR - FR-A", "France without FR A", "introduced", "Author (2025). A book, with commas."),
    ]
    assert ask(connection, "select animal, paths from range_drawing") == [(0, '<path d="M0 0"/>')]
    first, *others = (line.split("  ")[-1] for line in lines)
    assert first == "animals: 3; statements about ranges: 2"
    assert others == ["cells: 2", "pairs of animal and cell: 6", "outlines of ranges: 1", "indexes", "commit"]


def test_loading_the_same_version_again_changes_nothing(connection: Connection) -> None:
    first = load(connection, sample_data.dataset("one"), silent)
    activate(connection, "one")
    before = tables(connection)

    rows = iter(sample_data.dataset("one").cell_animals)
    again = load(connection, Dataset("one", cells=[], cell_animals=rows), silent)
    assert next(rows) is not None  # no row was computed
    assert (again.active, again.loaded_at, again.rows) == (True, first.loaded_at, first.rows)
    assert tables(connection) == before


def test_a_load_that_fails_leaves_nothing(connection: Connection) -> None:
    # GIVEN an active dataset, and rows without a weight, with too much of it, without a status, and an animal twice
    sample_data.load_all(connection, "one")
    activate(connection, "one")
    before = tables(connection)
    faults = dict.fromkeys([(2, 0.0, 1), (2, 1.5, 1), (2, 1.0, 3)], errors.CheckViolation)
    for second, error in (faults | {(1, 0.5, 1): errors.UniqueViolation}).items():
        rows = np.array([(sample_data.HERE, 1, 1.0, 1), (sample_data.HERE, *second)], ROW)
        # WHEN loaded THEN it fails, and the database is as it was
        with pytest.raises(error):
            load(connection, Dataset("two", cells=[], cell_animals=[rows]), silent)
        assert tables(connection) == before
        assert [(each.version, each.active) for each in datasets(connection)] == [("one", True)]


def test_readers_see_the_old_dataset_or_the_new_one_whole(connection: Connection, database_url: str) -> None:
    # GIVEN a reader that queries without pause
    cells = sample_data.cells(5)
    sample_data.load_all(connection, "0.25", animals=50, cell_count=5, weight=0.25)
    activate(connection, "0.25")
    asked, stop, seen = threading.Event(), threading.Event(), []

    def read() -> None:
        with closing(psycopg2.connect(database_url)) as reader:
            reader.autocommit = True
            with reader.cursor() as cursor:
                while not stop.is_set():
                    cursor.execute("select version, weights from features_of(%s::bigint[])", (cells,))
                    seen.append(cursor.fetchall())
                    asked.set()

    thread = threading.Thread(target=read)
    thread.start()
    assert asked.wait(10)
    # WHEN another is loaded, switched to and the first one dropped, several times
    try:
        old = "0.25"
        for new in ("0.5", "0.125", "1.0", "0.75"):
            sample_data.load_all(connection, new, animals=50, cell_count=5, weight=float(new))
            activate(connection, new)
            for _ in range(2):  # a query that began before the switch still reads the first one; it ends
                asked.clear()
                assert asked.wait(10)
            drop(connection, old)
            old = new
        asked.clear()
        assert asked.wait(10)
    finally:
        stop.set()
        thread.join()
    # THEN every answer is of one dataset, version and weights alike, from the first to the last, and none is missing
    for rows in seen:
        assert len(rows) == 5
        (version,) = {version for version, _ in rows}
        assert all(weights == [float(version)] * 50 for _, weights in rows)
    assert (seen[0][0][0], seen[-1][0][0]) == ("0.25", "0.75")


def test_two_loaders_of_one_version_take_turns(database_url: str) -> None:
    def run(_: int) -> tuple[int, list[str]]:
        with closing(psycopg2.connect(database_url)) as connection:
            loaded = load(connection, sample_data.dataset("one"), silent)
            return loaded.rows, [each.version for each in datasets(connection)]

    # WHEN two load the same at the same time into an empty database THEN both succeed and it is there once
    with ThreadPoolExecutor(2) as pool:
        assert [*pool.map(run, range(2))] == [(6, ["one"])] * 2


def test_dropping_leaves_no_trace(connection: Connection) -> None:
    sample_data.load_all(connection, "one")
    before = tables(connection)
    sample_data.load_all(connection, "two")
    drop(connection, "two")
    assert tables(connection) == before
    for table in ("source", "taxon", "animal", "range_statement", "cell", "cell_animal"):
        assert len(ask(connection, f"select distinct dataset from {table}")) == 1  # noqa: S608


def test_dropping_a_dataset_in_use_fails_after_a_few_tries(
    connection: Connection, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # GIVEN a long transaction that read the table
    monkeypatch.setattr("faunalens.data.database.DROP_TRIES", 2)
    sample_data.load_all(connection, "one")
    with closing(psycopg2.connect(database_url)) as reader, reader.cursor() as cursor:
        cursor.execute("select count(*) from cell_animal")
        # WHEN dropped THEN it gives up with a sentence, and the dataset is whole
        with pytest.raises(LoadError, match="is still in use after"):
            drop(connection, "one")
    drop(connection, "one")
    assert datasets(connection) == []


def test_a_drop_that_waits_holds_nothing_that_a_reader_still_needs(connection: Connection, database_url: str) -> None:
    # GIVEN a reader in the middle of its query: it has locked the places, and not yet the animals, as features_of does
    sample_data.load_all(connection, "one")
    with closing(psycopg2.connect(database_url)) as reader, reader.cursor() as cursor:
        cursor.execute("select count(*) from cell")
        cursor.execute("set local lock_timeout = '1ms'")
        # WHEN a drop waits for it
        dropping = threading.Thread(target=drop, args=(connection, "one"))
        dropping.start()
        # THEN the reader gets on, however often the drop tries
        for _ in range(5):
            wait_for(dropping, cursor)
            cursor.execute("select count(*) from cell_animal")
        reader.commit()
    # AND once it is done, so is the drop
    dropping.join()
    assert datasets(connection) == []


def test_readers_go_on_while_a_drop_deletes_rows(connection: Connection, database_url: str) -> None:
    # GIVEN a drop whose rows take long to delete, here because somebody has locked one
    sample_data.load_all(connection, "one")
    with closing(psycopg2.connect(database_url)) as other, other.cursor() as slow:
        slow.execute("select from animal for update")
        dropping = threading.Thread(target=drop, args=(connection, "one"))
        dropping.start()
        # WHEN a reader comes THEN it need not wait
        with closing(psycopg2.connect(database_url)) as reader, reader.cursor() as cursor:
            reader.autocommit = True
            cursor.execute("set lock_timeout = '1ms'")
            wait_for(dropping, cursor)
            for _ in range(5):
                cursor.execute("select count(*) from cell_animal")
        assert dropping.is_alive()
        other.commit()
    dropping.join()
    assert datasets(connection) == []


def test_features_lock_the_tables_in_the_order_of_a_drop(connection: Connection, database_url: str) -> None:
    # GIVEN somebody who keeps the first table of that order
    first = next(iter(PARTITIONED))
    sample_data.load_all(connection, "one")
    activate(connection, "one")
    with (
        closing(psycopg2.connect(database_url)) as other,
        closing(psycopg2.connect(database_url)) as reader,
        other.cursor() as keeping,
        reader.cursor() as cursor,
    ):
        keeping.execute(f"lock table {first} in access exclusive mode")
        # WHEN features are read THEN the query waits for it, and has no other
        reading = threading.Thread(target=cursor.execute, args=("select features_of(%s::bigint[])", ([1],)))
        reading.start()
        wait_for(reading, keeping)
        keeping.execute(
            "select relation::regclass::text from pg_locks where pid = %s and relation::regclass::text = any(%s)",
            (reader.info.backend_pid, list(PARTITIONED)),
        )
        assert keeping.fetchall() == [(first,)]
        other.rollback()
        reading.join()


def wait_for(thread: threading.Thread, cursor: Cursor) -> None:
    """Wait until a thread waits for a lock."""
    cursor.execute("select from pg_locks where not granted")
    while not cursor.rowcount:
        assert thread.is_alive()
        cursor.execute("select from pg_locks where not granted")


@pytest.mark.parametrize("switches", [["one"], ["two", "one", "four"]])
def test_pruning_keeps_the_latest_the_active_and_the_one_before(connection: Connection, switches: list[str]) -> None:
    sample_data.load_all(connection, "one", "two", "three", "four")
    for version in switches:
        activate(connection, version)
    assert prune(connection, keep=2) == ["two"]
    assert {each.version for each in datasets(connection)} == {"one", "three", "four"}
    if len(switches) > 1:
        assert roll_back(connection) == "one"


def test_an_unknown_version_is_an_error(connection: Connection) -> None:
    for act in (activate, drop):  # without the schema, and without the dataset
        with pytest.raises(LoadError, match="dataset nine is not in the database"):
            act(connection, "nine")


def test_a_load_has_few_rows_in_memory_and_leaves_processors_to_readers(connection: Connection) -> None:
    # GIVEN rows that ask, while they are copied, how many earlier chunks are in memory, and who helps with indexes
    query = "select current_setting('max_parallel_maintenance_workers')::integer"
    earlier, found = list[weakref.ref[Rows]](), set[tuple[bool, int]]()

    def chunks() -> Iterator[Rows]:
        for cell in sorted(sample_data.cells(50)):
            with connection.cursor() as cursor:
                cursor.execute(query)
                found.update((sum(chunk() is not None for chunk in earlier) < 3, helpers) for (helpers,) in cursor)
            rows = np.array([(cell, animal, 1.0, 1) for animal in range(400)], ROW)
            earlier.append(weakref.ref(rows))
            yield rows

    # WHEN loaded THEN all rows arrive, with few of them in memory and no helper, and the connection is as before
    ((before,),) = ask(connection, query)
    assert load(connection, Dataset("one", cells=[], cell_animals=chunks()), silent).rows == 20_000
    assert (found, ask(connection, query)) == ({(True, 0)}, [(before,)])
    assert before > 0


def test_a_database_of_an_earlier_release_gets_the_new_columns(connection: Connection) -> None:
    # GIVEN an active dataset in a schema without unknown animals and relatives, and with a list of kinds
    sample_data.load_all(connection, "one")
    activate(connection, "one")
    with connection, connection.cursor() as cursor:
        cursor.execute(
            "drop function features_of; drop table cell_season; drop index dataset_one_trial; "
            "alter table dataset drop unknown, drop share, drop in_shadow, drop switch; "
            "alter table cell drop relatives; "
            "alter table animal add check (kind = 'wild')"
        )
        cursor.execute(
            "create function features_of(cells bigint[]) returns table (cell bigint, version text) "
            "language sql as 'select c, version from unnest(cells) as c, dataset where active'"
        )
    assert [(each.version, each.active) for each in datasets(connection)] == [("one", True)]
    # WHEN another one is loaded THEN the earlier one has empty columns until the switch
    sample_data.load_all(connection, "two")
    query = "select version, unknown, relatives from features_of(%s::bigint[])"
    assert ask(connection, query, [sample_data.HERE]) == [("one", [], [])]
    activate(connection, "two")
    assert ask(connection, query, [sample_data.HERE]) == [("two", [9], [30000, 2])]
    assert ask(connection, "select from pg_constraint where conname = 'animal_kind_check'") == []
