import socket

import pytest

from local.stack.errors import LocalError
from local.stack.ports import HOST, free_port, free_ports, require_free


def test_free_ports_differ_and_can_be_listened_on() -> None:
    # GIVEN several free ports
    ports = free_ports(5)
    # THEN all differ, and a server can listen on each
    assert len(set(ports)) == 5
    for port in ports:
        require_free(port)


def test_a_taken_port_is_named_together_with_a_remedy() -> None:
    # GIVEN a program that listens
    with socket.create_server((HOST, 0)) as other:
        port = other.getsockname()[1]
        # WHEN we want the same port
        # THEN the error names it, and another port to use
        with pytest.raises(LocalError, match=rf"port {port} is taken .* make run PORT=\d+"):
            require_free(port, timeout=0)


def test_a_port_is_free_as_soon_as_it_is_released() -> None:
    # GIVEN a port with a connection that has just closed
    with socket.create_server((HOST, free_port())) as other:
        port = other.getsockname()[1]
        with socket.create_connection((HOST, port)):
            other.accept()[0].close()
    # THEN the port is free at once
    require_free(port, timeout=0)
