"""The Redis client against scripted servers; tests/integration has the real ones."""

import socket
import ssl
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from dataclasses import replace
from itertools import count
from pathlib import Path
from threading import Event, Thread
from time import monotonic, perf_counter
from typing import Any

import pytest
from redis import exceptions

from chalicelib.config.stores import RedisSettings
from chalicelib.deadline import Deadline
from chalicelib.errors import CacheError
from chalicelib.stores import redis_connection
from chalicelib.stores.redis_client import Commands, RedisClient, fault_of
from chalicelib.stores.sign_in import Login
from tests.faults.certificates import Certificates, issue
from tests.support.servers import ScriptedServer, scripted

BUDGET = RedisSettings(connect=0.2, command=0.05, total=0.12)
LONG = RedisSettings(connect=2.0, command=2.0, total=4.0)
LATE = 0.1
"""Seconds that a busy machine may add to a wait."""


def get(key: bytes = b"k") -> Commands:
    return lambda redis: redis.get(key)


def get_many(count: int) -> Commands:
    return lambda redis: [redis.get(b"k%d" % n) for n in range(count)]


@contextmanager
def client(
    server: ScriptedServer,
    settings: RedisSettings = LONG,
    *,
    url: str = "redis://localhost:{port}",
    ca: Path | None = None,
    login: Login | None = None,
    idle: float = 240.0,
    size: int = 4,
) -> Iterator[RedisClient]:
    url = url.format(port=server.address.port)
    with closing(RedisClient(replace(settings, url=url, ca=ca, idle=idle, connections=size), login)) as made:
        yield made


def value(redis: RedisClient, seconds: float = 5.0) -> Any:
    return redis.run(get(), Deadline.after(seconds), alone=True)[0]


def failure(call: Callable[[], object]) -> str:
    """Return the fault code of a failed call."""
    with pytest.raises(CacheError) as caught:
        call()
    return caught.value.fault


def until(is_so: Callable[[], bool]) -> None:
    """Wait for a condition, at most 5 s."""
    over = monotonic() + 5
    while not is_so():
        assert monotonic() < over
        time.sleep(0.002)


SECRET = "redis://app:secret@localhost:{port}"
SLOW = RedisSettings(connect=0.2, command=0.1, total=0.3)
SLOW_REPLIES = [b"$-1\r\n" * 50, b"$500\r\n" + b"x" * 500 + b"\r\n"]


def tried(redis: RedisClient) -> bool:
    """Return whether a call succeeds."""
    with suppress(CacheError):
        return bool(value(redis))
    return False


class TestTime:
    def test_a_silent_server_is_asked_twice_within_the_budget(self) -> None:
        with scripted(lambda _: b"") as server, client(server, replace(BUDGET, total=2.0)) as redis:
            assert failure(lambda: value(redis)) == "redis_timeout"
            assert len(server.messages) == 2

    def test_an_earlier_deadline_applies_on_new_and_on_open_connections(self) -> None:
        answers = iter([b"", b"$1\r\nv\r\n", b"", b""])
        with scripted(lambda _: next(answers)) as server, client(server) as redis:
            assert failure(lambda: value(redis, 0.06)) == "redis_timeout"
            assert len(server.messages) == 1
            assert value(redis) == b"v"
            assert failure(lambda: value(redis, 0.06)) == "redis_timeout"

    def test_a_tls_handshake_without_a_reply_is_left_at_the_connect_timeout(self, certificates: Certificates) -> None:
        # GIVEN a server that accepts the connection but does not speak TLS
        with (
            scripted(lambda _: b"") as server,
            client(server, BUDGET, url="rediss://localhost:{port}", ca=certificates.authority) as redis,
        ):
            assert failure(lambda: value(redis)) == "redis_signing_in"
            assert redis.sign_ins.any_under_way

    @pytest.mark.alone
    @pytest.mark.parametrize("seconds", [5.0, 0.06])
    @pytest.mark.parametrize("url", ["redis://localhost:{port}", SECRET, "rediss://localhost:{port}"])
    @pytest.mark.parametrize("reply", [b"", *SLOW_REPLIES], ids=["silent", "many replies", "a long reply"])
    def test_no_call_takes_longer_than_its_deadline_and_its_budget(
        self, reply: bytes, url: str, seconds: float, certificates: Certificates
    ) -> None:
        with (
            scripted(lambda _: reply, pace=0.02) as server,
            client(server, SLOW, url=url, ca=certificates.authority) as redis,
        ):
            started = perf_counter()
            failure(lambda: redis.run(get_many(50), Deadline.after(seconds)))
            assert perf_counter() - started < min(seconds, SLOW.total) + LATE


