"""The services behind all requests: photos, recogniser, features and stores. Built once per process from settings."""

from collections.abc import Callable
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from chalicelib.config.settings import Settings
from chalicelib.features.cell_features import CellFeatures
from chalicelib.lazy import Lazy
from chalicelib.model.families import Families
from chalicelib.model.models import Models
from chalicelib.model.naming import Naming
from chalicelib.model.packs import Outside
from chalicelib.model.recogniser import Recogniser
from chalicelib.model.session import Model
from chalicelib.model.taxonomy import Relatives, Taxonomy
from chalicelib.photo import photos
from chalicelib.photo.memory import DecodeMemory, decode_bytes
from chalicelib.photo.photos import Photos
from chalicelib.shadow import Candidate, Shadow
from chalicelib.stores.postgres import PostgresStore
from chalicelib.stores.redis_cache import RedisCache
from chalicelib.stores.sign_in import Signer

if TYPE_CHECKING:
    from threading import Lock

    from chalicelib.features.warming import Warming
    from chalicelib.model.detector import Detectors
    from chalicelib.stores.taxa import RecentSearches, Taxa
    from chalicelib.telemetry.record import Notes

_DECODE_PATIENCE = 2.0
"""Longest time that a photo waits for memory to decode it, in seconds: about as long as decoding the largest photo."""


class Services(NamedTuple):
    """The parts that an identification uses. Thread-safe.

    `season_floor`: share of its weight that an animal keeps in a month in which it is never seen. `shadow`: None if no
    answers are compared.
    """

    photos: Photos
    recogniser: Recogniser
    features: CellFeatures
    stores: "Stores"
    season_floor: float
    shadow: "Shadow | None" = None

    @classmethod
    def build(cls, settings: Settings, features: CellFeatures | None = None) -> "Services":
        """Build all services from the settings. Raises `ModelError` and `SettingError`.

        `features`: the features of cells, if they do not come from the stores of the settings. A store that is down
        raises no error here; the first request detects it.
        """
        recogniser, stores = build_recogniser(settings), Stores(settings)
        wanted, function = settings.photo.decode_bytes, settings.deployment.lambda_memory
        memory = decode_bytes(wanted, function, recogniser.models.outside_bytes)
        photos.prepare()
        return cls(
            Photos(settings.photo, DecodeMemory(memory, _DECODE_PATIENCE), recogniser.models.general.input_size),
            recogniser,
            features or CellFeatures(stores.cache, stores.store, settings.features),
            stores,
            settings.thresholds.season_floor,
        )

    def with_shadow(self, candidate: Settings | None, emit: "Callable[[Notes], None]", busy: "Lock") -> "Services":
        """Return services that compare their answers with those of a version in shadow.

        `candidate`: settings of that version if it is another model; None if it is a dataset. The others: see `Shadow`.
        """
        other = None
        if candidate is not None:
            other = Candidate(Lazy(lambda: build_recogniser(candidate)), candidate.telemetry.shadow_share)
        return self._replace(shadow=Shadow(self.features, self.recogniser, self.season_floor, other, emit, busy))


class Stores:
    """The clients of Redis and PostgreSQL, each made at its first use. Thread-safe."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    @cached_property
    def cache(self) -> RedisCache:
        """Return the client of Redis."""
        return build_cache(self._settings)

    @cached_property
    def store(self) -> PostgresStore:
        """Return the client of PostgreSQL."""
        return build_store(self._settings)

    def taxa(self, damaged: Callable[[], None]) -> "Taxa":
        """Return the taxa of the active dataset, for one request. `damaged`: called for each bad value in Redis."""
        from chalicelib.stores.taxa import Taxa

        policy = self._settings.features
        return Taxa(self.cache, self.store, policy.ttl.hard, policy.total, self.recent_searches, damaged)

    @cached_property
    def recent_searches(self) -> "RecentSearches":
        """Return the results of recent searches for taxa that this process keeps."""
        from chalicelib.stores.taxa import RecentSearches

        return RecentSearches()

    def prepare(self) -> None:
        """Connect to Redis, if lookups use it."""
        if "cache" in self.__dict__:
            self.cache.prepare()


def build_recogniser(settings: Settings) -> Recogniser:
    """Return a recogniser with the model that the settings name. Raises `ModelError`."""
    path, threads, thresholds = settings.model.path, settings.model.threads, settings.thresholds
    general, taxonomy = Model(path, threads), Taxonomy.read(path.with_name("labels.csv"), path.with_name("taxa.csv"))
    relatives = Relatives(path.with_name("relatives.csv"))
    outside = Outside(settings.model.packs, relatives)
    return Recogniser(
        Models(general, taxonomy, path.parent, thresholds.prior_floor, threads, outside),
        Naming(Families(path.parent, relatives), path.with_name("certainty.json"), thresholds.animal),
        Lazy(lambda: _read_detectors(settings)),
        second_look=settings.model.second_look,
        boxes=settings.model.boxes,
    )


def _read_detectors(settings: Settings) -> "Detectors | None":
    from chalicelib.model.detector import read_detectors  # only some requests need it

    model = settings.model
    return read_detectors(model.path.with_name("packs"), model.camera_traps, model.threads, model.packs)


def build_cache(settings: Settings, *, patient: bool = False) -> RedisCache:
    """Return the Redis cache, not yet connected. `patient`: whether calls wait for a sign-in as long as `SIGN_IN`."""
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
    """Return a `CellFeatures` with clients of its own that wait for a sign-in or a paused database, unlike requests."""
    store = build_store(settings, statement=settings.warming.statement)
    return CellFeatures(build_cache(settings, patient=True), store, settings.features)


def build_warming(settings: Settings, cache: RedisCache | None = None) -> "Warming":
    """Return cache warming. Its connections wait longer than those of requests. `cache`: by default a new one."""
    from chalicelib.features.warming import Warming, read_places  # requests do not need it

    store = build_store(settings, statement=settings.warming.statement)
    cache = cache or build_cache(settings, patient=True)
    return Warming(cache, store, settings.features.ttl, settings.warming, read_places())
