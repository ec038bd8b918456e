import socket
import ssl

import pytest
from redis import exceptions

from chalicelib.stores.redis_faults import fault_of


def of_line(below: OSError | None) -> exceptions.ConnectionError:
    """What redis-py makes of an error of the operating system."""
    try:
        try:
            if below is not None:
                raise below
        except OSError as error:
            raise exceptions.ConnectionError(str(error))  # noqa: B904 — as redis-py does
        raise exceptions.ConnectionError("Connection closed by server.")
    except exceptions.ConnectionError as error:
        return error


def of_cluster(cause: Exception | None) -> exceptions.RedisClusterException:
    error = exceptions.RedisClusterException("Redis Cluster cannot be connected.")
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "fault"),
    [
        (exceptions.TimeoutError("Timeout reading from socket"), "redis_timeout"),
        (of_line(socket.gaierror(-2, "Name or service not known")), "redis_unreachable"),
        (of_line(ConnectionRefusedError()), "redis_unreachable"),
        (of_line(ConnectionResetError()), "redis_disconnected"),
        (of_line(BrokenPipeError()), "redis_disconnected"),
        (of_line(None), "redis_disconnected"),
        (exceptions.InvalidResponse("Protocol Error"), "redis_disconnected"),
        (of_line(ssl.SSLCertVerificationError()), "redis_tls"),
        (of_line(ssl.SSLError()), "redis_tls"),
        (of_line(ssl.SSLEOFError()), "redis_disconnected"),
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
        (of_cluster(None), "redis_clusterdown"),
        (of_cluster(of_line(ConnectionRefusedError())), "redis_unreachable"),
        (of_cluster(exceptions.TimeoutError()), "redis_timeout"),
    ],
    ids=repr,
)
def test_every_failure_has_a_fault(error: Exception, fault: str) -> None:
    assert fault_of(error) == fault
