"""The services behind all requests: model, taxonomy, stores and features. Built once per process from the settings."""

import sys
from dataclasses import dataclass, replace
from threading import Thread
from typing import TYPE_CHECKING

import numpy as np

from chalicelib.config.process_memory import decode_bytes
from chalicelib.config.settings import PhotoLimits, Settings
from chalicelib.features import cells
from chalicelib.features.cell_features import CellFeatures
from chalicelib.features.deadline import Deadline
from chalicelib.lazy import Lazy
from chalicelib.model.models import Models
from chalicelib.model.naming import Naming
from chalicelib.model.recogniser import Eyes, View
from chalicelib.model.relatives import Relatives
from chalicelib.model.session import Model
from chalicelib.model.taxonomy import Taxonomy
from chalicelib.photo import decode as photo
from chalicelib.photo.decode_memory import DecodeMemory
from chalicelib.stores.iam import Signer
from chalicelib.stores.postgres import PostgresStore
from chalicelib.stores.redis_cache import RedisCache
from chalicelib.telemetry import emf

if TYPE_CHECKING:
    from chalicelib.api.health import Health
    from chalicelib.api.responses import ModelVersion
    from chalicelib.features.warming import Warming
    from chalicelib.model.detector import Detector, Sightings
    from chalicelib.stores.taxa import Taxa

_HEALTH_TIMEOUT = 2.0
"""Time limit for each part of a health check, in seconds."""
_DECODE_PATIENCE = 2.0
"""Longest time that a photo waits for memory to decode it, in seconds: about as long as decoding the largest photo."""
_SWITCH_INTERVAL = 0.0005
"""Python's thread switch interval while `_prepare` runs, in seconds; the default is 0.005."""


@dataclass(frozen=True, slots=True)
class Services:
    """The services and thresholds that an identification uses. Thread-safe.

    `detector`: gives None if there is none. `boxes`: whether answers have boxes if a request does not say.
    """

    limits: PhotoLimits
    decode_memory: DecodeMemory
    models: Models
    eyes: Eyes
    detector: "Lazy[Detector | None]"
    relatives: Relatives
    features: CellFeatures
    cache: RedisCache
    store: PostgresStore
    animal_threshold: float
    season_floor: float
    boxes: bool
    taxa_ttl: float
    taxa_seconds: float

    @classmethod
    def build(cls, settings: Settings, features: CellFeatures | None = None) -> "Services":
        """Build all services from the settings. Raises `ModelError` and `SettingError`.

        `features`: the features of cells, if they do not come from the stores of the settings. A store that is down
        raises no error here; the first request detects it.

        Some modules are needed only after the first photo is decoded. A background thread imports these modules during
        decoding, which releases the GIL. Loading the model does not release it. psycopg2 is not imported in advance,
        because only a cache miss needs the database.
        """
        decode_memory = decode_bytes(settings.photo.decode_bytes, settings.deployment.lambda_memory)
        labels, taxa = settings.model.path.with_name("labels.csv"), settings.model.path.with_name("taxa.csv")
        cache, store = build_cache(settings), build_store(settings)
        general, taxonomy = Model(settings.model.path, settings.model.threads), Taxonomy.read(labels, taxa)
        folder, threads, thresholds = settings.model.path.parent, settings.model.threads, settings.thresholds
        models = Models(general, taxonomy, folder, thresholds.prior_floor, threads)
        relatives = Relatives(settings.model.path.with_name("relatives.csv"))
        naming = Naming(relatives, thresholds.rank, thresholds.degraded, thresholds.prior_floor)
        services = cls(
            limits=settings.photo,
            decode_memory=DecodeMemory(decode_memory, _DECODE_PATIENCE),
            models=models,
            eyes=Eyes(models, naming, settings.model.second_look),
            detector=Lazy(lambda: _read_detector(settings)),
            relatives=relatives,
            features=features or CellFeatures(cache, store, settings.features),
            cache=cache,
            store=store,
            animal_threshold=thresholds.animal,
            season_floor=thresholds.season_floor,
            boxes=settings.model.boxes,
            taxa_ttl=settings.features.ttl.hard,
            taxa_seconds=settings.features.total,
        )
        photo.prepare()
        Thread(target=_prepare, args=(None if features else cache, models, relatives), daemon=True).start()
        return services

    def sightings_in(self, view: View) -> "Sightings | None":
        """Return what the detector finds in a photo, or None if there is no detector. Raises `ModelError`."""
        detector = self.detector.get()
        return detector.look_at(view.picture, self.models.general.input_size) if detector else None

    def taxa(self) -> "Taxa":
        """Return the taxa of the active dataset, for one request."""
        from chalicelib.stores.taxa import Taxa

        return Taxa(self.cache, self.store, self.taxa_ttl, self.taxa_seconds)

    def models_of(self, taxon: str) -> "tuple[ModelVersion, ...]":
        """Return the models and packs that have an output for a taxon."""
        from chalicelib.api.responses import ModelVersion

        return tuple(ModelVersion(model.name, model.version) for model in self.models.knowing(taxon))

    def health(self, request_id: str, *, deep: bool) -> "Health":
        """Check the model and the cache. If `deep`, also check the database, which wakes a paused database.

        The check sends a store the same commands as a lookup, so a store is `ok` only if the next request could use it.
        Without `deep`, the database is `failing` while a request would find it failing without asking it.
        """
        from chalicelib.api.health import PackState, check, health_of, not_asked

        general = self.models.general
        blank = np.zeros((general.input_size, general.input_size, 3), np.uint8)
        no_prior = np.ones(general.animals, np.float32)
        model = check(lambda: general.score(blank, no_prior))
        cache = check(lambda: self.cache.ping(Deadline.after(_HEALTH_TIMEOUT)), self.cache)
        if deep:
            database = check(lambda: self.store.ping(Deadline.after(_HEALTH_TIMEOUT)), self.store)
        else:
            database = not_asked(self.store.known_fault)
        packs = tuple(PackState(pack.name, pack.version, pack.is_loaded) for pack in self.models.packs)
        return health_of(model, cache, database, request_id, packs)


