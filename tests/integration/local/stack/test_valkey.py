from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from local.stack import valkey
from local.stack.ports import HOST


@pytest.fixture
def node(valkey_server: valkey.ValkeyServer) -> Iterator[redis.Redis]:
    """An application's plain connection to the one node, without cluster logic."""
    with redis.Redis.from_url(valkey_server.url) as connection:
        yield connection


@pytest.mark.parametrize("password", [None, "guess"])
def test_nobody_gets_in_without_the_password(valkey_server: valkey.ValkeyServer, password: str | None) -> None:
    # GIVEN another user of the machine, who finds the port and does not know the password
    with (
        redis.Redis(HOST, valkey_server.port, password=password, retry=Retry(NoBackoff(), 0)) as stranger,
        pytest.raises(redis.AuthenticationError),
    ):
        # WHEN they send a command THEN the server refuses it
        stranger.get("a")


def test_every_server_has_passwords_of_its_own_in_files_of_its_user(tmp_path: Path) -> None:
    # GIVEN two servers that are not started
    with valkey.serve(tmp_path / "a", start=False) as first, valkey.serve(tmp_path / "b", start=False) as second:
        passwords = [urlsplit(url).password for each in (first, second) for url in (each.url, each.admin_url)]
        # THEN all four passwords are long and different
        assert len(set(passwords)) == 4
        assert all(len(password or "") >= 24 for password in passwords)
        # AND only their user may read the configuration
        first.prepare()
        assert (first.folder / "valkey.conf").stat().st_mode & 0o777 == 0o600


LACKING = [f"{each} x y z" for each in valkey.UNAVAILABLE.split() if "|" not in each]
"""Commands that ElastiCache Serverless lacks, with more arguments than any of them needs."""
DANGEROUS = ["CONFIG GET maxmemory", "KEYS *", "CLIENT LIST", "ACL DELUSER x", "CLUSTER RESET"]
REFUSAL = "no permissions|wrong number|unknown subcommand|not allowed|hash to the same slot"


@pytest.mark.parametrize("command", [*LACKING, *DANGEROUS, "MGET local:1 local:2"])
def test_a_command_that_serverless_lacks_or_refuses_is_refused(node: redis.Redis, command: str) -> None:
    with pytest.raises(redis.ResponseError, match=REFUSAL):
        node.execute_command(*command.split())  # type: ignore[no-untyped-call]


def test_a_server_hangs_resumes_dies_and_restarts_empty() -> None:
    with valkey.serve() as server, redis.Redis.from_url(server.url, socket_timeout=0.5, retry=None) as client:
        client.set("a", "1")
        # WHEN it is paused
        server.pause()
        # THEN it accepts the command and does not answer
        with pytest.raises(redis.TimeoutError):
            client.get("a")
        # WHEN it resumes
        server.resume()
        # THEN its data are still there
        assert client.get("a") == b"1"
        # WHEN it is killed
        server.kill()
        with pytest.raises(redis.ConnectionError):
            client.get("a")
        # THEN it restarts on the same port, empty
        server.start()
        assert client.get("a") is None
