"""Headers that name the limits of a route, and bodies."""

import re

import pytest

from chalicelib.api.http import json_of, policy_headers
from chalicelib.api.page import page_key
from chalicelib.config.casts import RateLimit

LIMITS = (
    RateLimit("*", "address", 600, 300),
    RateLimit("*", "key", 600, 60),
    RateLimit("/identify", "service", 6300, 60),
    RateLimit("/animals", "service", 1800, 60),
)


@pytest.mark.parametrize(
    ("limits", "path", "of_page", "policy"),
    [
        (LIMITS, "/identify", False, '"address";q=600;w=300, "key";q=600;w=60, "service";q=6300;w=60'),
        (LIMITS[2:], "/animals", False, '"service";q=1800;w=60'),
        (LIMITS, "/uploads", True, '"address";q=600;w=300'),  # the page has no key of its own to be limited by
        (LIMITS[2:], "/uploads", False, None),
        ((), "/identify", False, None),
    ],
)
def test_a_policy_names_the_limits_of_its_route(
    limits: tuple[RateLimit, ...], path: str, of_page: bool, policy: str | None
) -> None:
    assert policy_headers(limits, path, of_page=of_page) == ({"RateLimit-Policy": policy} if policy else {})


def test_the_key_of_the_page_is_one_that_api_gateway_takes() -> None:
    # GIVEN API Gateway: "an alphanumeric string between 20 and 128 characters" WHEN the stage's name is the shortest
    assert re.fullmatch("[a-z0-9]{20,128}", page_key("ab", "a1b2c3d4e5"))


def test_a_body_has_no_number_that_json_does_not_have() -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        json_of({"score": float("nan")})
