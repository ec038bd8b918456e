"""The course of the simulated day."""

from random import Random

import pytest

from cloudwatch.simulation import day


def minute_of(moment: float) -> int:
    return int((moment - day.START) // 60)


def test_the_spike_is_ten_times_what_is_usual_then() -> None:
    before, within = day.rate(day.CROWD.start - 1), day.rate(day.CROWD.start + 10)
    assert within / before == pytest.approx(day.SPIKE, rel=0.05)
    assert day.rate(day.CROWD.start + day.CROWD.length + 1) == pytest.approx(before, rel=0.1)


@pytest.mark.parametrize("minute", [-1.0, 1441.0])
def test_there_is_no_other_minute(minute: float) -> None:
    with pytest.raises(ValueError, match="the day has no minute"):
        day.rate(minute)


def test_people_come_in_order_as_many_as_expected_within_the_day() -> None:
    # GIVEN a day
    moments = list(day.arrivals(Random(7), rush=250))
    # THEN everybody comes after whoever came before, on this day
    assert moments == sorted(moments)
    assert minute_of(moments[0]) >= 0
    # THEN of a crowd that comes together some spill over into the next minute, none far
    assert minute_of(moments[-1]) <= day.MINUTES
    # THEN the busiest hour has about as many as the rate says
    noon = sum(720 <= minute_of(moment) < 780 for moment in moments)
    assert noon == pytest.approx(250 + sum(day.rate(minute + 0.5) for minute in range(720, 780)), rel=0.1)


def test_a_rush_comes_at_one_moment() -> None:
    moments = [moment for moment in day.arrivals(Random(7), rush=250) if moment in day.RUSH]
    assert max(sum(start <= moment < start + 0.5 for moment in moments) for start in moments) >= 250


def test_a_window_holds_its_minutes_and_no_more() -> None:
    begin = day.START + day.REDIS_DOWN.start * 60
    assert begin in day.REDIS_DOWN
    assert begin + day.REDIS_DOWN.length * 60 - 1 in day.REDIS_DOWN
    assert begin + day.REDIS_DOWN.length * 60 not in day.REDIS_DOWN
    assert "noon" not in day.REDIS_DOWN
