"""The Redis cache against scripted servers; tests/integration has the real ones."""

import gc
import subprocess
import sys
import weakref
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from chalicelib.config.stores import RedisSettings
from chalicelib.deadline import Breaker, Deadline
from chalicelib.errors import CacheError, DependencyError
from chalicelib.features.cache import DemandCounts
from chalicelib.stores.redis_cache import RedisCache
from chalicelib.stores.redis_client import RedisClient
from tests.support.servers import Responder, ScriptedServer, scripted

LONG = RedisSettings(connect=2.0, command=2.0, total=4.0, breaker_reset_timeout=60)
"""For servers that reply; long, because the machine may be busy."""
SHORT = RedisSettings(connect=0.2, command=0.05, total=0.12, breaker_reset_timeout=60)
"""For servers that do not reply."""


def soon() -> Deadline:
    return Deadline.after(10)


@contextmanager
def caching(
    answer: Responder, breaker: Breaker | None = None, settings: RedisSettings = LONG, user: str = ""
) -> Iterator[tuple[ScriptedServer, RedisCache]]:
    """Run a server that replies with `answer`, and a cache on it."""
    with scripted(answer) as server:
        settings = replace(settings, url=f"redis://{user}127.0.0.1:{server.address.port}")
        made = RedisCache(lambda: RedisClient(settings), breaker) if breaker else RedisCache.of(settings)
        with closing(made) as cache:
            yield server, cache


def fault_of(call: Callable[[], object]) -> str:
    """Return the fault code of a failed call, with a ! if it opened the breaker."""
    with pytest.raises(CacheError) as caught:
        call()
    return caught.value.fault + ("!" if caught.value.opened else "")


def read(answer: Responder, times: int = 1, settings: RedisSettings = LONG) -> list[str]:
    """Return the fault codes of reads from a server that replies with `answer`."""
    with caching(answer, settings=settings) as (_, cache):
        return [fault_of(lambda: cache.read(b"k", soon())) for _ in range(times)]


@pytest.mark.parametrize(
    ("reply", "fault"),
    [("OOM full", "redis_oom"), ("NOAUTH", "redis_auth"), ("LOADING data", "redis_loading"), ("x", "redis_refused")],
)
def test_an_error_reply_has_its_fault_and_leaves_the_breaker_closed(reply: str, fault: str) -> None:
    assert read(lambda _: f"-{reply}\r\n".encode(), times=5) == [fault] * 5


def test_a_timeout_of_a_request_without_enough_time_does_not_count() -> None:
    # GIVEN a silent server, and requests with less time than the command timeout
    breaker = Breaker(2, 60)
    with caching(lambda _: b"", breaker, SHORT) as (_, cache):
        # WHEN they time out THEN the breaker stays closed
        assert fault_of(lambda: cache.read(b"k", Deadline.after(0.02))) == "redis_timeout"
        assert fault_of(lambda: cache.read(b"k", Deadline.after(-1))) == "redis_timeout"
        assert not breaker.is_open
        # AND that of a request with enough time counts as two failures, and so opens it
        assert fault_of(lambda: cache.read(b"k", soon())) == "redis_timeout!"


def test_a_sign_in_under_way_leaves_the_breaker_closed_and_passes_an_open_one() -> None:
    breaker = Breaker(2, 60)
    with caching(lambda m: b"" if b"AUTH" in m else b"$1\r\nv\r\n", breaker, SHORT, user="app:secret@") as (
        server,
        cache,
    ):
        assert cache.sign_in_seconds is None
        # GIVEN a sign-in under way THEN it counts as no failure
        assert [fault_of(lambda: cache.read(b"k", soon())) for _ in range(5)] == ["redis_signing_in"] * 5
        assert not breaker.is_open
        # AND calls continue it even while the breaker is open
        breaker.record_failure(2)
        assert fault_of(lambda: cache.read(b"k", soon())) == "redis_signing_in"
        # WHEN it breaks THEN that counts, and the open breaker begins no new one
        server.hang_up()
        assert fault_of(lambda: cache.read(b"k", soon())) == "redis_disconnected!"
        assert fault_of(lambda: cache.read(b"k", soon())) == "redis_breaker_open"
        assert server.connections == 1


def test_an_unreadable_ca_bundle_is_an_error(tmp_path: Path) -> None:
    cache = RedisCache.of(replace(LONG, url="rediss://localhost", ca=tmp_path / "none.pem"))
    calls = lambda: cache.ping(soon()), lambda: cache.read(b"k", soon())
    assert [fault_of(call) for call in calls] == ["redis_tls"] * 2


