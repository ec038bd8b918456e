"""The cost of a day of a stage, for people who try one: a thirtieth of the months of `infra.cost`."""

from dataclasses import replace

from infra.cost import HOURS, MONTHS, Month, bill, current_prices

DAYS = HOURS / 24  # in a month

IDLE, QUIET = MONTHS[0], MONTHS[1]


def daily_cost(month: Month) -> float:
    """Return the cost of a day of such a month, in US dollars."""
    return sum(bill(month, current_prices()).values()) / DAYS


def days() -> dict[str, tuple[float, float]]:
    """Return, by stage, the cost of an idle day and of a day with 330 identifications, in US dollars.

    The database of `prod` does not pause.
    """
    return {
        stage: (daily_cost(replace(IDLE, pauses=pauses)), daily_cost(replace(QUIET, pauses=pauses)))
        for stage, pauses in (("dev", True), ("prod", False))
    }


def sentence(stage: str) -> str:
    """Return what a day costs, in words. A stage of your own counts as `prod`."""
    idle, quiet = days().get(stage, days()["prod"])
    return f"about {idle:.2f} US dollars a day without traffic, {quiet:.2f} with 330 identifications a day"
