"""The health check of the model, Redis and PostgreSQL."""

from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter
from typing import Annotated, Literal

from chalicelib.errors import FaunalensError

State = Literal["ok", "failing", "not_asked"]


@dataclass(frozen=True, slots=True)
class Part:
    """The state of the model, the cache or the database."""

    state: Annotated[
        State,
        "ok: the next request can use this part; failing: it cannot; not_asked: not checked, because a check would "
        "wake a paused database, and the circuit breaker is closed.",
    ]
    detail: Annotated[str | None, "Error code of a failing part."]
    milliseconds: Annotated[float | None, "Response time of the part; null unless it is ok."]


@dataclass(frozen=True, slots=True)
class Health:
    """The health of the service, and the state of each part."""

    status: Annotated[
        Literal["ok", "degraded", "down"],
        "ok; degraded: photos are identified, but a store is failing; down: photos cannot be identified.",
    ]
    model: Annotated[Part, "The ONNX model."]
    cache: Annotated[Part, "Redis."]
    database: Annotated[Part, "PostgreSQL."]
    request_id: Annotated[str, "Id of the request."]


def not_asked(*, breaker_is_open: bool) -> Part:
    """Return the state of a database that is not checked. The state is `failing` if the circuit breaker is open."""
    return Part("failing", "postgres_breaker_open", None) if breaker_is_open else Part("not_asked", None, None)


def check(probe: Callable[[], object]) -> Part:
    """Run a probe of one part and return the part's state."""
    started = perf_counter()
    try:
        probe()
    except FaunalensError as error:
        return Part("failing", getattr(error, "fault", None) or getattr(error, "code", "failed"), None)
    return Part("ok", None, round((perf_counter() - started) * 1e3, 1))


def health_of(model: Part, cache: Part, database: Part, request_id: str) -> Health:
    """Return the health of the service. The service is down only if the model is failing."""
    if model.state == "failing":
        return Health("down", model, cache, database, request_id)
    stores_fail = "failing" in (cache.state, database.state)
    return Health("degraded" if stores_fail else "ok", model, cache, database, request_id)
