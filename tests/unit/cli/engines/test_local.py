"""Identification in this process: how often a run asks for the animals of its places."""

from collections.abc import Iterator

from chalicelib.config.settings import Settings
from chalicelib.features.cell_features import CellFeatures
from chalicelib.features.cells import cell_of
from cli.engines.cell_file import NoCache
from cli.engines.local import of_a_run
from cli.identify import in_parallel
from testing.in_memory import InMemoryStore

PHOTOS, STATIONS = 10_000, 20


def test_ten_thousand_photos_of_twenty_stations_make_twenty_queries() -> None:
    # GIVEN a slow store without a cache, and stations far from each other
    store = InMemoryStore()
    store.delay = 0.02
    settings = of_a_run(Settings())
    features = CellFeatures(NoCache(), store, settings.features)

    def mode(latitude: float) -> str:
        return features.at(cell_of(latitude, 140.0)).mode

    def latitudes() -> Iterator[float]:
        for number in range(PHOTOS):
            yield -40.0 + 2 * (number // 4 % STATIONS)  # several photos of a station at once

    # WHEN a run with four workers asks for the place of each photo
    modes = set(in_parallel(mode, latitudes(), workers=4))
    # THEN each photo is narrowed, and each station is one query
    assert modes == {"narrowed"}
    assert len(store.queries) == len(set(store.queries)) == STATIONS
