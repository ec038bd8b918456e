"""A sign-in: opening a connection, from TCP to the server's consent. It may outlast the request that began it.

A paused Aurora takes 15 s and more to resume, and IAM sign-in is slow at times. A request cannot wait for that, and a
sign-in that is dropped and begun anew would never succeed. So a sign-in is kept, and each request takes the steps that
have become possible. Its first requests wait for the server, together no longer than one connect timeout. Later ones
only look, until the server has sent something. Lambda may freeze the process in between.

The steps are a generator that yields whenever it must wait for the socket, so both stores have the same state machine.
A thread that connects in the background would be the other way. Lambda freezes it between requests too, so it gains
nothing there, and it would cost a start for each connection, and locks around redis-py's connections and libpq's.
"""

import select
from collections.abc import Generator
from time import monotonic, time

from chalicelib.features.deadline import Deadline

type Steps[C] = Generator[tuple[int, int], None, C]
"""The steps of a sign-in. Yields a file descriptor and the event of `select.poll` to wait for; returns the connection.

Closes its socket if it raises, or if it is closed before its end."""


class SignIn[C]:
    """A sign-in under way. Only one thread may use it at a time.

    `patience`: seconds that requests wait for the next sign of life from the server, all requests together.
    `first`: the same for the first sign of life, if it differs. `limit`: seconds after which the sign-in has failed.
    """

    def __init__(self, steps: Steps[C], patience: float, limit: float, *, first: float | None = None) -> None:
        self._steps, self._patience, self._limit = steps, patience, limit
        self._left = patience if first is None else first
        self._awaited: tuple[int, int] | None = None
        self._began = time()  # a monotonic clock may stand still while Lambda freezes the container

    @property
    def seconds(self) -> float:
        """Return the time since the beginning, in seconds."""
        return max(time() - self._began, 0.0)

    @property
    def is_overdue(self) -> bool:
        """Return whether the sign-in has taken longer than its limit."""
        return self.seconds > self._limit

    @property
    def is_stalled(self) -> bool:
        """Return whether requests have waited long enough, so that they now only look."""
        return self._left <= 0.0

    def proceed(self, deadline: Deadline) -> C | None:
        """Take the steps that are possible by the deadline. Return the connection, or None if steps remain.

        Raises what a step raises, and `TimeoutError` after the limit. Then the sign-in is over.
        """
        try:
            while self._is_ready(deadline):
                self._awaited = next(self._steps)
                if deadline.left() <= 0:
                    break
        except StopIteration as end:
            connection: C = end.value
            return connection
        if self.is_overdue:  # checked last, because the server may have replied long ago, during a freeze
            self.close()
            raise TimeoutError(f"the sign-in was not through after {self._limit:g} s")
        return None

    def close(self) -> None:
        """Give up, and close the socket."""
        self._steps.close()

    def _is_ready(self, deadline: Deadline) -> bool:
        """Wait until the next step is possible. Return False if it is not by the deadline."""
        if self._awaited is None:
            return True
        poll = select.poll()
        poll.register(*self._awaited)
        started = monotonic()
        is_ready = bool(poll.poll(max(min(deadline.left(), self._left), 0.0) * 1e3))
        if is_ready and self._awaited[1] == select.POLLIN:  # a hung server's kernel still accepts connections and data
            self._left = self._patience
        else:
            self._left -= monotonic() - started
        return is_ready
