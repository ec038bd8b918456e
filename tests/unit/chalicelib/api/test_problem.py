"""Problem details: the fields of RFC 9457, `code` and `request_id`."""

from chalicelib.api.problem import headers_of, problem_of
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
