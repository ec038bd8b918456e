"""Waiting for a query: what moto has no states for."""

from typing import Any

import pytest

from faunalens.data.dataset_files import DatasetError
from faunalens.data.maintain.athena import wait_for


class Scripted:
    """Athena's client, with the answer to each look."""

    def __init__(self, *looks: tuple[str, int]) -> None:
        self._looks = list(looks)

    def get_query_execution(self, **_: str) -> dict[str, Any]:
        state, scanned = self._looks.pop(0)
        status = {"State": state, "StateChangeReason": "Bytes scanned limit was exceeded"}
        return {"QueryExecution": {"Status": status, "Statistics": {"DataScannedInBytes": scanned}}}


def test_progress_says_how_much_was_scanned() -> None:
    now = 0.0

    def wait(_seconds: float) -> None:
        nonlocal now
        now += 12.5

    said: list[str] = []
    client = Scripted(("QUEUED", 0), ("RUNNING", 2_000_000_000), ("SUCCEEDED", 3_000_000_000))
    # WHEN waited for THEN a line every ten seconds says how far it is, and the end how much was scanned
    assert wait_for(client, "q", said.append, wait, lambda: now) == 3_000_000_000
    assert said == ["     12 s  running, 2.0 GB scanned"]

    # AND a query that Athena ends says why
    with pytest.raises(DatasetError, match=r"cancelled: Bytes scanned limit was exceeded\) after 1,000.0 GB; .*Limit"):
        wait_for(Scripted(("CANCELLED", 10**12)), "q", print, lambda _seconds: None)