class TestConnections:
    def test_one_connection_serves_many_calls_each_of_one_message(self) -> None:
        with scripted(lambda m: b"$1\r\nv\r\n" * m.count(b"GET")) as server, client(server) as redis:
            assert [value(redis) for _ in range(5)] == [b"v"] * 5
            assert redis.run(get_many(20), Deadline.after(5)) == [b"v"] * 20
            assert (server.connections, len(server.messages)) == (1, 6)

    def test_an_old_one_is_replaced_before_its_sign_in_expires(self, monkeypatch: pytest.MonkeyPatch) -> None:
        with scripted(lambda _: b"$1\r\nv\r\n") as server, client(server) as redis:
            value(redis)
            monkeypatch.setattr(redis_connection, "MAX_AGE", -1.0)
            value(redis)
            assert server.connections == 2

    def test_their_number_is_limited(self) -> None:
        # GIVEN a client with one connection, which is in use
        received, may_reply = Event(), Event()

        def answer(_: bytes) -> bytes:
            received.set()
            may_reply.wait(5)
            return b"$1\r\nv\r\n"

        with scripted(answer) as server, client(server, size=1) as redis:
            first = Thread(target=value, args=(redis,))
            first.start()
            received.wait(5)
            # WHEN another call needs one THEN it waits until its deadline
            assert failure(lambda: value(redis, 0.05)) == "redis_pool_exhausted"
            # AND gets it when it is free
            may_reply.set()
            assert value(redis) == b"v"
            first.join(5)
            assert server.connections == 1


