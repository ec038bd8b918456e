"""Fault codes of redis-py's errors."""

import socket
import ssl

import pytest
from redis import exceptions

from chalicelib.stores.redis_faults import fault_of


def connection_error(cause: OSError | None) -> exceptions.ConnectionError:
    """Return redis-py's error for an error of the operating system."""
    try:
        try:
            if cause is not None:
                raise cause
        except OSError as error:
            raise exceptions.ConnectionError(str(error))  # noqa: B904 — as redis-py does
        raise exceptions.ConnectionError("Connection closed by server.")
    except exceptions.ConnectionError as error:
        return error


def cluster_error(cause: Exception | None) -> exceptions.RedisClusterException:
    error = exceptions.RedisClusterException("Redis Cluster cannot be connected.")
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "fault"),
    [
        (exceptions.TimeoutError("Timeout reading from socket"), "redis_timeout"),
        (connection_error(socket.gaierror(-2, "Name or service not known")), "redis_unreachable"),
        (connection_error(ConnectionRefusedError()), "redis_unreachable"),
        (connection_error(ConnectionResetError()), "redis_disconnected"),
        (connection_error(BrokenPipeError()), "redis_disconnected"),
        (connection_error(None), "redis_disconnected"),
        (exceptions.InvalidResponse("Protocol Error"), "redis_disconnected"),
        (connection_error(ssl.SSLCertVerificationError()), "redis_tls"),
        (connection_error(ssl.SSLError()), "redis_tls"),
        (connection_error(ssl.SSLEOFError()), "redis_disconnected"),
        (OSError("no descriptor left"), "redis_unreachable"),
        (exceptions.AuthenticationError("invalid username-password pair"), "redis_auth"),
        (exceptions.NoPermissionError("this user has no permissions"), "redis_auth"),
        (exceptions.ConnectionError("max number of clients reached"), "redis_too_many_clients"),
        (exceptions.MaxConnectionsError("Too many connections"), "redis_pool_exhausted"),
        (exceptions.BusyLoadingError("loading"), "redis_loading"),
        (exceptions.OutOfMemoryError("full"), "redis_oom"),
        (exceptions.ReadOnlyError("a replica"), "redis_readonly"),
        (exceptions.ClusterDownError("The cluster is down"), "redis_clusterdown"),
        (exceptions.MasterDownError("The master is down"), "redis_clusterdown"),
        (exceptions.TryAgainError("rehashing"), "redis_clusterdown"),
        (exceptions.SlotNotCoveredError("slot 1"), "redis_clusterdown"),
        (exceptions.MovedError("1 127.0.0.1:7000"), "redis_moved"),
        (exceptions.AskError("1 127.0.0.1:7000"), "redis_moved"),
        (exceptions.ClusterError("TTL exhausted."), "redis_moved"),
        (KeyError(1), "redis_moved"),
        (exceptions.ResponseError("unknown command"), "redis_refused"),
        (cluster_error(None), "redis_clusterdown"),
        (cluster_error(connection_error(ConnectionRefusedError())), "redis_unreachable"),
        (cluster_error(exceptions.TimeoutError()), "redis_timeout"),
    ],
    ids=repr,
)
def test_every_error_has_a_fault_code(error: Exception, fault: str) -> None:
    assert fault_of(error) == fault
