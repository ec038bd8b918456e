"""A row of the SQL function `features_of`, as the animals of a cell."""

from array import array
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chalicelib.features.codec import NO_SEASONS, CellAnimals, Seasons, expect_plausible


def cell_animals_of(row: Sequence[Any], *, with_seasons: bool = False) -> CellAnimals:
    """Return the animals in a row of `features_of`. Raises `ValueError` if requests could not use them.

    database/schema.sql has the columns. Rows of an earlier release lack that of the rollout. `with_seasons`:
    whether the row ends with the two columns of `seasons_of`.
    """
    *columns, seasonal, months = row if with_seasons else (*row, (), b"")
    cell, version, areas, animals, weights, statuses, unknown, relatives, *rollout = columns
    if not len(animals) == len(weights) == len(statuses):
        raise ValueError(
            f"arrays differ in length: {len(animals)} animals, {len(weights)} weights and {len(statuses)} statuses"
        )
    if not all(area.isascii() and area.isalnum() for area in areas):  # the codec joins areas with spaces
        raise ValueError("an area is not an alphanumeric ASCII code")
    # Conversion via bytes is three times as fast as numpy's from lists, and the arrays are read-only.
    found = CellAnimals(
        cell,
        version,
        tuple(areas),
        _integers(animals),
        np.frombuffer(array("f", weights).tobytes(), np.float32),
        np.frombuffer(bytes(statuses), np.uint8),
        _integers(unknown),
        np.frombuffer(array("H", relatives).tobytes(), np.uint16),
        Seasons(_integers(seasonal), np.frombuffer(bytes(months), np.uint8).reshape(len(seasonal), 12))
        if seasonal
        else NO_SEASONS,
        (rollout[0] or "") if rollout else "",
    )
    expect_plausible(found)  # a value that other processes cannot use must not be written to Redis
    return found


def _integers(numbers: Sequence[int]) -> NDArray[np.int32]:
    return np.frombuffer(array("i", numbers).tobytes(), np.int32)
