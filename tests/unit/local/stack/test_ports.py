import secrets
import socket
from itertools import chain

import pytest

from local import LocalError
from local.stack.ports import HOST, PORTS, free_port, free_ports, require_free


def test_free_ports_are_none_that_a_connection_takes() -> None:
    # GIVEN connections, which get their ports from the system
    with socket.create_server((HOST, 0)) as other, socket.create_connection(other.getsockname()) as connection:
        # THEN free ports lie below theirs, so that no connection takes one before a server listens on it
        assert max(free_ports(5)) < min(other.getsockname()[1], connection.getsockname()[1])


def test_a_taken_port_is_not_chosen_and_is_named_together_with_a_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    # GIVEN a program that listens on the port that we choose first
    with socket.create_server((HOST, free_port())) as other:
        taken = other.getsockname()[1]
        choices = chain([taken], PORTS)
        monkeypatch.setattr(secrets, "choice", lambda _: next(choices))
        # WHEN we want a free port THEN it is another one
        assert free_port() != taken
        # WHEN we want that port THEN the error names it, and another port to use
        with pytest.raises(LocalError, match=rf"port {taken} is taken .* choose another, such as PORT=\d+$"):
            require_free(taken, timeout=0)
