import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st
from redis.crc import key_slot

from chalicelib.cluster import Cluster, PoolExhausted, slot_of
from chalicelib.deadline import Deadline
from chalicelib.keys import lease_key, value_key
from chalicelib.resp import Refusal, encode
from chalicelib.settings import Budget
from tests.scripted import Answer, serve

BUDGET = Budget(connect=1, command=1, total=2)
GET = encode("GET", b"k")
SLOTS = encode("CLUSTER", "SLOTS")


def soon() -> Deadline:
    return Deadline.after(3)


@given(st.binary(max_size=60))
def test_slots_are_those_of_redis(key: bytes) -> None:
    assert slot_of(key) == key_slot(key)


@given(st.integers(0, 2**63 - 1), st.text(min_size=1))
def test_a_value_and_its_lease_live_in_one_slot(cell: int, version: str) -> None:
    assert slot_of(value_key(cell, version)) == slot_of(lease_key(cell))


def test_one_connection_serves_one_command_after_the_other() -> None:
    with serve(lambda _: b"$1\r\nv\r\n") as server:
        cluster = Cluster(server.address, BUDGET)
        for _ in range(5):
            assert cluster.run([(b"k", GET)], soon()) == [b"v"]
        cluster.close()
        assert server.connections == 1


def test_a_connection_that_was_cut_is_replaced_and_the_command_sent_again() -> None:
    # GIVEN a server that hangs up on every second message
    answers = iter([b":1\r\n", None, b":2\r\n"])
    with serve(lambda _: next(answers)) as server:
        cluster = Cluster(server.address, BUDGET)
        assert cluster.run([(b"k", GET)], soon()) == [1]
        # THEN nobody notices
        assert cluster.run([(b"k", GET)], soon()) == [2]
        cluster.close()
        assert server.connections == 2


def test_a_server_that_always_hangs_up_is_tried_twice() -> None:
    with serve(lambda _: None) as server:
        with pytest.raises(ConnectionError):
            Cluster(server.address, BUDGET).run([(b"k", GET)], soon())
        assert len(server.messages) == 2


def test_silence_is_waited_for_no_longer_than_the_total() -> None:
    with serve(lambda _: b"") as server:
        cluster = Cluster(server.address, Budget(connect=0.1, command=0.05, total=0.12))
        started = time.monotonic()
        with pytest.raises(TimeoutError):
            cluster.run([(b"k", GET)], soon())
        assert 0.05 < time.monotonic() - started < 0.3


def test_after_idling_for_long_a_connection_is_replaced_before_use() -> None:
    with serve(lambda _: b":1\r\n") as server:
        cluster = Cluster(server.address, BUDGET, idle=0.0)
        cluster._home._CHECK_AFTER = 0.0
        for _ in range(3):
            cluster.run([(b"k", GET)], soon())
        assert server.connections == 3
        cluster.close()


def test_an_old_connection_is_replaced_before_its_sign_in_ends() -> None:
    with serve(lambda _: b":1\r\n") as server:
        cluster = Cluster(server.address, BUDGET, max_age=0.0)
        for _ in range(3):
            cluster.run([(b"k", GET)], soon())
        cluster.close()
        assert server.connections == 3


def test_a_connection_that_died_while_idle_is_noticed_before_use() -> None:
    # GIVEN a server that answers once on each connection, then hangs up at once
    with serve(lambda _: b":1\r\n") as first:
        cluster = Cluster(first.address, BUDGET)
        cluster._home._CHECK_AFTER = 0.0
        cluster.run([(b"k", GET)], soon())
    # WHEN it is gone THEN its connection is not used again
    assert cluster._home._take() is None


def test_a_process_opens_no_more_connections_than_it_may() -> None:
    # GIVEN one connection at most, which another thread is waiting on
    with serve(lambda _: b"") as server, ThreadPoolExecutor(1) as pool:
        cluster = Cluster(server.address, Budget(1, 0.3, 0.3), size=1)
        other = pool.submit(cluster.run, [(b"k", GET)], soon())
        while not server.messages:
            time.sleep(0.001)
        with pytest.raises(PoolExhausted):
            cluster.run([(b"k", GET)], Deadline.after(0.05))
        with pytest.raises(TimeoutError):
            other.result()
        assert server.connections <= 2


def test_what_moved_is_followed_and_remembered() -> None:
    # GIVEN a key that another server owns
    with serve(lambda m: slots if m == SLOTS else b"$5\r\nthere\r\n") as owner:
        slots = b"*1\r\n*3\r\n:0\r\n:16383\r\n*2\r\n$9\r\n127.0.0.1\r\n:%d\r\n" % owner.address.port
        moved = f"-MOVED {slot_of(b'k')} 127.0.0.1:{owner.address.port}\r\n".encode()
        with serve(lambda _: moved) as endpoint:
            cluster = Cluster(endpoint.address, BUDGET)
            # THEN it is found there, the map is read once, and the endpoint is not asked again
            assert [cluster.run([(b"k", GET)], soon()) for _ in range(3)] == [[b"there"]] * 3
            assert len(endpoint.messages) == 1
            assert owner.messages.count(SLOTS) == 1
            cluster.close()


