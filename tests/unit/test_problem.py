"""Problem details: the fields of RFC 9457, and ours."""

from chalicelib.errors import PhotoTooLarge
from chalicelib.problem import problem_of


def test_an_error_becomes_problem_details() -> None:
    assert problem_of(PhotoTooLarge("photo is 61 MP, at most 40 MP are read"), "r-1") == {
        "type": "urn:problem-type:faunalens:photo_too_large",
        "title": "The photo is too large",
        "status": 413,
        "detail": "photo is 61 MP, at most 40 MP are read",
        "code": "photo_too_large",
        "request_id": "r-1",
    }
