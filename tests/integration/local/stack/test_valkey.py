import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from local.stack import valkey
from local.stack.ports import HOST, free_ports


@pytest.fixture
def client(valkey_server: valkey.ValkeyServer) -> Iterator[redis.RedisCluster]:
    """What an application gets."""
    with redis.RedisCluster.from_url(valkey_server.url) as cluster:
        yield cluster


@pytest.fixture
def node(valkey_server: valkey.ValkeyServer) -> Iterator[redis.Redis]:
    """An application's connection to the one node, which sends what it is told to."""
    with redis.Redis.from_url(valkey_server.url) as connection:
        yield connection


def send(node: redis.Redis, *command: str) -> object:
    """The answer to a command as it stands."""
    return node.execute_command(*command)  # type: ignore[no-untyped-call]


def test_one_node_serves_all_slots(client: redis.RedisCluster) -> None:
    # GIVEN keys all over the slots
    keys = [f"local:{number}" for number in range(64)]
    for key in keys:
        # WHEN each is written and read
        client.set(key, key, ex=60)
        # THEN the one node has it
        assert client.get(key) == key.encode()


def test_keys_of_several_slots_in_one_command_are_refused(node: redis.Redis) -> None:
    with pytest.raises(redis.ResponseError, match="hash to the same slot"):
        send(node, "MGET", "local:1", "local:2")


@pytest.mark.parametrize("command", [each for each in valkey.UNAVAILABLE.split() if "|" not in each])
def test_a_command_that_serverless_lacks_is_refused(node: redis.Redis, command: str) -> None:
    # WHEN an application sends it, with more arguments than any needs
    # THEN it is refused as on ElastiCache
    with pytest.raises(redis.ResponseError, match=r"no permissions|wrong number|unknown subcommand|not allowed"):
        send(node, command, "x", "y", "z")


@pytest.mark.parametrize("command", ["CONFIG GET maxmemory", "KEYS *", "CLIENT LIST", "ACL DELUSER x", "CLUSTER RESET"])
def test_a_command_that_would_work_elsewhere_is_refused(node: redis.Redis, command: str) -> None:
    with pytest.raises(redis.exceptions.NoPermissionError):
        send(node, *command.split())


def test_only_keys_with_a_ttl_are_evicted(valkey_server: valkey.ValkeyServer) -> None:
    # WHEN the one who may asks for the settings
    with redis.Redis.from_url(valkey_server.admin_url) as admin:
        settings = admin.config_get("maxmemory-policy", "save", "appendonly")
    # THEN they are those of ElastiCache Serverless, and nothing is written to disk
    assert settings == {"maxmemory-policy": "volatile-lru", "save": "", "appendonly": "no"}


def test_a_server_hangs_goes_on_dies_and_comes_back_empty() -> None:
    with valkey.serve() as server, redis.Redis.from_url(server.url, socket_timeout=0.5, retry=None) as client:
        client.set("a", "1")
        # WHEN it is paused
        server.pause()
        # THEN it takes the command and does not answer
        with pytest.raises(redis.TimeoutError):
            client.get("a")
        # WHEN it goes on
        server.resume()
        # THEN it has what it had
        assert client.get("a") == b"1"
        # WHEN it is killed
        server.kill()
        with pytest.raises(redis.ConnectionError):
            client.get("a")
        # THEN it starts again on the same port, empty
        server.start()
        assert client.get("a") is None


def test_a_port_that_somebody_takes_first_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    # GIVEN a program that is faster than us
    with socket.create_server((HOST, 0)) as other:
        taken = other.getsockname()[1]
        free = iter([[taken, free_ports(1)[0]], free_ports(2)])
        monkeypatch.setattr(valkey, "free_ports", lambda *_: next(free))
        # WHEN a server is started on a port that was free a moment ago
        with valkey.serve() as server:
            # THEN it is on another one
            assert server.port != taken


def test_a_server_in_a_folder_of_ones_own_makes_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # GIVEN a place for temporary folders, which a run that is killed could not clear
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    # WHEN a server is to live in a folder that stays THEN that is the only one
    with valkey.prepared(tmp_path / "valkey"):
        assert [path.name for path in tmp_path.iterdir()] == ["valkey"]
    # AND without one it gets a folder, which is gone at the end
    with valkey.prepared() as server:
        assert server.folder.parent == tmp_path
    assert not server.folder.exists()