class TestSignIn:
    def test_each_connection_signs_in(self) -> None:
        tokens = iter(["first", "second"])
        with (
            scripted(lambda m: b"+OK\r\n" if b"AUTH" in m else b"$1\r\nv\r\n") as server,
            client(server, login=lambda: ("app", next(tokens)), idle=0.0) as redis,
        ):
            value(redis)
            value(redis)
            assert [b"first" in m or b"second" in m for m in server.messages] == [True, False, True, False]

    def test_without_credentials_nothing_is_sent(self) -> None:
        def login() -> tuple[str, str]:
            raise PermissionError("no AWS credentials to sign with")

        with scripted(lambda _: b"$1\r\nv\r\n") as server, client(server, login=login) as redis:
            assert failure(lambda: value(redis)) == "redis_auth"
            assert failure(lambda: value(redis)) == "redis_auth"
            assert server.messages == []

    def test_a_refused_sign_in_is_not_retried(self) -> None:
        with (
            scripted(lambda _: b"-WRONGPASS invalid username-password pair\r\n") as server,
            client(server, url="redis://:wrong@localhost:{port}") as redis,
        ):
            assert failure(lambda: value(redis)) == "redis_auth"
            assert len(server.messages) == 1

    def test_one_that_takes_long_is_left_and_continued(self) -> None:
        # GIVEN a server that does not reply to AUTH for longer than a call may take
        may_reply = Event()

        def reply(message: bytes) -> bytes:
            if b"AUTH" not in message:
                return b"$1\r\nv\r\n"
            may_reply.wait(5)
            return b"+OK\r\n"

        with scripted(reply) as server, client(server, BUDGET, url=SECRET) as redis:
            for _ in range(2):
                assert (failure(lambda: value(redis)), redis.sign_ins.last) == ("redis_signing_in", None)
            # WHEN it has replied THEN calls use the connection, the only one
            may_reply.set()
            until(lambda: tried(redis))
            assert value(redis) == b"v"
            assert redis.sign_ins.last is not None
            assert redis.sign_ins.last > BUDGET.connect
            assert (server.connections, redis.sign_ins.any_under_way) == (1, False)

    @pytest.mark.parametrize(("may_retry", "connections"), [(True, 2), (False, 1)])
    def test_one_that_breaks_is_reported_and_begun_anew_if_a_call_may_retry(
        self, may_retry: bool, connections: int
    ) -> None:
        with scripted(lambda _: b"") as server, client(server, BUDGET, url=SECRET) as redis:
            assert failure(lambda: value(redis)) == "redis_signing_in"
            server.hang_up()
            again = failure(lambda: redis.run(get(), Deadline.after(1), may_retry=may_retry))
            assert again == "redis_disconnected"
            assert (server.connections, redis.sign_ins.any_under_way) == (connections, may_retry)

    def test_after_its_limit_it_has_failed(self) -> None:
        budget = RedisSettings(connect=0.02, command=0.05, total=0.12, sign_in=0.1)
        with scripted(lambda _: b"") as server, client(server, budget, url=SECRET) as redis:
            assert failure(lambda: value(redis)) == "redis_signing_in"
            until(lambda: not redis.sign_ins.any_under_way)
            assert failure(lambda: value(redis)) == "redis_timeout"

    def test_meanwhile_calls_use_the_open_connections(self) -> None:
        # GIVEN a server that signs only its first client in, and a client with one open connection
        first = Event()

        def reply(message: bytes) -> bytes:
            if b"AUTH" not in message:
                time.sleep(0.01)
                return b"$1\r\nv\r\n"
            if first.is_set():
                return b""
            first.set()
            return b"+OK\r\n"

        with scripted(reply) as server, client(server, url=SECRET) as redis, ThreadPoolExecutor(4) as threads:
            assert value(redis) == b"v"
            # WHEN four threads call it THEN one signs in, and the others do not wait for that
            assert list(threads.map(lambda _: value(redis), range(40))) == [b"v"] * 40
            assert (server.connections, redis.sign_ins.any_under_way) == (2, True)

    @pytest.mark.parametrize(
        ("reply", "fault"),
        [
            (None, "redis_disconnected"),
            (b"HTTP/1.1 400 Bad Request\r\n", "redis_disconnected"),
            (b"x" * 70_000, "redis_disconnected"),
            (b"-WRONGPASS invalid username-password pair\r\n", "redis_auth"),
            (b"-LOADING Redis is loading the dataset in memory\r\n", "redis_loading"),
            (b"-ERR max number of clients reached\r\n", "redis_too_many_clients"),
        ],
    )
    def test_a_reply_that_is_no_consent_has_its_fault(self, reply: bytes | None, fault: str) -> None:
        with scripted(lambda _: reply) as server, client(server, url=SECRET) as redis:
            assert failure(lambda: value(redis)) == fault
            assert not redis.sign_ins.any_under_way

    def test_a_password_may_be_longer_than_what_the_kernel_takes_at_once(self, certificates: Certificates) -> None:
        password = "x" * 8_000_000
        for tls, scheme in ((None, "redis"), (certificates.good.context, "rediss")):
            parts: list[int] = []

            def reply(message: bytes, parts: list[int] = parts) -> bytes:
                parts.append(len(message))
                if sum(parts) < len(password):
                    return b""
                return b"$1\r\nv\r\n" if b"GET" in message else b"+OK\r\n"

            url = f"{scheme}://localhost:{{port}}"
            with (
                scripted(reply, tls=tls) as server,
                client(server, url=url, ca=certificates.authority, login=lambda: ("app", password)) as redis,
            ):
                assert value(redis) == b"v"

    def test_the_next_address_of_a_host_is_tried(self, monkeypatch: pytest.MonkeyPatch) -> None:
        with scripted(lambda _: b"$1\r\nv\r\n") as server, client(server) as redis:
            with socket.create_server(("127.0.0.1", 0)) as free:
                closed = free.getsockname()
            addresses = [closed, server.address]
            found = [(socket.AF_INET, socket.SOCK_STREAM, 0, "", address) for address in addresses]
            monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
            assert value(redis) == b"v"
            # AND without an address the host is unreachable
            redis.close()
            found.clear()
            assert failure(lambda: value(redis)) == "redis_unreachable"


