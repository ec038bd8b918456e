"""The feature stage as the settings want it: one place that knows which value goes where."""

from typing import TYPE_CHECKING

from chalicelib.breaker import Breaker
from chalicelib.cache import RedisCache
from chalicelib.demand import Demand
from chalicelib.features import CellFeatures, Policy
from chalicelib.iam import Signer
from chalicelib.lifetimes import Lifetimes
from chalicelib.memory import Memory
from chalicelib.settings import Budget, Settings
from chalicelib.sources import Store
from chalicelib.store import PostgresStore

if TYPE_CHECKING:
    from chalicelib.warming import Warming


def build_cache(settings: Settings) -> RedisCache:
    """The Redis side; opens nothing yet."""
    name, url = settings.redis_iam_cache, settings.redis_url
    return RedisCache.from_url(
        url,
        Budget(settings.redis_connect, settings.redis_command, settings.redis_total),
        _breaker(settings),
        ca=settings.redis_ca,
        login=Signer(settings.aws_region).cache_login(name, url) if name else None,
        idle=settings.redis_idle,
        size=settings.redis_connections,
    )


def build_store(settings: Settings, statement: float | None = None) -> PostgresStore:
    """The PostgreSQL side; opens nothing yet. `statement`: longest query in seconds where it is not a request's."""
    command = settings.database_statement if statement is None else statement
    total = settings.database_total if statement is None else settings.database_total + statement
    return PostgresStore(
        settings.database_url,
        Budget(settings.database_connect, command, total),
        _breaker(settings),
        password=Signer(settings.aws_region).database_password(settings.database_url)
        if settings.database_iam
        else None,
        ca=settings.database_ca,
        idle=settings.database_idle,
    )


def build_lifetimes(settings: Settings) -> Lifetimes:
    """How long features live in Redis."""
    return Lifetimes(
        settings.features_soft_ttl, settings.features_hard_ttl, settings.features_empty_ttl, settings.features_jitter
    )


def build_features(settings: Settings, cache: RedisCache, store: Store) -> CellFeatures:
    """The whole stage over a cache and a store."""
    policy = Policy(
        build_lifetimes(settings),
        total=settings.features_total,
        lease=settings.features_lease,
        rest=settings.features_rest,
        fresh=settings.memory_fresh,
        version=settings.version_fresh,
    )
    return CellFeatures(cache, store, policy, Memory(settings.memory_cells), Demand())


def build_warming(settings: Settings) -> "Warming":
    """The scheduled function's part, with connections of its own: its query may take longer than a request's."""
    from chalicelib.warming import Plan, Warming, read_places  # a request never needs it

    return Warming(
        build_cache(settings),
        build_store(settings, statement=settings.warm_statement),
        build_lifetimes(settings),
        Plan(settings.warm_hottest, settings.warm_margin, settings.warm_ahead, settings.warm_quiet),
        read_places(),
    )


def _breaker(settings: Settings) -> Breaker:
    return Breaker(settings.breaker_failures, settings.breaker_rest)
