"""The last step of bringing a stage up, against the app itself."""

import pytest

from infra import smoke
from infra.step import Refused
from tests.integration.conftest import Served


def url(served: Served) -> str:
    return f"http://127.0.0.1:{served.port}/"


def test_a_stage_that_works_passes(served: Served) -> None:
    said: list[str] = []
    smoke.check(url(served), said.append)
    assert [line.split()[0] for line in said] == ["model", "cache", "database", "animals", "identify"]
    assert "(narrowed," in said[-1]


def test_a_stage_without_its_stores_does_not(served_alone: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(smoke, "PATIENCE", 0.0)
    with pytest.raises(Refused, match="cache is failing"):
        smoke.check(url(served_alone), lambda _: None)


def test_nothing_at_the_address_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(smoke, "PATIENCE", 0.0)
    with pytest.raises(Refused, match=r"http://127\.0\.0\.1:1/health\?deep=true did not answer"):
        smoke.check("http://127.0.0.1:1/", lambda _: None)
