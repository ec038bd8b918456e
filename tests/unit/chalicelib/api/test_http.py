"""Problem details (RFC 9457), and headers that name the limits of a route."""

import re

from chalicelib.api.http import headers_of, policy_headers, problem_of
from chalicelib.api.page import page_key
from chalicelib.config.casts import RateLimit
from chalicelib.errors import PhotoTooLarge, Unavailable


def test_an_error_becomes_problem_details() -> None:
    assert problem_of(PhotoTooLarge("photo is 61 MP, at most 40 MP are read"), "r-1") == {
        "type": "urn:problem-type:faunalens:photo_too_large",
        "title": "The photo is too large",
        "status": 413,
        "detail": "photo is 61 MP, at most 40 MP are read",
        "code": "photo_too_large",
        "request_id": "r-1",
    }


def test_pages_of_any_origin_may_read_it_and_retry_after() -> None:
    headers = headers_of(Unavailable("try again", retry_after=7))
    assert headers["Content-Type"] == "application/problem+json"
    assert headers["Access-Control-Allow-Origin"] == "*"
    assert headers["Retry-After"] == "7"
    assert headers["Access-Control-Expose-Headers"] == "RateLimit,RateLimit-Policy,Retry-After"


LIMITS = (
    RateLimit("*", "address", 600, 300),
    RateLimit("*", "key", 600, 60),
    RateLimit("*", "key-day", 10_000, 86_400),
    RateLimit("/identify", "service", 6300, 60),
    RateLimit("/animals", "service", 1800, 60),
)


def test_a_policy_names_the_limits_of_its_route() -> None:
    assert policy_headers(LIMITS, "/identify") == {
        "RateLimit-Policy": '"address";q=600;w=300, "key";q=600;w=60, "key-day";q=10000;w=86400, "service";q=6300;w=60'
    }
    assert policy_headers(LIMITS[3:], "/animals") == {"RateLimit-Policy": '"service";q=1800;w=60'}


def test_the_page_is_not_told_the_limits_of_other_keys() -> None:
    assert policy_headers(LIMITS, "/uploads", of_page=True) == {"RateLimit-Policy": '"address";q=600;w=300'}


def test_without_limits_there_is_no_header() -> None:
    assert policy_headers(LIMITS[3:], "/uploads") == {}
    assert policy_headers((), "/identify") == {}


def test_the_key_of_the_page_is_one_that_api_gateway_takes() -> None:
    # GIVEN API Gateway: "an alphanumeric string between 20 and 128 characters" WHEN the stage's name is the shortest
    assert re.fullmatch("[a-z0-9]{20,128}", page_key("ab", "a1b2c3d4e5"))
