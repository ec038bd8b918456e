from hypothesis import given
from hypothesis import strategies as st

from chalicelib.features.ttl import TtlPolicy
from testing.in_memory import cell_animals


def test_an_empty_cell_lives_for_a_share() -> None:
    lifetimes = TtlPolicy(soft=100, hard=1000, empty=0.25, jitter=0)
    full, empty = lifetimes.stamp(cell_animals(1), now=0), lifetimes.stamp(cell_animals(1, animals=0, areas=()), now=0)
    assert (full.soft, full.hard) == (100, 1000)
    assert (empty.soft, empty.hard) == (25, 250)


def test_a_cell_without_animals_but_in_a_country_is_not_empty() -> None:
    assert not cell_animals(1, animals=0, areas=("AQ",)).is_empty


@given(st.floats(1, 1e6), st.floats(1, 1e6), st.floats(0, 1), st.floats(0, 0.9), st.floats(0, 4e9))
def test_lives_are_in_order_and_within_the_jitter(soft: float, hard: float, empty: float, j: float, now: float) -> None:
    value = TtlPolicy(soft, hard, empty, j).stamp(cell_animals(1), now)
    assert value.created <= value.soft <= value.hard
    assert (1 - j) * soft - 1e-3 <= value.soft - now <= (1 + j) * soft + 1e-3


def test_lives_differ() -> None:
    lifetimes = TtlPolicy(soft=100, hard=1000, empty=1, jitter=0.1)
    assert len({lifetimes.stamp(cell_animals(1), now=0).soft for _ in range(20)}) > 10
