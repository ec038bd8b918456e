"""Routes by path: parts in braces, a slash at the end, and nothing else."""

import pytest

from chalicelib.application import ROUTES
from web.asgi import Router

ROUTER = Router(ROUTES)


@pytest.mark.parametrize(
    ("path", "route", "values"),
    [
        ("/", "/", {}),
        ("/identify", "/identify", {}),
        ("/identify/", "/identify", {}),
        ("/uploads/abc/identify", "/uploads/{id}/identify", {"id": "abc"}),
        ("/web/app.js", "/web/{name}", {"name": "app.js"}),
    ],
)
def test_a_path_leads_to_its_route(path: str, route: str, values: dict[str, str]) -> None:
    match = ROUTER.match(path)
    assert match is not None
    assert {each.path for each in match.routes.values()} == {route}
    assert match.values == values


@pytest.mark.parametrize("path", ["/nowhere", "/web/", "/web/a/b", "/uploads//identify", "/identify/x", "/Identify"])
def test_other_paths_lead_nowhere(path: str) -> None:
    assert ROUTER.match(path) is None
