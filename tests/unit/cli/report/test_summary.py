"""The hour of the sun: against almanacs, and where it does not rise."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cli.report.summary import sun_hour

SYDNEY, NEW_YORK, LONDON, TROMSO = (-33.87, 151.21), (40.71, -74.01), (51.51, -0.13), (69.65, 18.96)


@pytest.mark.parametrize(
    ("time", "place", "hour"),
    [
        ("2026-06-21T07:00+10:00", SYDNEY, 6),
        ("2026-06-21T16:54+10:00", SYDNEY, 18),
        ("2026-12-21T07:17-05:00", NEW_YORK, 6),
        ("2026-12-21T16:32-05:00", NEW_YORK, 18),
        ("2026-06-21T04:43+01:00", LONDON, 6),
        ("2026-06-21T21:21+01:00", LONDON, 18),
        ("2026-06-21T13:02+01:00", LONDON, 12),
        # where the sun does not set, noon alone counts
        *((f"2026-06-21T{hour}:46+02:00", TROMSO, int(hour)) for hour in ("06", "12", "18")),
    ],
)
def test_it_rises_at_six_and_sets_at_eighteen(time: str, place: tuple[float, float], hour: float) -> None:
    # GIVEN times of sunrise and sunset of almanacs, to the minute
    assert sun_hour(datetime.fromisoformat(time), *place) == pytest.approx(hour, abs=0.03)


@given(
    st.datetimes(datetime(1990, 1, 1), datetime(2090, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001, the strategy's form
    st.floats(-90, 90),
    st.floats(-180, 180),
)
def test_it_is_an_hour_that_passes_once_a_day(time: datetime, latitude: float, longitude: float) -> None:
    hour, later = (sun_hour(time + timedelta(minutes=each), latitude, longitude) for each in (0, 2))
    assert 0 <= hour < 24
    assert 0 < (later - hour) % 24 < 12 or abs(latitude) > 60  # the day's length changes fast near polar days
