"""Precision by taxon, with its interval."""

import pytest

from cli.review.precision import precision_of, wilson


@pytest.mark.parametrize(
    ("right", "reviewed", "low", "high"),
    [(0, 10, 0.0, 0.278), (10, 10, 0.722, 1.0), (1, 2, 0.095, 0.905), (81, 263, 0.255, 0.366)],
)
def test_the_interval_is_wilsons(right: int, reviewed: int, low: float, high: float) -> None:
    # The last row is the example of R. G. Newcombe, Statistics in Medicine 17 (1998), table I.
    assert wilson(right, reviewed) == pytest.approx((low, high), abs=5e-4)


def test_each_taxon_is_counted() -> None:
    found = precision_of([("Panthera leo", True), ("blank", False), ("Panthera leo", False), ("Panthera leo", True)])
    assert [(each.taxon, each.reviewed, each.right) for each in found] == [("Panthera leo", 3, 2), ("blank", 1, 0)]
    assert found[0].share == pytest.approx(2 / 3)
