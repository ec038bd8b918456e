"""What a page sends as observations, whatever it is; and who has which event."""

from dataclasses import asdict
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from faunalens.review.session import LONGEST, MOST, SECONDS, hold, observations_of
from faunalens.study.finding import OBSERVED, VALUES
from faunalens.study.results import ResultsFile

ANYTHING = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.lists(st.text(), max_size=2)
)
VALID = {"kind": OBSERVED, "scientific_name": ("Panthera leo", "Felidae"), "count": range(1, 9), **VALUES}
FIELDS = {name: st.sampled_from(values) | ANYTHING for name, values in VALID.items()}
SAID = st.fixed_dictionaries({}, optional=FIELDS | {"typed": ANYTHING, "note": ANYTHING})


@given(st.lists(SAID, max_size=3))
def test_only_what_exports_can_have_is_an_observation(said: list[dict[str, Any]]) -> None:
    try:
        found = observations_of(said, [])
    except (KeyError, ValueError, TypeError):
        return
    assert len(found) == len(said) > 0
    assert len(found) == 1 or not {"blank", "unknown"} & {each.kind for each in found}
    for each in found:
        assert each.kind in OBSERVED
        assert each.sex in (None, *VALUES["sex"])
        assert each.life_stage in (None, *VALUES["life_stage"])
        assert each.count is None or (isinstance(each.count, int) and 1 <= each.count <= MOST)
        assert (each.name is None) == (each.kind != "animal")
        texts = [value for value in asdict(each).values() if isinstance(value, str)]
        assert all(text and text == text.strip() and len(text) <= LONGEST for text in texts)


def test_what_is_not_renewed_is_free_after_two_minutes(results: ResultsFile, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [1_800_000_000.0]
    monkeypatch.setattr("faunalens.review.session.time", lambda: now[0])
    hold(results, [1, 2], "firefox", "A. Person")
    now[0] += SECONDS - 1
    # THEN no other browser gets a part of it, and the same one goes on
    assert hold(results, [2, 3], "chrome", "B. Other") == "A. Person"
    hold(results, [1], "firefox", "A. Person")
    now[0] += SECONDS - 1
    assert hold(results, [1], "chrome", "B. Other") == "A. Person"
    now[0] += 2
    assert hold(results, [1], "chrome", "B. Other") is None
