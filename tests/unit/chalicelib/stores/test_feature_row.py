"""Rows of the database that a request could not use are errors."""

from typing import Any

import pytest

from chalicelib.stores.feature_row import cell_animals_of


@pytest.mark.parametrize("areas", [["AU", "NZ "], ["Ö"], [""]])
def test_areas_that_are_not_codes_are_an_error(areas: list[str]) -> None:
    with pytest.raises(ValueError, match="an area is not an alphanumeric ASCII code"):
        cell_animals_of((1, "v1", areas, [], [], [], [], []))


@pytest.mark.parametrize(
    ("animal", "weight", "status"), [(1, 1.0, 3), (1, 1.0, 0), (1, float("inf"), 1), (1, 0.0, 1), (-1, 1.0, 1)]
)
def test_rows_that_a_request_could_not_use_are_an_error(animal: int, weight: float, status: int) -> None:
    # GIVEN a row of a newer dataset, or one that no dataset has THEN it is refused, and never written to Redis
    with pytest.raises(ValueError, match=r"animal|weight|status"):
        cell_animals_of((1, "v1", ["AU"], [animal], [weight], [status], [], []))


@pytest.mark.parametrize("months", [b"", bytes(11), bytes(24)])
def test_seasons_that_do_not_have_twelve_months_for_each_animal_are_an_error(months: bytes) -> None:
    row: tuple[Any, ...] = (1, "v1", ["AU"], [1], [1.0], [1], [], [])
    with pytest.raises(ValueError, match="reshape"):
        cell_animals_of((*row, [1], months), with_seasons=True)
