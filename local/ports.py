"""TCP ports on loopback."""

import socket

from local.errors import PortTaken

HOST = "127.0.0.1"


def free_ports(count: int) -> list[int]:
    """Ports nobody listens on now, all different; another program may still be faster to take one."""
    sockets = [socket.socket(socket.AF_INET, socket.SOCK_STREAM) for _ in range(count)]
    try:
        for each in sockets:
            each.bind((HOST, 0))
        return [each.getsockname()[1] for each in sockets]
    finally:
        for each in sockets:
            each.close()


def free_port() -> int:
    """A port nobody listens on now."""
    return free_ports(1)[0]


def require_free(port: int) -> None:
    """Raises `PortTaken` if the port cannot be listened on, with a way out."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        # As servers do: a connection that has just closed does not make the port taken.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except PermissionError:
            raise PortTaken(f"port {port} needs root; choose one above 1023: make run PORT=8000") from None
        except OSError:
            other = port + 1 if port < 65535 else 8000
            raise PortTaken(f"port {port} is taken by another program; choose another: make run PORT={other}") from None
