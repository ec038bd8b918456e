"""Health: each part is probed, and only a failing model takes the service down."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from chalicelib.api.health import Part, Status, check, check_model, status_of
from chalicelib.errors import CacheError

FAILING = Part(state="failing", detail="cache_timeout", milliseconds=None, sign_in_milliseconds=None)
OK: Part = {**FAILING, "state": "ok", "detail": None, "milliseconds": 1.0}
NOT_ASKED: Part = {**FAILING, "state": "not_asked", "detail": None}


@pytest.mark.parametrize(("seconds", "milliseconds"), [(0.71234, 712.3), (None, None)])
def test_a_part_that_answers_is_ok_and_has_the_time_of_its_last_sign_in_and_others_a_fault(
    seconds: float | None, milliseconds: float | None
) -> None:
    store: Any = SimpleNamespace(sign_in_seconds=seconds)
    part = check(lambda: None, store)
    assert (part["state"], part["sign_in_milliseconds"]) == ("ok", milliseconds)

    def probe() -> None:
        raise CacheError("cache_timeout")

    assert check(probe, store) == FAILING


def test_the_model_scores_once_a_second_however_many_ask() -> None:
    asked: list[int] = []

    class Model:
        input_size, animals = 2, 3

        def score(self, photo: NDArray[np.uint8], prior: NDArray[np.float32]) -> None:
            asked.append(photo.size * prior.size)

    model: Any = Model()
    parts = [check_model(model, second) for second in (7, 7, 7, 8)]
    assert {part["state"] for part in parts} == {"ok"}
    assert asked == [36, 36]


@pytest.mark.parametrize(
    ("model", "cache", "database", "status"),
    [
        (OK, OK, OK, "ok"),
        (OK, OK, NOT_ASKED, "ok"),
        (OK, OK, FAILING, "degraded"),
        (OK, FAILING, OK, "degraded"),
        (FAILING, OK, OK, "down"),
    ],
)
def test_only_a_failing_model_takes_the_service_down(model: Part, cache: Part, database: Part, status: Status) -> None:
    assert status_of(model, cache, database) == status
