"""Rows of the database that a request could not use are errors."""

from typing import Any

import pytest

from chalicelib.stores.feature_row import cell_animals_of


@pytest.mark.parametrize("areas", [["AU", "NZ "], ["Ö"], [""]])
def test_areas_that_are_not_codes_are_an_error(areas: list[str]) -> None:
    with pytest.raises(ValueError, match="an area is not an alphanumeric ASCII code"):
        cell_animals_of((1, "v1", areas, [], [], [], [], []))


@pytest.mark.parametrize("months", [b"", bytes(11), bytes(24)])
def test_seasons_that_do_not_have_twelve_months_for_each_animal_are_an_error(months: bytes) -> None:
    row: tuple[Any, ...] = (1, "v1", ["AU"], [1], [1.0], [1], [], [])
    with pytest.raises(ValueError, match="reshape"):
        cell_animals_of((*row, [1], months), with_seasons=True)
