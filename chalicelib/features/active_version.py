"""The version of the active dataset, as this process last read it."""

from chalicelib.features.deadline import Deadline
from chalicelib.features.demand import Demand
from chalicelib.features.keys import VERSION
from chalicelib.features.protocols import Cache


class ActiveVersion:
    """The version of the active dataset, which the process trusts for `ttl` seconds after each read.

    `value` is None until the first successful read. All times are in seconds on the monotonic clock.
    """

    def __init__(self, ttl: float) -> None:
        self.value: str | None = None
        self._ttl = ttl
        self._trusted_until = 0.0

    def is_trusted(self, moment: float) -> bool:
        """Return whether the version can still be used at `moment` without a new read."""
        return moment < self._trusted_until

    def set(self, version: str, since: float) -> None:
        """Trust `version` for `ttl` seconds from `since`, the time at which the read of the version began.

        If the active dataset is switched during the read, the result may already be outdated. Counting from the start
        of the read ensures that this process notices the switch within `ttl` seconds.
        """
        self.value = version
        self._trusted_until = since + self._ttl

    def read(self, cache: Cache, demand: Demand, moment: float, deadline: Deadline) -> None:
        """Read the version from Redis, and report the demand counts in the same round trip.

        If Redis has no version, the known version is trusted for another `ttl` seconds. Raises `CacheError`, and
        `UnicodeDecodeError` if the version in Redis is corrupt.
        """
        data = cache.check_in(VERSION, demand.take(), deadline)
        if data is not None:
            self.set(data.decode(), moment)
        elif self.value is not None:
            self.set(self.value, moment)
