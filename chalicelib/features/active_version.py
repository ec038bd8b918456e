"""Which dataset is active, as far as this process knows."""

from chalicelib.features.deadline import Deadline
from chalicelib.features.demand import Demand
from chalicelib.features.keys import VERSION
from chalicelib.features.protocols import Cache


class ActiveVersion:
    """The version of the active dataset, trusted for `ttl` seconds after it was read.

    `value` is None until the first read that succeeds. Moments are of the monotonic clock.
    """

    def __init__(self, ttl: float) -> None:
        self.value: str | None = None
        self._ttl = ttl
        self._trusted_until = 0.0

    def is_trusted(self, moment: float) -> bool:
        """Whether it needs no read now."""
        return moment < self._trusted_until

    def set(self, version: str, since: float) -> None:
        """Trust a version from `since`: the moment the read began, so that a switch during the read is seen in time."""
        self.value = version
        self._trusted_until = since + self._ttl

    def read(self, cache: Cache, demand: Demand, moment: float, deadline: Deadline) -> None:
        """Read the version from Redis, and send the demand counted so far in the same round trip.

        If Redis has none, the known one stays trusted; the next database query writes it to Redis again.
        Raises `CacheError`, and `UnicodeDecodeError` if the stored text is corrupt.
        """
        data = cache.check_in(VERSION, demand.take(), deadline)
        if data is not None:
            self.set(data.decode(), moment)
        elif self.value is not None:
            self.set(self.value, moment)
