"""The health check of the model, Redis and PostgreSQL."""

from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter
from typing import Annotated, Literal, Protocol

from chalicelib.errors import FaunalensError

State = Literal["ok", "failing", "not_asked"]


@dataclass(frozen=True, slots=True)
class Part:
    """The state of the model, the cache or the database."""

    state: Annotated[
        State,
        "ok: the next request can use this part; failing: it cannot; not_asked: not checked, because a check would "
        "wake a paused database, and no request has found it failing.",
    ]
    detail: Annotated[str | None, "Error code of a failing part."]
    milliseconds: Annotated[float | None, "Response time of the part; null unless it is ok."]
    sign_in_milliseconds: Annotated[
        float | None,
        "Duration of this process's last sign-in to a store, until the request that found it through; null if there "
        "was none.",
    ] = None


@dataclass(frozen=True, slots=True)
class PackState:
    """A pack that this process can use."""

    name: Annotated[str, "Name of the pack, such as birds."]
    version: Annotated[str, "First 12 hex digits of the SHA-256 of the pack's file."]
    loaded: Annotated[bool, "Whether it is in memory; a pack loads when a photo first needs it."]


@dataclass(frozen=True, slots=True)
class Health:
    """The health of the service, and the state of each part."""

    status: Annotated[
        Literal["ok", "degraded", "down"],
        "ok; degraded: photos are identified, but a store is failing; down: photos cannot be identified.",
    ]
    model: Annotated[Part, "The general model."]
    cache: Annotated[Part, "Redis."]
    database: Annotated[Part, "PostgreSQL."]
    request_id: Annotated[str, "Id of the request."]
    packs: Annotated[
        tuple[PackState, ...], "The packs behind the model. A pack that could not be had at set-up is missing."
    ] = ()


class SignedIn(Protocol):
    """A store that a process signs in to."""

    @property
    def sign_in_seconds(self) -> float | None:
        """Return the duration of the last sign-in in seconds, or None if none has succeeded."""


def not_asked(fault: str | None) -> Part:
    """Return the state of a database that is not checked: `failing` if a request would meet `fault` without asking."""
    return Part("failing", fault, None) if fault else Part("not_asked", None, None)


def check(probe: Callable[[], object], store: SignedIn | None = None) -> Part:
    """Run a probe of one part and return the part's state. `store`: the part, if it is a store."""
    started = perf_counter()
    try:
        probe()
    except FaunalensError as error:
        return Part("failing", getattr(error, "fault", None) or getattr(error, "code", "failed"), None)
    milliseconds, seconds = round((perf_counter() - started) * 1e3, 1), store.sign_in_seconds if store else None
    return Part("ok", None, milliseconds, None if seconds is None else round(seconds * 1e3, 1))


def health_of(model: Part, cache: Part, database: Part, request_id: str, packs: tuple[PackState, ...] = ()) -> Health:
    """Return the health of the service. The service is down only if the model is failing."""
    if model.state == "failing":
        return Health("down", model, cache, database, request_id, packs)
    stores_fail = "failing" in (cache.state, database.state)
    return Health("degraded" if stores_fail else "ok", model, cache, database, request_id, packs)
