"""TCP ports on loopback."""

import errno
import socket
import time

from local.stack.errors import LocalError

HOST = "127.0.0.1"


def free_ports(count: int) -> list[int]:
    """Return different ports that are free now; another program may still take one of them first."""
    sockets = [socket.socket(socket.AF_INET, socket.SOCK_STREAM) for _ in range(count)]
    try:
        for each in sockets:
            each.bind((HOST, 0))
        return [each.getsockname()[1] for each in sockets]
    finally:
        for each in sockets:
            each.close()


def free_port() -> int:
    """Return a port that is free now."""
    return free_ports(1)[0]


def require_free(port: int, timeout: float = 1.0) -> None:
    """Raise `LocalError`, with a remedy, if the port is not free within `timeout` seconds.

    A run that has just stopped needs a moment to release its port.
    """
    deadline = time.monotonic() + timeout
    while (error := _bind_error(port)) and time.monotonic() < deadline and error != errno.EACCES:
        time.sleep(0.05)
    if error == errno.EACCES:
        raise LocalError(f"port {port} needs root; choose one above 1023: make run PORT=8000")
    if error:
        other = port + 1 if port < 65535 else 8000
        raise LocalError(f"port {port} is taken by another program; choose another: make run PORT={other}")


def _bind_error(port: int) -> int:
    """Return the error number of listening on the port; 0 if that works."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        # As servers do: a connection that has just closed does not make the port taken.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
            probe.listen()
        except OSError as error:
            return error.errno or errno.EADDRINUSE
        return 0
