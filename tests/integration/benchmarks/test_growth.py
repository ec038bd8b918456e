"""Growth of the costs that do not depend on the machine, on small datasets: bytes and pages."""

import pytest

from benchmarks.growth import cost_table, load_all, load_table, measure, slope_table
from benchmarks.synthetic import Synthetic, cells_of
from local.stack.postgres import PostgresServer

CROWDED = (50, 500, 5_000)
FEW, MANY = 300, 20_000


def test_only_the_animals_of_a_cell_count(postgres_server: PostgresServer) -> None:
    # GIVEN few cells, 60 times as many, and 20 times as many animals
    kinds = [
        Synthetic("few", cells_of(3, FEW), CROWDED, usual=20, animals=5_000),
        Synthetic("many", cells_of(3, MANY), CROWDED, usual=20, animals=5_000),
        Synthetic("animals", cells_of(3, FEW), CROWDED, usual=20, animals=100_000),
    ]
    # WHEN they are loaded and their cells looked up
    loaded = list(load_all(postgres_server, kinds))
    costs = measure(loaded, rounds=3)
    # THEN a cell's value grows by 9 bytes an animal and by nothing else
    by_kind = {(cost.synthetic.name, cost.animals): cost for cost in costs}
    for kind in kinds:
        some, more = by_kind[kind.name, 500], by_kind[kind.name, 5_000]
        assert more.bytes - some.bytes == 9 * 4_500
        assert more.buffers > some.buffers
    # AND PostgreSQL reads at most one more level of the index
    for animals in (20, *CROWDED):
        least = by_kind["few", animals].buffers
        assert by_kind["many", animals].buffers <= least + 2
        assert by_kind["animals", animals].buffers <= least + 2
    # AND the tables show all of it
    assert cost_table(costs).count("\n") == 1 + len(costs)
    assert f"| {kinds[1].rows:,} " in load_table(loaded)
    assert "| bytes in Redis                  | 9.00 B" in slope_table(costs)
    assert all(each.seconds > 0 and min(each.bytes) > 0 for each in loaded)


@pytest.mark.alone  # compares times
def test_costs_are_of_the_named_cells(postgres_server: PostgresServer) -> None:
    # GIVEN a small dataset; WHEN its two kinds of cells are looked up
    (loaded,) = load_all(postgres_server, [Synthetic("one", cells_of(3, 10), (3,), usual=2, animals=5)])
    (usual, crowded) = sorted(measure([loaded], rounds=5), key=lambda cost: cost.animals)
    assert (usual.animals, crowded.animals) == (2, 3)
    # THEN a memory hit costs less than a Redis hit, and that less than a miss
    for cost in (usual, crowded):
        assert set(cost.times) == {"query", "miss", "hit", "memory"}
        assert all(len(times) == 5 for times in cost.times.values())
        assert cost.microseconds("memory") < cost.microseconds("hit")
        assert cost.microseconds("hit") < cost.microseconds("miss")
