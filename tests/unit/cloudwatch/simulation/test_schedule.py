"""The schedule of the simulated day."""

from random import Random

import pytest

from cloudwatch.simulation import schedule


def minute_of(moment: float) -> int:
    return int((moment - schedule.START) // 60)


def test_requests_arrive_in_order_at_the_expected_rate() -> None:
    # GIVEN a day
    moments = list(schedule.arrivals(Random(7), burst=250))
    # THEN the arrivals are in order, and on this day
    assert moments == sorted(moments)
    assert minute_of(moments[0]) >= 0
    # THEN a burst may spill over into the next minute, not further
    assert minute_of(moments[-1]) <= schedule.MINUTES
    # THEN the busiest hour has about as many as the rate predicts
    noon = sum(720 <= minute_of(moment) < 780 for moment in moments)
    assert noon == pytest.approx(250 + sum(schedule.rate(minute + 0.5) for minute in range(720, 780)), rel=0.1)
