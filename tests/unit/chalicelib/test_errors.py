"""The tree of errors: complete in its docstring, and each HTTP error with status, code and title."""

import pytest

from chalicelib import errors


def tree(parent: type[BaseException]) -> set[str]:
    return {parent.__name__}.union(
        *(tree(each) for each in parent.__subclasses__() if each.__module__ == errors.__name__)
    )


def test_the_docstring_lists_every_error() -> None:
    # GIVEN the names in the module's docstring; THEN they are all classes but the base class of HTTP errors
    listed = {line.split()[0] for line in (errors.__doc__ or "").splitlines()[2:] if line.strip()}
    assert listed | {"HTTPError"} == tree(errors.FaunalensError)
    codes = [kind.code for kind in errors.http_errors()]
    assert len(codes) == len(set(codes))


@pytest.mark.parametrize("kind", errors.http_errors())
def test_an_http_error_has_status_code_and_title(kind: type[errors.HTTPError]) -> None:
    assert 400 <= kind.status <= 599
    assert kind.code.islower()
    assert kind.title
    assert f"{kind.status} {kind.code}" in (errors.__doc__ or "")
    assert issubclass(kind, errors.ClientError) == (kind.status < 500)


def test_errors_have_their_headers() -> None:
    assert errors.Unavailable("x", retry_after=7).headers == {"Retry-After": "7"}
    assert errors.Unavailable("x", 3, limit="queue").headers == {"Retry-After": "3", "RateLimit": '"queue";r=0;t=3'}
    assert errors.TooManyRequests("x").headers == {"Retry-After": "1"}
    # AND where the time to try again is not known, none is invented
    assert errors.TooManyRequests("x", retry_after=None).headers == {}
    assert errors.MethodNotAllowed("x", "GET, POST").headers == {"Allow": "GET, POST"}
    assert errors.BadRequest("x").headers == {}
