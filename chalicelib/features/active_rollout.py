"""The rollout of datasets, as this process last read it."""

from math import inf

from chalicelib.features.deadline import Deadline
from chalicelib.features.demand import Demand
from chalicelib.features.keys import ROLLOUT
from chalicelib.features.protocols import Cache
from chalicelib.features.rollout import Rollout


class ActiveRollout:
    """The rollout of datasets, which the process trusts for `ttl` seconds after each read.

    `value` is None until the first successful read. `text`: what was last read, even if it was corrupt. All times are
    in seconds on the monotonic clock.
    """

    def __init__(self, ttl: float) -> None:
        self.value: Rollout | None = None
        self.text: bytes | None = None
        self._ttl = ttl
        self._since = -inf
        self._trusted_until = 0.0

    def is_trusted(self, moment: float) -> bool:
        """Return whether the rollout can still be used at `moment` without a new read."""
        return moment < self._trusted_until

    def version_of(self, cell: int) -> str | None:
        """Return the version of the dataset that answers for a cell, or None if it is unknown."""
        rollout = self.value
        return rollout.version_of(cell) if rollout is not None else None

    def shadow_of(self, cell: int) -> str | None:
        """Return the version with which answers for a cell are compared, or None."""
        rollout = self.value
        return rollout.shadow_of(cell) if rollout is not None else None

    def set(self, text: bytes, since: float) -> None:
        """Trust a rollout for `ttl` seconds from `since`, the time at which the read of it began.

        If there is a switch during the read, the result may already be outdated. Counting from the start of the read
        ensures that this process notices the switch within `ttl` seconds. For the same reason the result of a read that
        began earlier than that of the known rollout is ignored. Raises `ValueError` if the text is corrupt.
        """
        if since < self._since:
            return
        self.text = text
        self.value = Rollout.from_text(text)
        self._since, self._trusted_until = since, since + self._ttl

    def read(self, cache: Cache, demand: Demand, moment: float, deadline: Deadline) -> None:
        """Read the rollout from Redis, and report the demand counts in the same round trip.

        If Redis has none, the known one is trusted for another `ttl` seconds. Raises `CacheError`, and `ValueError` if
        the text in Redis is corrupt.
        """
        data = cache.check_in(ROLLOUT, demand.take(), deadline)
        if data is not None:
            self.set(data, moment)
        elif self.value is not None:
            self._since, self._trusted_until = moment, moment + self._ttl
