"""Who has which event."""

from collections.abc import Iterator

import pytest

from cli.results import ResultsFile
from cli.review.holds import SECONDS, held_by, hold, release


@pytest.fixture
def results() -> Iterator[ResultsFile]:
    """Results in memory."""
    with ResultsFile(None, write=True) as results:
        yield results


def test_an_event_has_one_reviewer_at_a_time(results: ResultsFile) -> None:
    assert hold(results, [1, 2, 3], "firefox", "A. Person") is None
    # THEN no other browser gets a part of it, and the same one goes on
    assert hold(results, [3, 4], "chrome", "B. Other") == "A. Person"
    assert held_by(results, [4], "firefox") is None
    assert hold(results, [1, 2, 3], "firefox", "A. Person") is None
    # WHEN it is released THEN another one gets it
    release(results, "fire")
    assert hold(results, [3, 4], "chrome", "B. Other") is None
    assert held_by(results, [3], "firefox") == "B. Other"


def test_what_is_not_renewed_is_free_after_two_minutes(results: ResultsFile, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [1_800_000_000.0]
    monkeypatch.setattr("cli.review.holds.time", lambda: now[0])
    hold(results, [1], "firefox", "A. Person")
    now[0] += SECONDS - 1
    assert hold(results, [1], "chrome", "B. Other") == "A. Person"
    hold(results, [1], "firefox", "A. Person")
    now[0] += SECONDS - 1
    assert hold(results, [1], "chrome", "B. Other") == "A. Person"
    now[0] += 2
    assert hold(results, [1], "chrome", "B. Other") is None