COMMANDS = b"*1\r\n*6\r\n$3\r\nget\r\n:2\r\n*1\r\n+readonly\r\n:1\r\n:1\r\n:1\r\n"


class TestRedirections:
    """Redirections; a whole cluster is in tests/integration."""

    @pytest.mark.parametrize("word", [b"MOVED", b"ASK"])
    def test_endless_redirections_and_unknown_nodes_are_an_error(self, word: bytes) -> None:
        # GIVEN a node that owns all slots, and sends those who ask to another, which does not exist
        def reply(message: bytes) -> bytes:
            if b"SLOTS" in message:
                return b"*1\r\n*3\r\n:0\r\n:16383\r\n*3\r\n$9\r\n127.0.0.1\r\n:%d\r\n$2\r\nid\r\n" % server.address.port
            if b"COMMAND" in message:
                return COMMANDS
            return b"+OK\r\n" if b"ASKING" in message else b"-%s 7629 127.0.0.1:1\r\n" % word

        with scripted(reply) as server, client(server) as redis:
            assert failure(lambda: value(redis)) in {"redis_moved", "redis_unreachable"}

    def test_a_connection_that_redis_py_gives_back_twice_has_one_user(self, monkeypatch: pytest.MonkeyPatch) -> None:
        # GIVEN a cluster of which one node is gone, and whose slot map can be read only once
        maps = iter([b"*2\r\n" + 2 * b"*3\r\n:%d\r\n:%d\r\n*3\r\n$9\r\n127.0.0.1\r\n:%d\r\n$2\r\nid\r\n"])
        taken, resolve, tries = list[object](), socket.getaddrinfo, count(1)

        def reply(message: bytes) -> bytes | None:
            if b"SLOTS" in message:
                found = next(maps, None)
                return found and found % (0, 8191, server.address.port, 8192, 16383, 1)
            if b"COMMAND" in message:
                return COMMANDS
            return b"$1\r\nv\r\n" if redis._cluster else b"-MOVED 7629 127.0.0.1:1\r\n"

        def resolved(host: str, port: int, **more: Any) -> Any:
            if port == 1 and next(tries) == 2:  # redis-py has given the connection back, and reads the slot map
                other = Thread(target=lambda: taken.append(pool.get_connection()))
                other.start()
                other.join()
            return resolve(host, port, **more)

        with scripted(reply) as server, client(server) as redis:
            assert value(redis) == b"v"
            known: Any = redis._cluster
            pool = known.get_node(node_name=f"127.0.0.1:{server.address.port}").redis_connection.connection_pool
            # WHEN commands to both nodes fail, and meanwhile another thread gets the connection to the other node
            monkeypatch.setattr(socket, "getaddrinfo", resolved)
            both = lambda redis: [redis.get(b"k"), redis.get(b"foo")]  # noqa: E731
            assert failure(lambda: redis.run(both, Deadline.after(5), may_retry=False)) == "redis_unreachable"
            # THEN no third one gets it too
            assert pool.get_connection() is not taken[0]

    def test_a_cluster_client_that_is_replaced_leaves_no_connection_open(self) -> None:
        # GIVEN a client of a cluster whose nodes failed
        def reply(message: bytes) -> bytes:
            if b"SLOTS" in message:
                return b"*1\r\n*3\r\n:0\r\n:16383\r\n*3\r\n$9\r\n127.0.0.1\r\n:%d\r\n$2\r\nid\r\n" % server.address.port
            if b"COMMAND" in message:
                return COMMANDS
            return b"$1\r\nv\r\n" if redis._cluster else b"-MOVED 7629 127.0.0.1:1\r\n"

        with scripted(reply) as server, client(server) as redis:
            assert value(redis) == b"v"
            replaced: Any = redis._cluster
            redis._on_failure(exceptions.RedisClusterException())
            # WHEN the endpoint redirects it again, or another thread has switched meanwhile
            assert value(redis) == b"v"
            in_use: Any = redis._cluster
            redis._switch_to_cluster()
            # THEN only the client in use has connections
            assert redis._cluster is in_use is not replaced
            pools = [node.redis_connection.connection_pool for node in replaced.get_nodes()]
            assert not any(each.is_connected for pool in pools for each in pool._available_connections)

    def test_after_a_readonly_reply_the_client_reconnects(self) -> None:
        answers = iter([b"-READONLY You can't write against a read only replica.\r\n", b"$1\r\nv\r\n"])
        with scripted(lambda _: next(answers)) as server, client(server) as redis:
            assert value(redis) == b"v"
            assert server.connections == 2


