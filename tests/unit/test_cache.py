import socket
import ssl

import pytest

from chalicelib.breaker import Breaker
from chalicelib.cache import Entry, RedisCache, fault_of
from chalicelib.cluster import PoolExhausted
from chalicelib.deadline import Deadline
from chalicelib.demand import Tally
from chalicelib.errors import CacheError
from chalicelib.resp import LoginRefused, ProtocolError, Refusal
from chalicelib.settings import Budget
from tests.scripted import Answer, serve

BUDGET = Budget(connect=0.2, command=0.05, total=0.12)


def soon() -> Deadline:
    return Deadline.after(2)


def read(answer: Answer, times: int = 1) -> list[str]:
    """Faults of as many reads from a server that answers so."""
    faults = []
    with serve(answer) as server:
        cache = RedisCache.from_url(f"redis://127.0.0.1:{server.address.port}", BUDGET, Breaker(3, 60))
        for _ in range(times):
            with pytest.raises(CacheError) as caught:
                cache.read(b"k", soon())
            faults.append(caught.value.fault + ("!" if caught.value.opened else ""))
        cache.close()
    return faults


@pytest.mark.parametrize(
    ("reply", "fault"),
    [
        ("OOM command not allowed when used memory > 'maxmemory'.", "redis_oom"),
        ("READONLY You can't write against a read only replica.", "redis_readonly"),
        ("CLUSTERDOWN Hash slot not served", "redis_clusterdown"),
        ("TRYAGAIN Multiple keys request during rehashing of slot", "redis_clusterdown"),
        ("LOADING Redis is loading the dataset in memory", "redis_loading"),
        ("NOAUTH Authentication required.", "redis_auth"),
        ("NOPERM this user has no permissions", "redis_auth"),
        ("ERR max number of clients reached", "redis_too_many_clients"),
        ("ERR unknown command", "redis_refused"),
    ],
)
def test_an_error_reply_has_its_fault_and_leaves_the_breaker_closed(reply: str, fault: str) -> None:
    assert read(lambda _: f"-{reply}\r\n".encode(), times=5) == [fault] * 5


def test_silence_opens_the_breaker_which_then_costs_no_time() -> None:
    assert read(lambda _: b"", times=4) == ["redis_timeout", "redis_timeout", "redis_timeout!", "redis_breaker_open"]


def test_a_server_that_hangs_up() -> None:
    assert read(lambda _: None) == ["redis_disconnected"]


def test_bytes_that_are_no_reply() -> None:
    assert read(lambda _: b"HTTP/1.1 400 Bad Request\r\n\r\n") == ["redis_disconnected"]


def test_nobody_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    cache = RedisCache.from_url(f"redis://127.0.0.1:{port}", BUDGET, Breaker(3, 60))
    with pytest.raises(CacheError) as caught:
        cache.read(b"k", soon())
    assert caught.value.fault == "redis_unreachable"


@pytest.mark.parametrize(
    ("failure", "fault"),
    [
        (TimeoutError(), "redis_timeout"),
        (socket.gaierror(-2, "Name or service not known"), "redis_unreachable"),
        (ConnectionRefusedError(), "redis_unreachable"),
        (ConnectionResetError(), "redis_disconnected"),
        (BrokenPipeError(), "redis_disconnected"),
        (ProtocolError(), "redis_disconnected"),
        (ssl.SSLCertVerificationError(), "redis_tls"),
        (ssl.SSLError(), "redis_tls"),
        (LoginRefused("WRONGPASS invalid username-password pair"), "redis_auth"),
        (LoginRefused("ERR max number of clients reached"), "redis_too_many_clients"),
        (PermissionError("no AWS credentials"), "redis_auth"),
        (Refusal("MOVED 1 a:1"), "redis_moved"),
    ],
)
def test_every_failure_has_a_fault(failure: OSError | Refusal, fault: str) -> None:
    assert fault_of(failure) == fault


def test_a_url_may_carry_user_and_password() -> None:
    with serve(lambda m: b"+OK\r\n" if b"AUTH" in m else b"$1\r\nv\r\n") as server:
        url = f"redis://app:p%40ss@127.0.0.1:{server.address.port}"
        cache = RedisCache.from_url(url, BUDGET, Breaker(3, 60))
        assert cache.read(b"k", soon()) == b"v"
        assert b"app\r\n$4\r\np@ss" in server.messages[0]
        cache.close()


def test_a_login_takes_the_place_of_the_password() -> None:
    with serve(lambda m: b"+OK\r\n" if b"AUTH" in m else b"$1\r\nv\r\n") as server:
        url = f"redis://app@127.0.0.1:{server.address.port}"
        cache = RedisCache.from_url(url, BUDGET, Breaker(3, 60), login=lambda: ("app", "token"))
        assert cache.read(b"k", soon()) == b"v"
        assert b"token" in server.messages[0]
        cache.close()


def test_one_tls_context_serves_all_connections() -> None:
    cache = RedisCache.from_url("rediss://example.invalid", BUDGET, Breaker(3, 60))
    context = cache._cluster._tls
    assert isinstance(context, ssl.SSLContext)
    assert context.check_hostname
    assert context.verify_mode == ssl.CERT_REQUIRED
    assert cache._cluster._home._tls is context


def test_a_pool_without_a_place_is_no_failure_of_redis() -> None:
    breaker = Breaker(1, 60)

    class Full:
        def run_one(self, *_: object) -> object:
            raise PoolExhausted("full")

    cache = RedisCache(Full(), breaker)  # type: ignore[arg-type]
    with pytest.raises(CacheError) as caught:
        cache.read(b"k", soon())
    assert caught.value.fault == "redis_pool_exhausted"
    assert not breaker.is_open


def test_checking_in_sends_the_demand_in_the_same_message() -> None:
    # GIVEN a server that refuses to count
    with serve(lambda m: b"$2\r\nv1\r\n" + b"-OOM full\r\n" * (m.count(b"INCRBY") + m.count(b"EXPIRE"))) as server:
        url = f"redis://127.0.0.1:{server.address.port}"
        cache = RedisCache.from_url(url, BUDGET, Breaker(3, 60))
        # THEN the version comes all the same, after one message
        assert cache.check_in(b"version", Tally({7: 3, 8: 1}, hits=4, warmed=2), soon()) == b"v1"
        assert len(server.messages) == 1
        assert server.messages[0].count(b"ZINCRBY") == 2
        assert cache.check_in(b"version", Tally(), soon()) == b"v1"
        assert server.messages[1].count(b"INCRBY") == 0
        cache.close()


def test_a_write_that_is_refused_is_told() -> None:
    with serve(lambda _: b"+OK\r\n-OOM full\r\n") as server:
        cache = RedisCache.from_url(f"redis://127.0.0.1:{server.address.port}", BUDGET, Breaker(3, 60))
        with pytest.raises(CacheError) as caught:
            cache.write([Entry(b"a", b"1", 10), Entry(b"b", b"2", 10)], soon())
        assert caught.value.fault == "redis_oom"
        cache.close()
