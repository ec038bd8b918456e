from collections.abc import Iterator

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


LACKING = [f"{each} x y z" for each in valkey.UNAVAILABLE.split() if "|" not in each]
"""Commands that ElastiCache Serverless lacks, with more arguments than any of them needs."""
DANGEROUS = ["CONFIG GET maxmemory", "KEYS *", "CLIENT LIST", "ACL DELUSER x", "CLUSTER RESET"]
REFUSAL = "no permissions|wrong number|unknown subcommand|not allowed|hash to the same slot"


@pytest.mark.parametrize("command", [*LACKING, *DANGEROUS, "MGET local:1 local:2"])
def test_a_command_that_serverless_lacks_or_refuses_is_refused(node: redis.Redis, command: str) -> None:
    with pytest.raises(redis.ResponseError, match=REFUSAL):
        node.execute_command(*command.split())  # type: ignore[no-untyped-call]
