"""Whether each part works."""

from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter
from typing import Annotated, Literal

from chalicelib.errors import FaunalensError

State = Literal["ok", "failing", "not_asked"]


@dataclass(frozen=True, slots=True)
class Part:
    """One part of the service."""

    state: Annotated[State, "ok, failing, or not_asked: asking would wake a paused database."]
    detail: Annotated[str | None, "What is wrong, as a code."]
    milliseconds: Annotated[float | None, "How long the part took to answer."]


@dataclass(frozen=True, slots=True)
class Health:
    """Whether the service works, and which part does not."""

    status: Annotated[
        Literal["ok", "degraded", "down"],
        "ok; degraded: it identifies, but a store is failing; down: it cannot identify.",
    ]
    model: Annotated[Part, "The ONNX model."]
    cache: Annotated[Part, "Redis."]
    database: Annotated[Part, "PostgreSQL."]
    request_id: Annotated[str, "Identifier of the request."]


NOT_ASKED = Part("not_asked", None, None)


def check(ask: Callable[[], object]) -> Part:
    """The state of one part, by asking it."""
    started = perf_counter()
    try:
        ask()
    except FaunalensError as error:
        return Part("failing", getattr(error, "fault", None) or getattr(error, "code", "failed"), None)
    return Part("ok", None, round((perf_counter() - started) * 1e3, 1))


def health_of(model: Part, cache: Part, database: Part, request_id: str) -> Health:
    """The service's health from its parts': only the model is needed for an answer."""
    if model.state == "failing":
        return Health("down", model, cache, database, request_id)
    stores_fail = "failing" in (cache.state, database.state)
    return Health("degraded" if stores_fail else "ok", model, cache, database, request_id)
