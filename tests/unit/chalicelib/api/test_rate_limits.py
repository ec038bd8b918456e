"""Headers about limits: those of the route, in the syntax of the draft, and nothing that nobody knows."""

import re

from chalicelib.api.rate_limits import page_key, policy
from chalicelib.config.rate_limits import RateLimit

LIMITS = (
    RateLimit("*", "address", 600, 300),
    RateLimit("*", "key", 600, 60),
    RateLimit("*", "key-day", 10_000, 86_400),
    RateLimit("/identify", "service", 6300, 60),
    RateLimit("/animals", "service", 1800, 60),
)


def test_a_policy_names_the_limits_of_its_route() -> None:
    assert policy(LIMITS, "/identify") == {
        "RateLimit-Policy": '"address";q=600;w=300, "key";q=600;w=60, "key-day";q=10000;w=86400, "service";q=6300;w=60'
    }
    assert policy(LIMITS[3:], "/animals") == {"RateLimit-Policy": '"service";q=1800;w=60'}


def test_the_page_is_not_told_the_limits_of_other_keys() -> None:
    assert policy(LIMITS, "/uploads", of_page=True) == {"RateLimit-Policy": '"address";q=600;w=300'}


def test_without_limits_there_is_no_header() -> None:
    assert policy(LIMITS[3:], "/uploads") == {}
    assert policy((), "/identify") == {}


def test_the_key_of_the_page_is_one_that_api_gateway_takes() -> None:
    # GIVEN API Gateway: "an alphanumeric string between 20 and 128 characters" WHEN the stage's name is the shortest
    assert re.fullmatch("[a-z0-9]{20,128}", page_key("ab", "a1b2c3d4e5"))
