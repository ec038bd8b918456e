"""`features_of`, the query of a request: its rows and its plan."""

import json
from collections.abc import Iterator
from contextlib import closing
from itertools import product
from typing import Any
from urllib.parse import urlsplit

import psycopg2
from psycopg2.extensions import connection as Connection  # noqa: N812

from chalicelib.config.settings import Settings, Thresholds
from chalicelib.config.stores import DatabaseSettings
from chalicelib.deadline import Deadline
from chalicelib.services import build_store
from faunalens.data.database import activate
from local.stack.postgres import PostgresServer
from tests.integration.faunalens.data import sample_data

QUERY = "select cell, version, areas, animals, weights, statuses, unknown, relatives from features_of(%s::bigint[])"


def features_of(connection: Connection, *cells: int) -> list[tuple[Any, ...]]:
    return sorted(sample_data.ask(connection, QUERY, list(cells)))


def test_many_cells_are_one_query_and_each_has_a_row_with_its_areas_and_animals(connection: Connection) -> None:
    sample_data.load_all(connection, "one", animals=4)
    # GIVEN no active dataset THEN there is no row
    assert features_of(connection, sample_data.HERE, sample_data.SEA) == []
    # GIVEN two known cells and one in the open sea THEN the unknown one has the version too
    activate(connection, "one")
    here, beside = sample_data.cells(2)
    known = ("one", ["DE", "FR"], [0, 1, 2, 3], [0.5] * 4, [1, 2, 1, 2], [9], [30000, 2])
    rows = [(here, *known), (beside, *known), (sample_data.SEA, "one", [], [], [], [], [9], [])]
    assert features_of(connection, beside, sample_data.SEA, here) == sorted(rows)
    assert features_of(connection) == []


def test_seasons_of_a_cell_are_one_row(connection: Connection, database_url: str) -> None:
    # GIVEN a dataset with seasons in a cell
    sample_data.load_all(connection, "seasonal")
    activate(connection, "seasonal")
    # WHEN the app asks for the features with seasons THEN the cell's animals have their months, and another cell none
    settings = Settings(database=DatabaseSettings(url=database_url), thresholds=Thresholds(season_floor=0.2))
    with closing(build_store(settings)) as store:
        here, beside = store.features_of(sample_data.cells(2), Deadline.after(5))
    assert (here.seasons.animals.tolist(), here.seasons.months.tolist()) == ([1, 2], [[*range(240, 252)], [0] * 12])
    assert here.animals.tolist() == beside.animals.tolist() == [0, 1, 2]
    assert beside.seasons.months.shape == (0, 12)
    # AND an app without seasons has the same animals
    with closing(build_store(Settings(database=DatabaseSettings(url=database_url)))) as store:
        (plain,) = store.features_of([sample_data.HERE], Deadline.after(5))
    assert (plain.weights.tolist(), len(plain.seasons.animals)) == (here.weights.tolist(), 0)


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for child in plan.get("Plans", []):
        yield from nodes(child)


def plans(database_url: str, server: PostgresServer, cells: list[int], runs: int) -> list[dict[str, Any]]:
    """Return the measured plans of the last of several runs, including those of the function's own queries."""
    url = urlsplit(server.admin_url)._replace(path=urlsplit(database_url).path).geturl()
    with closing(psycopg2.connect(url)) as admin:
        admin.autocommit = True
        with admin.cursor() as cursor:
            cursor.execute("load 'auto_explain'")
            for name, value in {
                "auto_explain.log_min_duration": "0",
                "auto_explain.log_analyze": "on",
                "auto_explain.log_buffers": "on",
                "auto_explain.log_nested_statements": "on",
                "auto_explain.log_format": "json",
                "client_min_messages": "log",
            }.items():
                cursor.execute("select set_config(%s, %s, false)", (name, value))
            for _ in range(runs):
                admin.notices.clear()
                cursor.execute(QUERY, (cells,))
    return [json.loads(notice[notice.index("{") :])["Plan"] for notice in admin.notices]


def test_a_cell_is_one_index_range(connection: Connection, database_url: str, postgres_server: PostgresServer) -> None:
    # GIVEN three datasets of 2,000 cells with 70 animals each, so that a scan of everything would show
    sample_data.load_all(connection, "one", "two", "three", animals=70, cell_count=2000)
    activate(connection, "two")
    # WHEN a cell and a batch are queried, with a first plan and with a cached one
    for count, runs in product((1, 100), (1, 12)):
        scans = [
            node
            for plan in plans(database_url, postgres_server, sample_data.cells(2000)[:: 2000 // count], runs)
            for node in nodes(plan)
            if node.get("Relation Name", "dataset") != "dataset" and node["Actual Loops"]
        ]
        # THEN the animals come from the active partition's index alone, in one search a cell, areas by index
        by_table = {scan["Relation Name"]: scan for scan in scans}
        assert set(by_table) == {"cell_2", "cell_animal_2"}
        animals, areas = by_table["cell_animal_2"], by_table["cell_2"]
        assert (animals["Node Type"], animals["Heap Fetches"]) == ("Index Only Scan", 0)
        assert animals["Index Searches"] == count
        assert areas["Node Type"] in {"Index Scan", "Index Only Scan"}
        # AND few pages are touched: three levels and a leaf more where a cell spans two
        assert (animals["Shared Hit Blocks"] + animals["Shared Read Blocks"]) / count <= 6
        assert (areas["Shared Hit Blocks"] + areas["Shared Read Blocks"]) / count <= 4