def test_the_half_of_redis_py_for_asyncio_is_left_out() -> None:
    check = """
import sys
from chalicelib.config.stores import RedisSettings
from chalicelib.stores.redis_cache import RedisCache
RedisCache.of(RedisSettings(url="redis://127.0.0.1:9")).prepare()
sys.exit("redis.asyncio.client" in sys.modules or "redis.cluster" not in sys.modules)"""
    assert subprocess.run([sys.executable, "-c", check], check=False).returncode == 0


def test_prepare_opens_the_connection_of_the_first_request_or_ignores_that_it_cannot() -> None:
    with caching(lambda m: b":1\r\n" if b"EXISTS" in m else b"$1\r\nv\r\n") as (server, cache):
        cache.prepare()
        assert server.connections == 1
        assert (cache.read(b"k", soon()), server.connections) == (b"v", 1)
    breaker = Breaker(1, 60)
    with caching(lambda _: None, breaker) as (_, cache):
        cache.prepare()
        assert not breaker.is_open


def test_ping_bypasses_the_breaker_and_closes_it() -> None:
    breaker = Breaker(1, 60)
    with caching(
        lambda m: b"$-1\r\n+OK\r\n" if b"SET" in m else b"", breaker, replace(LONG, command=0.3, total=0.5)
    ) as (_, cache):
        assert fault_of(lambda: cache.read(b"k", soon())) == "redis_timeout!"
        assert not breaker.allows()
        cache.ping(soon())
        assert breaker.allows()


@pytest.mark.parametrize(
    ("replies", "fault"),
    [(b"-LOADING soon\r\n" * 2, "redis_loading"), (b"$2\r\nv1\r\n-CLUSTERDOWN only reads\r\n", "redis_clusterdown")],
)
def test_ping_raises_what_a_request_would_meet(replies: bytes, fault: str) -> None:
    # GIVEN a server that answers PING (and perhaps reads), and refuses what requests need
    breaker = Breaker(1, 60)
    with caching(lambda m: b"+PONG\r\n" if b"PING" in m else replies, breaker) as (_, cache):
        # THEN a ping fails, and does not touch the breaker
        assert fault_of(lambda: cache.ping(soon())) == fault
        assert not breaker.is_open


def test_check_in_sends_the_demand_in_the_same_message() -> None:
    # GIVEN a server that rejects writes
    with caching(lambda m: b"$2\r\nv1\r\n" + b"-OOM full\r\n" * (m.count(b"INCRBY") + m.count(b"EXPIRE"))) as (
        server,
        cache,
    ):
        # THEN the version is returned, after one message
        assert cache.check_in(b"version", DemandCounts({7: 3, 8: 1}, hits=4, warmed=2), soon()) == b"v1"
        assert len(server.messages) == 1
        assert server.messages[0].count(b"ZINCRBY") == 2
        assert cache.check_in(b"version", DemandCounts(), soon()) == b"v1"
        assert server.messages[1].count(b"INCRBY") == 0


class Photo:
    """Stands for what a request has in its variables."""


def photo_after(call: Callable[[], object]) -> "Photo | None":
    """Make a call that fails from a frame with a photo; return the photo if something still refers to it."""

    def request() -> "weakref.ref[Photo]":
        photo = Photo()
        try:
            call()
        except DependencyError:  # pytest.raises would keep the traceback
            return weakref.ref(photo)
        pytest.fail("the call did not fail")

    gc.disable()  # the cyclic collector counts objects, not bytes, so a large photo could stay for long
    try:
        return request()()
    finally:
        gc.enable()


@pytest.mark.parametrize(
    "reply",
    [b"-ERR x\r\n", b"-OOM full\r\n", b"-READONLY x\r\n", b"-LOADING x\r\n", b"-WRONGPASS x\r\n", None],
    ids=lambda reply: reply.decode().split()[0] if reply else "closed",
)
@pytest.mark.parametrize("user", ["", "app:secret@"])
def test_an_error_reply_keeps_nothing_of_the_request_in_memory(reply: bytes | None, user: str) -> None:
    with caching(lambda m: reply and reply * max(1, m.count(b"GETRANGE")), Breaker(100, 60), user=user) as (_, cache):
        # GIVEN one command or a pipeline WHEN it fails THEN the error does not hold the frames of the request
        assert photo_after(lambda: cache.read(b"k", soon())) is None
        assert photo_after(lambda: cache.read_headers([b"k", b"l"], soon())) is None
    unreachable = RedisCache.of(replace(LONG, url="redis://127.0.0.1:9"))
    assert photo_after(lambda: unreachable.read(b"k", soon())) is None
