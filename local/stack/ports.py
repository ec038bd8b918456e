"""TCP ports on loopback."""

import errno
import socket
import time

from local.stack.errors import PortTaken

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


def require_free(port: int, patience: float = 1.0) -> None:
    """Raises `PortTaken`, with a way out, if the port cannot be listened on within `patience` seconds.

    A run that was just ended needs a moment to let go of it.
    """
    deadline = time.monotonic() + patience
    while (obstacle := _obstacle(port)) and time.monotonic() < deadline and obstacle != errno.EACCES:
        time.sleep(0.05)
    if obstacle == errno.EACCES:
        raise PortTaken(f"port {port} needs root; choose one above 1023: make run PORT=8000")
    if obstacle:
        other = port + 1 if port < 65535 else 8000
        raise PortTaken(f"port {port} is taken by another program; choose another: make run PORT={other}")


def _obstacle(port: int) -> int:
    """0, or the error number of listening on the port."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        # As servers do: a connection that has just closed does not make the port taken.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
            probe.listen()
        except OSError as error:
            return error.errno or errno.EADDRINUSE
        return 0
