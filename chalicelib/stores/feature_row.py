"""A row of the SQL function `features_of`, as the animals of a cell."""

from array import array
from collections.abc import Sequence
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from chalicelib.features.codec import NO_SEASONS, CellAnimals, Seasons, expect_plausible


class FeatureRow(NamedTuple):
    """A row of `features_of` and, if asked for, that of `seasons_of`; database/schema.sql has their columns.

    `rollout`: missing or None from a database of the release before it.
    """

    cell: int
    version: str
    areas: list[str]
    animals: list[int]
    weights: list[float]
    statuses: list[int]
    unknown: list[int]
    relatives: list[int]
    rollout: str | None = None
    seasonal: Sequence[int] = ()
    months: bytes = b""

    @classmethod
    def of(cls, row: tuple[Any, ...], *, with_seasons: bool) -> Self:
        """Return a row of the database. `with_seasons`: whether it ends with the columns of `seasons_of`."""
        if not with_seasons:
            return cls(*row)
        *columns, seasonal, months = row
        return cls(*columns)._replace(seasonal=seasonal, months=months)

    def cell_animals(self) -> CellAnimals:
        """Return the animals of the cell. Raises `ValueError` if requests could not use them."""
        if not len(self.animals) == len(self.weights) == len(self.statuses):
            raise ValueError(
                f"arrays differ in length: {len(self.animals)} animals, {len(self.weights)} weights and "
                f"{len(self.statuses)} statuses"
            )
        if not all(area.isascii() and area.isalnum() for area in self.areas):  # the codec joins areas with spaces
            raise ValueError("an area is not an alphanumeric ASCII code")
        # Conversion via bytes is three times as fast as numpy's from lists, and the arrays are read-only.
        found = CellAnimals(
            self.cell,
            self.version,
            tuple(self.areas),
            _integers(self.animals),
            np.frombuffer(array("f", self.weights).tobytes(), np.float32),
            np.frombuffer(bytes(self.statuses), np.uint8),
            _integers(self.unknown),
            np.frombuffer(array("H", self.relatives).tobytes(), np.uint16),
            self._seasons() if self.seasonal else NO_SEASONS,
            self.rollout or "",
        )
        expect_plausible(found)  # a value that other processes cannot use must not be written to Redis
        return found

    def _seasons(self) -> Seasons:
        shares = np.frombuffer(bytes(self.months), np.uint8).reshape(len(self.seasonal), 12)
        return Seasons(_integers(self.seasonal), shares)


def _integers(numbers: Sequence[int]) -> NDArray[np.int32]:
    return np.frombuffer(array("i", numbers).tobytes(), np.int32)
