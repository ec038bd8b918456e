"""The base class of the embedded PostgreSQL and Valkey servers."""

from abc import ABC, abstractmethod

from local.stack.child_process import ChildProcess
from local.stack.errors import NotReady


class EmbeddedServer(ChildProcess, ABC):
    """A server from a wheel that runs as a child process. The constructor of a subclass must call `use_port`."""

    port: int
    start_timeout: float

    @abstractmethod
    def choose_ports(self, port: int) -> None:
        """Set the attribute `port`. 0 selects a free port."""

    @abstractmethod
    def prepare(self) -> None:
        """Write the configuration, or set the command, for the current port."""

    @abstractmethod
    def ready(self) -> bool:
        """Return whether the server accepts requests."""

    def use_port(self, port: int) -> None:
        """Set the port for the next start. 0 selects a free port."""
        self._any_port = not port
        self.choose_ports(port)

    def launch(self) -> None:
        """Start the server without waiting until it is ready."""
        self.prepare()
        super().start()

    def start(self) -> None:
        """Start the server and wait until it is ready. Retry on another port if the free one was taken meanwhile."""
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