def test_commands_for_several_servers_go_out_together_and_come_back_in_order() -> None:
    # GIVEN two servers with half of the slots each
    def answer(number: int) -> Answer:
        return lambda message: slots if message == SLOTS else b":%d\r\n" % number * message.count(b"GET")

    with serve(answer(1)) as one, serve(answer(2)) as two, serve(lambda _: moved) as endpoint:
        moved = f"-MOVED {slot_of(b'k')} 127.0.0.1:{one.address.port}\r\n".encode()
        entry = b"*3\r\n:%d\r\n:%d\r\n*2\r\n$9\r\n127.0.0.1\r\n:%d\r\n"
        slots = b"*2\r\n" + entry % (0, 8191, one.address.port) + entry % (8192, 16383, two.address.port)
        cluster = Cluster(endpoint.address, BUDGET)
        cluster.run([(b"k", GET)], soon())
        # WHEN keys of both are asked for THEN each comes from its owner
        keys = [b"key%d" % n for n in range(20)]
        replies = cluster.run([(key, encode("GET", key)) for key in keys], soon())
        assert replies == [1 if slot_of(key) < 8192 else 2 for key in keys]
        cluster.close()


def test_an_ask_is_followed_once_and_not_remembered() -> None:
    with serve(lambda _: b"+OK\r\n$5\r\nthere\r\n") as importing:
        ask = f"-ASK {slot_of(b'k')} 127.0.0.1:{importing.address.port}\r\n".encode()
        with serve(lambda _: ask) as endpoint:
            cluster = Cluster(endpoint.address, BUDGET)
            assert cluster.run([(b"k", GET)], soon()) == [b"there"]
            assert cluster.run([(b"k", GET)], soon()) == [b"there"]
            assert importing.messages[0].startswith(encode("ASKING"))
            assert len(endpoint.messages) == 2
            cluster.close()


def test_redirections_without_end_are_given_up() -> None:
    with serve(lambda m: b"*0\r\n" if m == SLOTS else moved) as endpoint:
        moved = f"-MOVED {slot_of(b'k')} :{endpoint.address.port}\r\n".encode()
        cluster = Cluster(endpoint.address, BUDGET)
        (reply,) = cluster.run([(b"k", GET)], soon())
        assert isinstance(reply, Refusal)
        assert reply.word == "MOVED"
        assert len(endpoint.messages) < 10
        cluster.close()


@pytest.mark.parametrize("nowhere", ["MOVED", "MOVED 1", "MOVED 1 host", "MOVED 1 host:port"])
def test_a_redirection_to_nowhere_is_an_error(nowhere: str) -> None:
    with serve(lambda _: f"-{nowhere}\r\n".encode()) as endpoint:
        cluster = Cluster(endpoint.address, BUDGET)
        with pytest.raises(ConnectionError):
            cluster.run([(b"k", GET)], soon())
        cluster.close()


def test_a_node_that_went_away_leads_back_to_the_endpoint() -> None:
    # GIVEN a map that names a node which then dies
    moved, answer = b"", b"$4\r\nhome\r\n"
    with serve(lambda _: moved or answer) as endpoint:
        with serve(lambda m: b"*0\r\n" if m == SLOTS else b"$5\r\nthere\r\n") as owner:
            moved = f"-MOVED {slot_of(b'k')} 127.0.0.1:{owner.address.port}\r\n".encode()
            cluster = Cluster(endpoint.address, BUDGET)
            assert cluster.run([(b"k", GET)], soon()) == [b"there"]
        # WHEN asked again THEN the endpoint is
        moved = b""
        assert cluster.run([(b"k", GET)], soon()) == [b"home"]
        cluster.close()


def test_a_primary_that_became_a_replica_is_looked_for_anew() -> None:
    answers = iter([b"-READONLY You can't write against a read only replica.\r\n", b"+OK\r\n"])
    with serve(lambda _: next(answers)) as server:
        cluster = Cluster(server.address, BUDGET)
        assert cluster.run([(b"k", encode("SET", b"k", b"v"))], soon()) == [b"OK"]
        assert server.connections == 2
        cluster.close()


def test_error_replies_are_told_in_their_place() -> None:
    with serve(lambda _: b"+OK\r\n-OOM command not allowed\r\n") as server:
        cluster = Cluster(server.address, BUDGET)
        assert cluster.run([(b"a", GET), (b"b", GET)], soon()) == [b"OK", Refusal("OOM command not allowed")]
        cluster.close()
