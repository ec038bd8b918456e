"""The health check of the model, Redis and PostgreSQL."""

from collections.abc import Callable
from functools import lru_cache
from time import monotonic, perf_counter
from typing import TYPE_CHECKING, Annotated, Literal, TypedDict

import numpy as np

from chalicelib.deadline import Deadline
from chalicelib.errors import FaunalensError

if TYPE_CHECKING:
    from chalicelib.model.session import Model
    from chalicelib.services import Services
    from chalicelib.stores.postgres import PostgresStore
    from chalicelib.stores.redis_cache import RedisCache

State = Literal["ok", "failing", "not_asked"]
Status = Literal["ok", "degraded", "down"]

TIMEOUT = 2.0
"""Time limit for each part of a health check, in seconds."""


class Part(TypedDict):
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
        "Duration of this process's last sign-in to the store, up to the request that found it complete; null if it "
        "has not signed in.",
    ]


def _part(state: State, detail: str | None = None) -> Part:
    return {"state": state, "detail": detail, "milliseconds": None, "sign_in_milliseconds": None}


class PackState(TypedDict):
    """A pack that this process can use."""

    name: Annotated[str, "Name of the pack, such as birds."]
    version: Annotated[str, "First 12 hex digits of the SHA-256 of the pack's file."]
    loaded: Annotated[bool, "Whether the pack is in memory; it loads when a photo first needs it."]


class Health(TypedDict):
    """The health of the service, and the state of each part."""

    status: Annotated[
        Status, "ok; degraded: photos are identified, but a store is failing; down: photos cannot be identified."
    ]
    model: Annotated[Part, "The general model."]
    cache: Annotated[Part, "Redis."]
    database: Annotated[Part, "PostgreSQL."]
    request_id: Annotated[str, "Id of the request."]
    packs: Annotated[
        tuple[PackState, ...], "The packs, which can score photos too. One that set-up could not get is missing."
    ]


def health_of(services: "Services", request_id: str, *, deep: bool) -> Health:
    """Check the model and the cache. If `deep`, also check the database, which wakes a paused database.

    The check sends a store the same commands as a lookup, so a store is `ok` only if the next request could use it.
    Without `deep`, the database is checked only after requests found it failing: they have already tried to wake it.
    """
    models, cache, store = services.recogniser.models, services.stores.cache, services.stores.store
    model = models.general
    model_part = check_model(model, int(monotonic()))
    cache_part = check(lambda: cache.ping(Deadline.after(TIMEOUT)), cache)
    is_asked = deep or store.is_failing
    database = check(lambda: store.ping(Deadline.after(TIMEOUT)), store) if is_asked else _part("not_asked")
    return {
        "status": status_of(model_part, cache_part, database),
        "model": model_part,
        "cache": cache_part,
        "database": database,
        "request_id": request_id,
        "packs": tuple(
            PackState(name=pack.name, version=pack.version, loaded=pack.is_loaded)
            for pack in (*models.packs, *models.heads)
        ),
    }


@lru_cache(maxsize=1)
def check_model(model: "Model", second: int) -> Part:  # noqa: ARG001  of which there is one check
    """Check the model, at most once in each `second`: anyone may ask for the health, and scoring slows photos down."""
    black, anywhere = np.zeros((model.input_size,) * 2 + (3,), np.uint8), np.ones(model.animals, np.float32)
    return check(lambda: model.score(black, anywhere))


def check(probe: Callable[[], object], store: "RedisCache | PostgresStore | None" = None) -> Part:
    """Run a probe of one part and return the part's state. `store`: the part, if it is a store."""
    started = perf_counter()
    try:
        probe()
    except FaunalensError as error:
        return _part("failing", getattr(error, "fault", None) or getattr(error, "code", "failed"))
    seconds = store.sign_in_seconds if store else None
    return {
        "state": "ok",
        "detail": None,
        "milliseconds": round((perf_counter() - started) * 1e3, 1),
        "sign_in_milliseconds": None if seconds is None else round(seconds * 1e3, 1),
    }


def status_of(model: Part, cache: Part, database: Part) -> Status:
    """Return the health of the service. The service is down only if the model is failing."""
    if model["state"] == "failing":
        return "down"
    return "degraded" if "failing" in (cache["state"], database["state"]) else "ok"
