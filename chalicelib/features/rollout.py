"""Which dataset answers for which cells: the active one, and beside it a candidate that is on trial."""

import json
from contextlib import suppress
from math import inf
from typing import NamedTuple, Self

BUCKETS = 10_000
"""Number of buckets into which cells are divided. A trial takes the first ones, so a larger share keeps its cells."""
_PRIME = 104_729


class Rollout(NamedTuple):
    """The active dataset, and a candidate that is on trial for a share of the cells.

    `switch`: number of the change that led to this state; a database numbers its changes, so no two states are equal.
    `active`, `candidate`: versions. `share`: number of the `BUCKETS` that are on trial. `in_shadow`: whether the
    active dataset answers for cells on trial too, and the candidate is only compared with it.
    """

    switch: int
    active: str
    candidate: str | None = None
    share: int = 0
    in_shadow: bool = False

    @classmethod
    def from_text(cls, text: str | bytes) -> Self:
        """Parse a text that `to_text` or the SQL function `rollout_text` returned. Raises `ValueError` for others."""
        with suppress(RecursionError):  # of lists within lists
            match json.loads(text):
                case [int() as switch, str() as active, str() | None as candidate, int() as share, bool() as in_shadow]:
                    return cls(switch, active, candidate, share, in_shadow)
        raise ValueError("the text is not a rollout as `to_text` writes it")

    def to_text(self) -> str:
        """Return the rollout as text."""
        return json.dumps(self, allow_nan=False)

    def version_of(self, cell: int) -> str:
        """Return the version of the dataset that answers for a cell."""
        if self.candidate is None or self.in_shadow or bucket_of(cell) >= self.share:
            return self.active
        return self.candidate

    def shadow_of(self, cell: int) -> str | None:
        """Return the version of the dataset in shadow for a cell, or None."""
        return self.candidate if self.in_shadow and bucket_of(cell) < self.share else None


def bucket_of(cell: int) -> int:
    """Return the bucket of a cell, as the SQL function `bucket_of` does. Neighbours are in unrelated buckets."""
    return cell % _PRIME * 48_271 % _PRIME * BUCKETS // _PRIME


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
        return self.value and self.value.version_of(cell)

    def shadow_of(self, cell: int) -> str | None:
        """Return the version of the dataset in shadow for a cell, or None."""
        return self.value and self.value.shadow_of(cell)

    def set(self, text: bytes, since: float) -> None:
        """Trust a rollout for `ttl` seconds from `since`, the time at which the read of it began.

        A switch during the read is then noticed within `ttl` seconds. For the same reason, a read that began before
        that of the known rollout is ignored. Raises `ValueError` if the text is corrupt.
        """
        if since < self._since:
            return
        self.text = text
        self.value = Rollout.from_text(text)
        self._since, self._trusted_until = since, since + self._ttl

    def keep(self, since: float) -> None:
        """Trust the known rollout, if there is one, for another `ttl` seconds from `since`."""
        if self.value is not None:
            self._since, self._trusted_until = since, since + self._ttl
