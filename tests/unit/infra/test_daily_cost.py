"""The cost of a day is that of the months on the page of costs."""

import pytest

from infra.cost import MONTHS, bill, current_prices
from infra.daily_cost import days, sentence


def test_a_day_of_dev_is_a_part_of_the_idle_month_and_prod_costs_more() -> None:
    idle = sum(bill(MONTHS[0], current_prices()).values())
    assert days()["dev"][0] * 365 / 12 == pytest.approx(idle, rel=0.001)
    assert days()["dev"][0] < days()["dev"][1] < days()["prod"][1]
    assert days()["dev"][0] < days()["prod"][0]


def test_the_sentence_has_both_and_a_stage_of_ones_own_costs_as_prod() -> None:
    assert sentence("dev").startswith(f"about {days()['dev'][0]:.2f} US dollars a day without traffic")
    assert sentence("staging") == sentence("prod") != sentence("dev")
