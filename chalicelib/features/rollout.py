"""Which dataset answers for which cells: the active one, and beside it a candidate that is on trial."""

import json
from typing import NamedTuple, Self

BUCKETS = 10_000
"""Number of buckets into which cells are divided. A trial takes the first ones, so a larger share keeps its cells."""
_PRIME = 104_729


class Rollout(NamedTuple):
    """The active dataset, and a candidate that is on trial for a share of the cells.

    `switch`: number of the change that led to this state; a database numbers its changes, so no two states are equal.
    `active`, `candidate`: versions. `share`: number of buckets on trial. `in_shadow`: whether the active dataset
    answers for cells on trial too, and the candidate is only compared with it.
    """

    switch: int
    active: str
    candidate: str | None = None
    share: int = 0
    in_shadow: bool = False

    @classmethod
    def from_text(cls, text: str | bytes) -> Self:
        """Return the rollout in a text of `to_text` or of the SQL function `rollout_text`. Raises `ValueError`."""
        match json.loads(text):
            case [int() as switch, str() as active, str() | None as candidate, int() as share, bool() as in_shadow]:
                return cls(switch, active, candidate, share, in_shadow)
        raise ValueError("not a rollout")

    def to_text(self) -> str:
        """Return the rollout as text."""
        return json.dumps(self, allow_nan=False)

    def version_of(self, cell: int) -> str:
        """Return the version of the dataset that answers for a cell."""
        if self.candidate is None or self.in_shadow or bucket_of(cell) >= self.share:
            return self.active
        return self.candidate

    def shadow_of(self, cell: int) -> str | None:
        """Return the version with which answers for a cell are compared, or None."""
        return self.candidate if self.in_shadow and bucket_of(cell) < self.share else None


def bucket_of(cell: int) -> int:
    """Return the bucket of a cell, as the SQL function `bucket_of` does. Neighbours are in unrelated buckets."""
    return cell % _PRIME * 48_271 % _PRIME * BUCKETS // _PRIME
