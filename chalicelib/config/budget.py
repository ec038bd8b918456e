"""Time limits for one dependency."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Budget:
    """Time limits for one dependency, in seconds.

    `connect`: a request's wait for a new connection. `command`: one command or query. `total`: all calls of one
    request, including retries. `sign_in`: opening a connection, over as many requests as it takes.

    >>> Budget(connect=0.3, command=0.15, total=0.4).command
    0.15
    """

    connect: float
    command: float
    total: float
    sign_in: float = 40.0