class TestTLS:
    URL = "rediss://localhost:{port}"

    def test_a_connection_is_reused(self, certificates: Certificates) -> None:
        # The session tickets that TLS 1.3 sends after the handshake must not look like a closed connection.
        with (
            scripted(lambda _: b"$1\r\nv\r\n", tls=certificates.good.context) as server,
            client(server, url=self.URL, ca=certificates.authority) as redis,
        ):
            assert [value(redis) for _ in range(3)] == [b"v"] * 3
            assert server.connections == 1


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return issue(tmp_path_factory.mktemp("certificates"))


def connection_error(cause: OSError | None) -> exceptions.ConnectionError:
    """Return redis-py's error for an error of the operating system."""
    error = exceptions.ConnectionError(str(cause or "Connection closed by server."))
    error.__context__ = cause
    return error


def cluster_error(cause: Exception | None) -> exceptions.RedisClusterException:
    error = exceptions.RedisClusterException("Redis Cluster cannot be connected.")
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "fault"),
    [
        (connection_error(socket.gaierror(-2, "Name or service not known")), "redis_unreachable"),
        (connection_error(BrokenPipeError()), "redis_disconnected"),
        (connection_error(None), "redis_disconnected"),
        (exceptions.InvalidResponse("Protocol Error"), "redis_disconnected"),
        (connection_error(ssl.SSLCertVerificationError()), "redis_tls"),
        (connection_error(ssl.SSLError()), "redis_tls"),
        (connection_error(ssl.SSLEOFError()), "redis_disconnected"),
        (OSError("no descriptor left"), "redis_unreachable"),
        (exceptions.NoPermissionError("this user has no permissions"), "redis_auth"),
        (exceptions.ConnectionError("max number of clients reached"), "redis_too_many_clients"),
        (exceptions.MaxConnectionsError("Too many connections"), "redis_pool_exhausted"),
        (exceptions.ReadOnlyError("a replica"), "redis_readonly"),
        (exceptions.MasterDownError("The master is down"), "redis_clusterdown"),
        (exceptions.TryAgainError("rehashing"), "redis_clusterdown"),
        (exceptions.SlotNotCoveredError("slot 1"), "redis_clusterdown"),
        (exceptions.MovedError("1 127.0.0.1:7000"), "redis_moved"),
        (exceptions.ClusterError("TTL exhausted."), "redis_moved"),
        (KeyError(1), "redis_moved"),
        (cluster_error(None), "redis_clusterdown"),
        (cluster_error(connection_error(ConnectionRefusedError())), "redis_unreachable"),
        (cluster_error(exceptions.TimeoutError()), "redis_timeout"),
    ],
    ids=repr,
)
def test_every_error_has_a_fault_code(error: Exception, fault: str) -> None:
    assert fault_of(error) == fault
