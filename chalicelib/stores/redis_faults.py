"""The fault codes of redis-py's exceptions. redis_cache.py lists the codes. This module imports redis-py."""

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

from chalicelib.stores.redis_sign_in import SignInUnderWay

_FAULTS: tuple[tuple[str, tuple[type[Exception], ...]], ...] = (  # the first match counts
    ("redis_signing_in", (SignInUnderWay,)),
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
    """Return the fault code of an error reply or a failed call."""
    if "max number of clients" in str(error):
        return "redis_too_many_clients"
    for code, kinds in _FAULTS:
        if isinstance(error, kinds):
            return code
    if isinstance(error, RedisClusterException):
        return fault_of(error.__cause__) if error.__cause__ else "redis_clusterdown"
    return _fault_of_connection(error)


def _fault_of_connection(error: BaseException) -> str:
    """Return the fault code of redis-py's `ConnectionError`, by the operating system's error that caused it."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLEOFError | ssl.SSLZeroReturnError | ConnectionResetError | BrokenPipeError):
            return "redis_disconnected"
        if isinstance(cause, ssl.SSLError):
            return "redis_tls"
        if isinstance(cause, OSError):
            return "redis_unreachable"
        cause = cause.__cause__ or cause.__context__
    return "redis_disconnected"
