"""Casts: text becomes a value, or an error that says what was expected."""

from collections.abc import Callable

import pytest

from chalicelib.config import casts
from chalicelib.config.casts import RateLimit, rate_limits
from chalicelib.config.settings import Settings
from chalicelib.errors import SettingError


@pytest.mark.parametrize(
    ("cast", "text", "value"),
    [
        *((casts.positive_number, "0.5", 0.5), (casts.lifetime, "15552000", 15_552_000.0), (casts.fraction, "1", 1.0)),
        *((casts.share, "0.1", 0.1), (casts.share, "10 %", 0.1), (casts.share, "100%", 1.0)),
        (casts.key_prefix, "fauna-dev:", "fauna-dev:"),
        *((casts.non_negative_number, "0", 0.0), (casts.non_negative_int, "0", 0), (casts.positive_int, "12", 12)),
        *((casts.boolean, "Yes", True), (casts.boolean, "0", False)),
        (casts.redis_url, "rediss://host:6380", "rediss://host:6380"),
        (casts.origins, "https://a.example http://b.example:80", ("https://a.example", "http://b.example:80")),
        (casts.origins, "off", ()),
        (casts.one_of("a", "b"), "b", "b"),
    ],
)
def test_text_becomes_a_value(cast: Callable[[str], object], text: str, value: object) -> None:
    assert cast(text) == value


AN_ORIGIN = "expected http:// or https:// and a host, without a slash at the end"


@pytest.mark.parametrize(
    ("cast", "texts", "sentence"),
    [
        (casts.positive_number, ("abc", "inf"), "expected a number above 0"),
        (casts.lifetime, ("15552001", "nan"), r"expected a number above 0 and at most 15552000 \(180 days\)"),
        (casts.non_negative_number, ("-0.1", "inf"), "expected a number, 0 or more"),
        (casts.origin, ("example.org", "https://example.org/"), AN_ORIGIN),
        (casts.origins, ("https://a.example b",), AN_ORIGIN),
        (casts.share, ("0%", "101%", "half"), "expected a share such as 10% or 0.1, above 0 and at most 100%"),
        (casts.fraction, ("abc", "nan"), "expected a number from 0 to 1"),
        (casts.assignments, ("PACKS_PATH", "=1", "A=0.1 x"), r"expected NAME=VALUE, such as PRIOR_FLOOR=0\.01"),
        (casts.positive_int, ("0", "-1", "1.5"), "expected a whole number, 1 or more"),
    ],
)
def test_an_error_says_what_was_expected(cast: Callable[[str], object], texts: tuple[str, ...], sentence: str) -> None:
    for text in texts:
        with pytest.raises(ValueError, match=f"^{sentence}$"):
            cast(text)


def test_limits_are_parsed_in_order() -> None:
    text = "* address=600/300, /uploads/{id}/identify service=900/60"
    assert rate_limits(text) == (
        RateLimit("*", "address", 600, 300),
        RateLimit("/uploads/{id}/identify", "service", 900, 60),
    )
    assert Settings.from_environment({"RATE_LIMITS": text}).deployment.rate_limits == rate_limits(text)
    assert Settings.from_environment({}).deployment.rate_limits == ()


@pytest.mark.parametrize("text", ["600/300", "* a=0/300", "* a=1/0", "identify a=1/1", "* a=1/1,", "* A=1/1", ","])
def test_anything_else_is_an_error(text: str) -> None:
    with pytest.raises(SettingError, match=r"setting RATE_LIMITS is .*: expected PATH NAME=REQUESTS/SECONDS"):
        Settings.from_environment({"RATE_LIMITS": text})
