"""What the embedded PostgreSQL and Valkey servers have in common."""

from abc import ABC, abstractmethod

from local.stack.child_process import ChildProcess
from local.stack.errors import NotReady


class EmbeddedServer(ChildProcess, ABC):
    """A server from a wheel, run as a child process. Subclasses call `use_port`, with port 0 for any free one."""

    port: int
    start_timeout: float

    @abstractmethod
    def choose_ports(self, port: int) -> None:
        """Set `port`, to a free one if it is 0."""

    @abstractmethod
    def prepare(self) -> None:
        """Write the configuration or set the command, for the current port."""

    @abstractmethod
    def ready(self) -> bool:
        """Return whether the server accepts requests."""

    def use_port(self, port: int) -> None:
        """Set the port for the next start; 0 means any free port."""
        self._any_port = not port
        self.choose_ports(port)

    def launch(self) -> None:
        """Start the server without waiting until it is ready."""
        self.prepare()
        super().start()

    def start(self) -> None:
        """Start the server and wait until it is ready; use another port if a program takes the free one first."""
        self.launch()
        while True:
            try:
                return self.wait_until_ready()
            except NotReady:
                if not self._any_port or not self.port_was_taken:
                    raise
                self.choose_ports(0)
                self.launch()

    def wait_until_ready(self) -> None:
        """Wait until the server is ready. Raises `NotReady`."""
        self.wait_until(self.ready, self.start_timeout)
        self._any_port = False  # clients know the port now