def _prepare(cache: RedisCache | None, models: Models, relatives: Relatives) -> None:
    """Import the modules that the first request needs after decoding, connect to Redis, and read and hash files.

    By default, Python switches threads every 5 ms. A request that arrives during this work would wait for several such
    intervals, so this function shortens the interval until it is done.
    """
    interval = sys.getswitchinterval()
    sys.setswitchinterval(_SWITCH_INTERVAL)
    try:
        cells.prepare()
        if cache is not None:
            cache.prepare()
        emf.prepare()
        import chalicelib.api.answers
        import chalicelib.api.boxes  # noqa: F401

        _ = models.general.version, models.packs, relatives.rows
    finally:
        sys.setswitchinterval(interval)


def _read_detector(settings: Settings) -> "Detector | None":
    from chalicelib.model.detector import read_detector  # only some requests need it

    return read_detector(settings.model.path.with_name("packs"), settings.model.threads)


def build_cache(settings: Settings, *, patient: bool = False) -> RedisCache:
    """Return the Redis cache, not yet connected. `patient`: a call waits for the whole sign-in, up to `SIGN_IN`."""
    redis = settings.redis.patient() if patient else settings.redis
    name = redis.iam_cache
    login = Signer(settings.deployment.region).cache_login(name, redis.url) if name else None
    return RedisCache.of(redis, login)


def build_store(settings: Settings, statement: float | None = None) -> PostgresStore:
    """Return the PostgreSQL store, not yet connected.

    `statement`: query timeout in seconds instead of the setting. If given, a query also waits for the whole sign-in.
    """
    database = settings.database
    if statement is not None:
        database = replace(database, command=statement, total=database.total + statement).patient()
    password = Signer(settings.deployment.region).database_password(database.url) if database.iam else None
    return PostgresStore(database, password, with_seasons=settings.thresholds.season_floor < 1)


def patient_features(settings: Settings) -> CellFeatures:
    """Return the features of cells from the stores, for work that waits for a sign-in or a paused database."""
    store = build_store(settings, statement=settings.warming.statement)
    return CellFeatures(build_cache(settings, patient=True), store, settings.features)


def build_warming(settings: Settings) -> "Warming":
    """Return cache warming.

    It has its own connections, because it may wait longer than a request, for its query and for a sign-in.
    """
    from chalicelib.features.warming import Warming, read_places  # requests do not need it

    store = build_store(settings, statement=settings.warming.statement)
    return Warming(build_cache(settings, patient=True), store, settings.features.ttl, settings.warming, read_places())
