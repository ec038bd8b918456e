import math
from collections.abc import Sequence
from typing import Any
from zlib import crc32

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.config.features import TtlPolicy
from chalicelib.features.codec import (
    FORMAT,
    HEADER,
    LONGEST_LIFE,
    MOST_ANIMALS,
    CachedValue,
    CellAnimals,
    CorruptValue,
    Seasons,
    cell_animals_of,
    pack,
    soft_expiry,
    unpack,
)
from tests.support.in_memory import cell_animals

CELL = 0x83BE0AFFFFFFFFF
seconds = st.floats(0, 4e9)


@st.composite
def packed(draw: st.DrawFn) -> CachedValue:
    ids = sorted(draw(st.sets(st.integers(0, 2**31 - 1), max_size=60)))
    seasonal = sorted(draw(st.sets(st.sampled_from(ids), max_size=3))) if ids else []
    months = draw(st.binary(min_size=12 * len(seasonal), max_size=12 * len(seasonal)))
    weight = st.floats(2**-10, 1, width=32)
    known = CellAnimals(
        draw(st.integers(0, 2**63 - 1)),
        draw(st.text(min_size=1, max_size=40).filter(lambda text: text.isprintable())),
        tuple(draw(st.lists(st.from_regex(r"[A-Z]{2}", fullmatch=True), max_size=6))),
        np.array(ids, np.int32),
        np.array([draw(weight) for _ in ids], np.float32),
        np.array([draw(st.sampled_from((1, 2))) for _ in ids], np.uint8),
        np.array(draw(st.lists(st.integers(0, 2**31 - 1), max_size=5)), np.int32),
        np.array(draw(st.lists(st.integers(0, 2**15 - 1), max_size=60)), np.uint16),
        Seasons(np.array(seasonal, np.int32), np.frombuffer(months, np.uint8).reshape(-1, 12)),
    )
    created = draw(seconds)
    soft, hard = sorted(created + draw(st.floats(0, LONGEST_LIFE / 2)) for _ in range(2))
    return CachedValue(known, created, soft, hard, draw(st.booleans()))


@given(packed())
def test_what_is_packed_comes_back(value: CachedValue) -> None:
    known = value.cell_animals
    # WHEN packed and unpacked THEN nothing is lost
    data = pack(value)
    back = unpack(data, known.cell, known.version)
    assert (back.created, back.soft, back.hard, back.warmed) == (value.created, value.soft, value.hard, value.warmed)
    assert back.cell_animals.areas == known.areas
    for name in ("animals", "weights", "status", "unknown", "relatives"):
        np.testing.assert_array_equal(getattr(back.cell_animals, name), getattr(known, name))
    for got, expected in zip(back.cell_animals.seasons, known.seasons, strict=True):
        np.testing.assert_array_equal(got, expected)
    # AND the header alone has the time when it turns stale
    assert soft_expiry(data[: HEADER.size], known.cell) == value.soft


@given(st.binary(max_size=400))
def test_garbage_is_corrupt_and_nothing_else(data: bytes) -> None:
    with pytest.raises(CorruptValue):
        unpack(data, CELL, "v1")
    with pytest.raises(CorruptValue):
        soft_expiry(data, CELL)


@given(packed(), st.data())
def test_a_changed_byte_is_noticed(value: CachedValue, data: st.DataObject) -> None:
    # GIVEN a value of which one bit was flipped, or the end lost
    whole = bytearray(pack(value))
    place = data.draw(st.integers(0, len(whole) - 1))
    if data.draw(st.booleans()):
        whole[place] ^= 1 << data.draw(st.integers(0, 7))
    else:
        del whole[place:]
    # THEN it is no value any more
    with pytest.raises(CorruptValue):
        unpack(bytes(whole), value.cell_animals.cell, value.cell_animals.version)


@pytest.mark.parametrize(("cell", "version"), [(CELL + 1, "v1"), (CELL, "v2"), (CELL, "")])
def test_a_value_of_another_cell_or_dataset_is_corrupt(cell: int, version: str) -> None:
    data = pack(CachedValue(cell_animals(CELL), 0, 1, 2))
    with pytest.raises(CorruptValue, match="another"):
        unpack(data, cell, version)
    if cell != CELL:
        with pytest.raises(CorruptValue):
            soft_expiry(data[: HEADER.size], cell)


def absurd(
    animals: Sequence[int] = (0, 3, 6),
    weights: Sequence[float] = (0.1, 0.5, 1.0),
    status: Sequence[int] = (1, 1, 1),
    seasonal: Sequence[int] = (),
) -> bytes:
    """A value that is well formed, with a right checksum, and has these arrays."""
    arrays = np.array(animals, np.int32), np.array(weights, np.float32), np.array(status, np.uint8)
    seasons = Seasons(np.array(seasonal, np.int32), np.zeros((len(seasonal), 12), np.uint8))
    return pack(CachedValue(CellAnimals(CELL, "v1", ("AU",), *arrays, seasons=seasons), 0, 1, 2))


