"""Times that cannot be right, and photos outside of their deployments."""

from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from faunalens.study.clocks import Doubts, doubts_of, jumps_back
from faunalens.study.results import ResultsFile
from tests.support.studies import IMPALA, answer, write_study

NOW = datetime(2026, 6, 1, tzinfo=UTC)


def doubts(folder: Path, **times: str | None) -> Doubts:
    """Return what is doubtful about photos of the folders N and S/card, and of others, with an hour between them."""
    photos = [(path.replace("_", "/") + ".JPG", taken, answer(IMPALA)) for path, taken in times.items()]
    write_study(folder / "study.db", photos)
    with ResultsFile(folder / "study.db", write=False) as results:
        return doubts_of(results, NOW)


def test_what_cannot_be_right_is_said(tmp_path: Path) -> None:
    # GIVEN a clock that was reset, one that is ahead, and photos outside of their dates, and in no deployment
    found = doubts(
        tmp_path,
        N_1="2026-05-31 23:59:59",
        N_2="2026-06-01 00:00:00",
        S_card_1="2026-06-02 00:00:01",
        S_card_2=None,
        W_1="2000-01-01 05:00:00",
        X_1="2012-01-01 00:00:12",
        X_2="2012-03-01 00:00:00",
        X_3="2026-05-02 00:00:00",
    )
    assert +Counter(found.numbers) == {"untimed": 1, "reset": 3, "future": 1, "outside": 1, "unassigned": 4}
    assert [sentence.split(" ")[0] for sentence in found.sentences()] == ["1", "3", "1", "1", "4"]
    assert len(list(found.sentences(but=("untimed",)))) == 4


def test_a_study_in_order_has_no_doubts_once_its_clock_is_corrected(tmp_path: Path) -> None:
    assert doubts(tmp_path, N_1="2000-01-01 00:00:00", N_2="2000-01-01 00:00:30").numbers["reset"] == 2
    with ResultsFile(tmp_path / "study.db", write=True) as results:
        with results.transaction() as connection:
            connection.execute("update photo set shift = ?", (9_618 * 86_400,))  # to 2 May 2026
        assert list(doubts_of(results, NOW).sentences()) == []


def card(times: Iterable[datetime]) -> list[tuple[str, datetime]]:
    return sorted((f"N/IMG_{number}.JPG", time) for number, time in enumerate(times, 1))


MAY = datetime(2026, 5, 1)  # noqa: DTZ001, a camera's clock
HOURS = [MAY + timedelta(hours=number) for number in range(12)]


@pytest.mark.parametrize(
    ("times", "expected"),
    [
        (HOURS, False),  # IMG_10 comes after IMG_9
        ([*HOURS[:6], *(each - timedelta(days=5000) for each in HOURS[6:])], True),  # the batteries were changed
        ([*HOURS[:6], HOURS[5] - timedelta(hours=3), *HOURS[6:]], True),
        ([*HOURS[:6], HOURS[5] - timedelta(hours=1), *HOURS[6:]], False),  # the end of summer time
        ([*HOURS[6:], *HOURS[:6]], False),  # IMG_9999 was followed by IMG_0001
        ([], False),
    ],
)
def test_a_clock_jumps_back_within_a_card(times: list[datetime], expected: bool) -> None:
    assert jumps_back(card(times)) is expected


@given(st.lists(st.datetimes(), max_size=30))
def test_a_clock_that_runs_never_jumps_back(times: list[datetime]) -> None:
    assert not jumps_back(card(sorted(times)))
