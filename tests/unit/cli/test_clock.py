"""Clocks of cameras: zones, corrections, and EXIF's time."""

from datetime import datetime, timedelta

import pytest

from cli.clock import corrected, parse_shift, parse_zone


@pytest.mark.parametrize(
    ("text", "hours"),
    [("Australia/Sydney", 11), ("+10:00", 10), ("UTC-8", -8), ("-0330", -3.5), ("UTC", 0), ("GMT+1", 1)],
)
def test_a_zone_is_a_name_or_an_offset(text: str, hours: float) -> None:
    summer_in_the_south = datetime(2026, 1, 1, tzinfo=parse_zone(text))
    assert summer_in_the_south.utcoffset() == timedelta(hours=hours)


@pytest.mark.parametrize("text", ["", "Sydney", "+25:00", "Australia", "../etc/passwd", "10"])
def test_what_is_no_zone_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no time zone"):
        parse_zone(text)


@pytest.mark.parametrize(
    ("text", "seconds"), [("0s", 0), ("+1h", 3600), ("-1h30m", -5400), ("365d", 31_536_000), ("2d3h4m5s", 183_845)]
)
def test_a_correction_is_a_duration(text: str, seconds: int) -> None:
    assert parse_shift(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize("text", ["", "+", "1", "1h 2m", "1m1h", "h", "99999d", "9" * 20 + "s"])
def test_what_is_no_correction_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no correction"):
        parse_shift(text)


def test_the_calendar_has_an_end() -> None:
    assert corrected("9999-12-31 23:59:59", 3600) == datetime(9999, 12, 31, 23, 59, 59)  # noqa: DTZ001, as in EXIF


def test_a_correction_is_added() -> None:
    assert corrected("2026-05-02 06:00:00", -3600) == datetime(2026, 5, 2, 5)  # noqa: DTZ001, as in EXIF
