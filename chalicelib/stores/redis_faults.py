"""Which fault it is that redis-py reports; cache.py lists the codes. Imports redis-py."""

import ssl

from redis.exceptions import (
    AskError,
    AuthenticationError,
    AuthenticationWrongNumberOfArgsError,
    AuthorizationError,
    BusyLoadingError,
    ClusterDownError,
    ClusterError,
    InvalidResponse,
    MaxConnectionsError,
    NoPermissionError,
    OutOfMemoryError,
    ReadOnlyError,
    RedisClusterException,
    ResponseError,
    TimeoutError,  # noqa: A004
    TryAgainError,
)

_FAULTS: tuple[tuple[str, tuple[type[Exception], ...]], ...] = (  # the first that fits
    ("redis_pool_exhausted", (MaxConnectionsError,)),
    ("redis_auth", (AuthenticationError, AuthorizationError, NoPermissionError, AuthenticationWrongNumberOfArgsError)),
    ("redis_loading", (BusyLoadingError,)),
    ("redis_oom", (OutOfMemoryError,)),
    ("redis_readonly", (ReadOnlyError,)),
    ("redis_clusterdown", (ClusterDownError, TryAgainError)),
    ("redis_moved", (AskError, ClusterError, LookupError, AttributeError)),
    ("redis_refused", (ResponseError,)),
    ("redis_timeout", (TimeoutError,)),
    ("redis_disconnected", (InvalidResponse,)),
)


def fault_of(error: BaseException) -> str:
    """The fault code of an error reply or of an exchange that failed."""
    if "max number of clients" in str(error):
        return "redis_too_many_clients"
    for code, kinds in _FAULTS:
        if isinstance(error, kinds):
            return code
    if isinstance(error, RedisClusterException):
        return fault_of(error.__cause__) if error.__cause__ else "redis_clusterdown"
    return _fault_of_line(error)


def _fault_of_line(error: BaseException) -> str:
    """redis-py says `ConnectionError` for all that befalls a line; the operating system's error lies below it."""
    below: BaseException | None = error
    while below is not None:
        if isinstance(below, ssl.SSLEOFError | ssl.SSLZeroReturnError | ConnectionResetError | BrokenPipeError):
            return "redis_disconnected"
        if isinstance(below, ssl.SSLError):
            return "redis_tls"
        if isinstance(below, OSError):
            return "redis_unreachable"
        below = below.__cause__ or below.__context__
    return "redis_disconnected"
