"""The health of a stage, asked of its function."""

import json
from typing import Any

import pytest

from infra import health_check
from infra.step import PreconditionFailed


def test_the_function_answers_the_deep_check(monkeypatch: pytest.MonkeyPatch) -> None:
    # GIVEN the app as Lambda runs it, and services that note what they are asked
    import app
    from chalicelib.api.health import Part, health_of

    asked: list[bool] = []

    class Services:
        def health(self, request_id: str, *, deep: bool) -> Any:
            asked.append(deep)
            well = Part("ok", None, 1.0)
            return health_of(well, well, well, request_id)

    monkeypatch.setattr(app.application, "services", Services)
    # WHEN an operator invokes it THEN the database is asked
    assert health_check.read(app.app(dict(health_check.EVENT), None))["status"] == "ok"
    assert asked == [True]
    # AND if the same request comes through API Gateway THEN it is not
    context = {**health_check.EVENT["requestContext"], "apiId": "a1b2c3d4e5"}  # type: ignore[dict-item]
    refused = app.app({**health_check.EVENT, "requestContext": context}, None)
    assert (refused["statusCode"], json.loads(refused["body"])["code"]) == (403, "forbidden")
    assert asked == [True]


@pytest.mark.parametrize(
    "result", [None, {}, {"body": "<html>"}, {"statusCode": 503, "body": '{"code": "unavailable"}'}]
)
def test_anything_else_is_an_error(result: Any) -> None:
    with pytest.raises(PreconditionFailed, match="the function did not report its health: "):
        health_check.read(result)
