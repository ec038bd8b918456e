"""What requests are answered with, built once a process from the settings."""

import sys
from dataclasses import dataclass
from threading import Thread
from typing import TYPE_CHECKING

import numpy as np

from chalicelib import cells, emitter, photo
from chalicelib.cache import RedisCache
from chalicelib.deadline import Deadline
from chalicelib.errors import ModelError
from chalicelib.feature_stage import build_cache, build_features, build_store
from chalicelib.features import CellFeatures
from chalicelib.scoring import Model
from chalicelib.settings import Settings
from chalicelib.store import PostgresStore
from chalicelib.taxonomy import Taxonomy

if TYPE_CHECKING:
    from chalicelib.health import Health

_HEALTH_PATIENCE = 2.0
"""Longest wait for one part of a health check, seconds."""
_YIELDING = 0.0005
"""How long preparations keep Python to themselves while a request may be waiting, seconds."""


@dataclass(frozen=True, slots=True)
class Parts:
    """The five steps' tools and thresholds; safe for threads."""

    limits: photo.Limits
    model: Model
    taxonomy: Taxonomy
    features: CellFeatures
    cache: RedisCache
    store: PostgresStore
    prior_floor: float
    animal_threshold: float
    rank_threshold: float

    @classmethod
    def build(cls, settings: Settings) -> "Parts":
        """All parts, ready to serve. Raises `ModelError`; a store that is down is met later, by a request.

        What a request needs only once its photo is decoded is imported in a thread, since decoding leaves Python free
        and loading the model does not. psycopg2 is left out: only a cell that is not in Redis asks the database.
        """
        labels, taxa = settings.model_path.with_name("labels.csv"), settings.model_path.with_name("taxa.csv")
        cache, store = build_cache(settings), build_store(settings)
        model, taxonomy = Model(settings.model_path, settings.model_threads), Taxonomy.read(labels, taxa)
        if model.animals != len(taxonomy.animals):
            raise ModelError(
                f"{settings.model_path.name} knows {model.animals} animals, {labels.name} has {len(taxonomy.animals)} "
                "rows; each output needs one row"
            )
        parts = cls(
            limits=photo.Limits(settings.photo_max_bytes, settings.photo_max_megapixels),
            model=model,
            taxonomy=taxonomy,
            features=build_features(settings, cache, store),
            cache=cache,
            store=store,
            prior_floor=settings.prior_floor,
            animal_threshold=settings.animal_threshold,
            rank_threshold=settings.rank_threshold,
        )
        photo.prepare()
        Thread(target=_prepare, args=(cache, model), daemon=True).start()
        return parts

    def health(self, request_id: str, *, deep: bool) -> "Health":
        """Whether each part works; the database is asked only if `deep`, since that wakes it."""
        from chalicelib.health import NOT_ASKED, check, health_of

        size = self.model.input_size
        blank, anywhere = np.zeros((size, size, 3), np.uint8), np.ones(self.model.animals, np.float32)
        model = check(lambda: self.model.score(blank, anywhere))
        cache = check(lambda: self.cache.ping(Deadline.after(_HEALTH_PATIENCE)))
        database = check(lambda: self.store.ping(Deadline.after(_HEALTH_PATIENCE))) if deep else NOT_ASKED
        return health_of(model, cache, database, request_id)


def _prepare(cache: RedisCache, model: Model) -> None:
    """Import what the first request needs after decoding, connect to Redis, and learn the model's version.

    Python hands over to another thread every 5 ms; a request that has come meanwhile would wait for that many times.
    """
    interval = sys.getswitchinterval()
    sys.setswitchinterval(_YIELDING)
    try:
        cells.prepare()
        cache.prepare()
        emitter.prepare()
        import chalicelib.answer  # noqa: F401

        _ = model.version
    finally:
        sys.setswitchinterval(interval)
