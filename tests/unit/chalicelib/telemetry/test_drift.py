"""Whether photos and answers are still like those before: hours by class in Redis, and how far they moved."""

import random
from collections import Counter
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.deadline import Deadline
from chalicelib.features.cache import reference_key
from chalicelib.telemetry.drift import LEAST, Drift, Shift
from chalicelib.telemetry.metrics import DIMENSIONS
from tests.support.in_memory import InMemoryCache

NOW = 490_001 * 3600 + 120.0
LAST = 490_000
"""The last whole hour."""
USUAL = {"subject:animal": 0.9, "subject:none": 0.1, "quality:good": 0.8, "quality:dark": 0.2}
DARKER = {**USUAL, "quality:good": 0.3, "quality:dark": 0.7}


def photos(number: int, shares: Mapping[str, float] = USUAL) -> Counter[str]:
    return Counter({name: round(share * number) for name, share in shares.items()})


def cache_with(hours: Mapping[int, Counter[str]]) -> InMemoryCache:
    cache = InMemoryCache()
    cache.seen_by_hour = dict(hours)
    return cache


def drift(cache: InMemoryCache, release: str = "7", now: float = NOW, *, renew: bool = False) -> dict[str, float]:
    """Return the drift by population."""
    notes = Drift(cache, release, lambda: now).run(Deadline.after(5), renew=renew)
    return {each.dimensions["population"]: each.metrics["Drift"] for each in notes}


def two_weeks(hourly: int = 300, shares: Mapping[str, float] = USUAL) -> dict[int, Counter[str]]:
    return {LAST - age: photos(hourly, shares) for age in range(14 * 24 + 1)}


def test_one_population_drifts_alone_and_says_what_moved() -> None:
    # GIVEN a last hour whose photos are mostly dark
    cache = cache_with({**two_weeks(), LAST: photos(300, DARKER)})
    notes = Drift(cache, "7", lambda: NOW).run(Deadline.after(5))
    # THEN that is a shift, and no other population has one
    found = {each.dimensions["population"]: each for each in notes}
    assert found["quality"].metrics["Drift"] > 0.25
    assert found["subject"].metrics["Drift"] == 0
    assert found["quality"].properties["moved"] == "good -50, dark +50"
    assert (found["quality"].properties["photos"], found["quality"].properties["hours"]) == (300, 1)


def test_a_night_is_compared_with_nights() -> None:
    # GIVEN photos that are dark from 20 to 5 o'clock, each day
    night = {**USUAL, "quality:good": 0.2, "quality:dark": 0.8}
    hours = {hour: photos(300, night if hour % 24 >= 20 or hour % 24 < 5 else USUAL) for hour in two_weeks()}
    # THEN no hour of the day drifts
    for hour in range(24):
        assert max(drift(cache_with(hours), now=NOW - 3600 * hour).values()) < 0.05


def test_a_quiet_stage_is_compared_day_by_day() -> None:
    # GIVEN 20 photos an hour, half of which are dark since yesterday
    since = {LAST - age: photos(20, DARKER) for age in range(24)}
    notes = Drift(cache_with({**two_weeks(20), **since}), "7", lambda: NOW).run(Deadline.after(5))
    # THEN the day has enough photos, although the hour has too few
    assert {each.properties["hours"] for each in notes} == {24}
    assert max(each.metrics["Drift"] for each in notes) > 0.25


def test_too_few_photos_are_not_compared_nor_any_without_redis() -> None:
    without = cache_with(two_weeks())
    without.fault = "redis_timeout"
    for cache in (cache_with({}), cache_with({LAST: photos(LEAST)}), cache_with(two_weeks(1)), without):
        assert drift(cache) == {}


def test_a_release_keeps_its_reference_and_the_next_one_learns_its_own() -> None:
    # GIVEN a release that has learned what is usual, after which everything changes for two weeks
    cache = cache_with(two_weeks())
    assert drift(cache)["quality"] == 0
    cache.seen_by_hour = two_weeks(300, DARKER)
    # THEN that is still a drift for it, and no drift for a release that begins now
    assert drift(cache)["quality"] > 0.25
    assert drift(cache, release="8")["quality"] == 0
    # AND going back goes back to the reference
    assert drift(cache)["quality"] > 0.25


def test_what_is_as_it_should_be_becomes_the_reference() -> None:
    # GIVEN a change since yesterday, which is a season
    cache = cache_with(two_weeks())
    drift(cache)
    cache.seen_by_hour |= {LAST - age: photos(300, DARKER) for age in range(26)}
    assert drift(cache)["quality"] > 0.25
    # WHEN the operator renews the reference THEN the drift is over for good
    assert drift(cache, renew=True)["quality"] < 0.05
    assert drift(cache)["quality"] < 0.05


def test_a_reference_of_a_few_days_is_not_kept() -> None:
    # GIVEN a stage that is two days old THEN it is compared with these days, which the next run learns anew
    cache = cache_with({LAST - age: photos(300) for age in range(48)})
    assert drift(cache)["quality"] == 0
    assert cache.get(reference_key("7")) is None
    # AND so is a reference that cannot be read
    cache = cache_with(two_weeks())
    cache.put(reference_key("7"), b"not what was written")
    assert drift(cache) == dict.fromkeys(DIMENSIONS["population"].values, 0.0)
    assert cache.get(reference_key("7")) != b"not what was written"


def test_each_hour_is_compared_once() -> None:
    cache = cache_with(two_weeks())
    watch = Drift(cache, "7", lambda: NOW)
    assert watch.run(Deadline.after(5))
    assert watch.run(Deadline.after(5)) == []
    assert watch.run(Deadline.after(5), renew=True)


SHARES = st.dictionaries(st.text("abcdefgh", min_size=1, max_size=2), st.integers(0, 5000), min_size=1)


@given(SHARES.filter(lambda each: sum(each.values()) > 0), SHARES.filter(lambda each: sum(each.values()) > 0))
def test_any_two_populations_can_be_compared(before: dict[str, int], now: dict[str, int]) -> None:
    assert Shift.between(before, now).distance >= 0
    assert Shift.between(before, before).distance == 0


@pytest.mark.parametrize("number", [LEAST, 1000, 20_000])
def test_chance_alone_is_no_shift(number: int) -> None:
    # GIVEN populations that are drawn from the same shares, with ten classes
    draw, weights = random.Random(number), [1, 1, 2, 2, 3, 4, 6, 10, 20, 51]

    def drawn(count: int) -> Counter[str]:
        return Counter(draw.choices("abcdefghij", weights, k=count))

    # THEN none comes near the limit of an alarm
    assert max(Shift.between(drawn(5000), drawn(number)).distance for _ in range(100)) < 0.1


def test_a_country_that_was_never_seen_counts() -> None:
    # GIVEN many small classes, which count together, and photos of a new place
    many = {f"{number} Aves": 1 for number in range(500)}
    shift = Shift.between({"AU Aves": 9500, **many}, {"AU Aves": 500, "NZ Aves": 500})
    assert shift.distance > 0.25
    assert shift.moved == "AU Aves -45, others +45"
