import socket

import pytest

from local.stack.errors import PortTaken
from local.stack.ports import HOST, free_port, free_ports, require_free


def test_free_ports_differ_and_can_be_listened_on() -> None:
    # GIVEN several free ports
    ports = free_ports(5)
    # THEN none comes twice, and each can be bound
    assert len(set(ports)) == 5
    for port in ports:
        require_free(port)


def test_a_taken_port_is_named_together_with_a_way_out() -> None:
    # GIVEN a program that listens
    with socket.create_server((HOST, 0)) as other:
        port = other.getsockname()[1]
        # WHEN the port is wanted
        # THEN the error names it and another one
        with pytest.raises(PortTaken, match=rf"port {port} is taken .* make run PORT=\d+"):
            require_free(port, patience=0)


def test_a_port_is_free_as_soon_as_it_is_let_go() -> None:
    # GIVEN a port that was just used
    with socket.create_server((HOST, free_port())) as other:
        port = other.getsockname()[1]
        with socket.create_connection((HOST, port)):
            other.accept()[0].close()
    # THEN it can be had at once
    require_free(port, patience=0)
