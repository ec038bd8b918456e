"""The wish to end, from a signal or another thread."""

import os
import select
import signal
import time
from threading import Thread


class End:
    """As threading.Event, but `set` is safe in a signal handler, where a lock could wait for itself."""

    def __init__(self) -> None:
        self._read, self._write = os.pipe()
        os.set_blocking(self._write, False)

    @classmethod
    def on_signals(cls) -> "End":
        """Set by Ctrl-C, by `kill`, and by the terminal that goes away."""
        end = cls()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, lambda *_: end.set())
        return end

    def set(self) -> None:
        os.write(self._write, b".")

    def is_set(self) -> bool:
        return self.wait(0)

    def wait(self, seconds: float) -> bool:
        """Wait until it is set, at most `seconds`; returns whether it is."""
        return bool(select.select([self._read], [], [], seconds)[0])

    def follow(self, parent: int) -> None:
        """Set it when `parent`, our parent process, is gone: killed with -9, `make` tells us nothing."""

        def watch() -> None:
            while os.getppid() == parent:
                time.sleep(0.25)
            self.set()

        Thread(target=watch, daemon=True).start()
