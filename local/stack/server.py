"""What the embedded PostgreSQL and Valkey servers have in common."""

from abc import ABC, abstractmethod

from local.stack.child_process import ChildProcess
from local.stack.errors import NotReady


class EmbeddedServer(ABC):
    """A server from a wheel, run as a child process. Port 0 means any free port."""

    child: ChildProcess
    port: int
    start_timeout: float

    def __init__(self, port: int) -> None:
        self._any_port = not port
        self.choose_ports(port)

    @abstractmethod
    def choose_ports(self, port: int) -> None:
        """Set `port`, to a free one if it is 0."""

    @abstractmethod
    def launch(self) -> None:
        """Start the process without waiting until it serves."""

    @abstractmethod
    def ready(self) -> bool:
        """Return whether it serves."""

    @property
    def pid(self) -> int:
        """Its process id."""
        return self.child.pid

    def start(self) -> None:
        """Start it and wait until it serves. Raises `NotReady`.

        If another program takes the free port first, try again with another port.
        """
        self.launch()
        while True:
            try:
                return self.wait()
            except NotReady:
                if not self._any_port or not self.child.port_was_taken:
                    raise
                self.choose_ports(0)
                self.launch()

    def wait(self) -> None:
        """Wait until it serves. Raises `NotReady`."""
        self.child.wait_until(self.ready, self.start_timeout)
        self._any_port = False  # clients know the port now

    def stop(self) -> None:
        """Stop it in order."""
        self.child.stop()

    def kill(self) -> None:
        """Kill the server and its sessions with SIGKILL, as a power failure would."""
        self.child.kill()

    def pause(self) -> None:
        """Freeze it with SIGSTOP: it accepts connections and does not answer."""
        self.child.pause()

    def resume(self) -> None:
        """Undo `pause`."""
        self.child.resume()