@pytest.mark.parametrize(
    "data",
    [
        absurd(status=[1, 0, 2]),
        absurd(status=[1, 9, 2]),
        absurd(weights=[0.5, math.inf, 0.5]),
        absurd(weights=[0.5, math.nan, 0.5]),
        absurd(weights=[0.5, 0.0, 0.5]),
        absurd(weights=[0.5, 1.1, 0.5]),
        absurd(animals=[0, 6, 3]),
        absurd(animals=[0, 3, 3]),
        absurd(animals=[-1, 3, 6]),
        absurd(seasonal=[3, 3]),
        absurd(seasonal=[6, 3]),
        absurd(seasonal=[0, 4]),
        absurd(seasonal=[7]),
        absurd(animals=[], weights=[], status=[], seasonal=[1]),
        pack(CachedValue(cell_animals(CELL, animals=MOST_ANIMALS + 1), 0, 1, 2)),
    ],
)
def test_a_well_formed_value_with_absurd_contents_is_corrupt(data: bytes) -> None:
    # GIVEN a value that could not come from a dataset: its answer would be a 500, or sure nonsense
    with pytest.raises(CorruptValue, match=r"status|weight|animal"):
        unpack(data, CELL, "v1")


@pytest.mark.parametrize(
    ("created", "soft", "hard"),
    [
        (math.nan, 1, 2),
        (5.0, 1, 2),
        (0, 1, LONGEST_LIFE + 1),
    ],
)
def test_times_in_no_order_or_for_ever_are_corrupt(created: float, soft: float, hard: float) -> None:
    with pytest.raises(CorruptValue, match="dates"):
        unpack(pack(CachedValue(cell_animals(CELL), created, soft, hard)), CELL, "v1")


DATA = pack(CachedValue(cell_animals(CELL), 0, 1, 2))


@pytest.mark.parametrize("other", [FORMAT - 1, FORMAT + 1])
def test_another_format_is_not_guessed_at(other: int) -> None:
    resealed = DATA[8:].replace(bytes([FORMAT]), bytes([other]), 1)
    with pytest.raises(CorruptValue, match="format"):
        unpack(DATA[:4] + crc32(resealed).to_bytes(4, "little") + resealed, CELL, "v1")


def test_arrays_are_views_that_cannot_be_written_to() -> None:
    with pytest.raises(ValueError, match="read-only"):
        unpack(DATA, CELL, "v1").cell_animals.animals[0] = 1


@given(st.floats(1, 1e6), st.floats(1, 1e6), st.floats(0, 1), st.floats(0, 0.9), st.floats(0, 4e9))
def test_lives_are_in_order_and_within_the_jitter(soft: float, hard: float, empty: float, j: float, now: float) -> None:
    value = CachedValue.stamped(cell_animals(1), TtlPolicy(soft, hard, empty, j), now)
    assert value.created <= value.soft <= value.hard
    assert not cell_animals(1, animals=0, areas=("AQ",)).is_empty  # a country without animals lives as long
    assert (1 - j) * soft - 1e-3 <= value.soft - now <= (1 + j) * soft + 1e-3


def test_lives_differ() -> None:
    lifetimes = TtlPolicy(soft=100, hard=1000, empty_factor=1, jitter=0.1)
    assert len({CachedValue.stamped(cell_animals(1), lifetimes, now=0).soft for _ in range(20)}) > 10


@pytest.mark.parametrize(
    ("areas", "animals", "weights", "statuses", "sentence"),
    [
        *((areas, [], [], [], "an area is not an alphanumeric ASCII code") for areas in (["AU", "NZ "], ["Ö"], [""])),
        (["AU"], [1], [], [1], "1 animals, 0 weights and 1 statuses"),
        (["AU"], [1], [1.0], [3], "a status is neither"),  # of a newer dataset; what is absurd in Redis is so here too
    ],
)
def test_rows_that_a_request_could_not_use_are_an_error(
    areas: list[str], animals: list[int], weights: list[float], statuses: list[int], sentence: str
) -> None:
    with pytest.raises(ValueError, match=sentence):
        cell_animals_of((1, "v1", areas, animals, weights, statuses, [], []))


@pytest.mark.parametrize("months", [b"", bytes(11), bytes(24)])
def test_seasons_that_do_not_have_twelve_months_for_each_animal_are_an_error(months: bytes) -> None:
    row: tuple[Any, ...] = (1, "v1", ["AU"], [1], [1.0], [1], [], [])
    with pytest.raises(ValueError, match="reshape"):
        cell_animals_of((*row, [1], months), with_seasons=True)
    found = cell_animals_of((*row, [1], bytes(range(12))), with_seasons=True)
    assert (found.seasons.animals.tolist(), found.seasons.months.tolist()) == ([1], [list(range(12))])
