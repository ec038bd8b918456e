"""Certainty: a curve for each level of names turns a probability into the share of such answers that are right."""

import json
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.config.settings import ROOT
from chalicelib.errors import ModelError
from chalicelib.model.naming import PLAIN, Basis, Level, read_certainty

FITTED = read_certainty(ROOT / "model" / "certainty.json")
ROW = {"place": [0, 1], "alone": [0, 1], "pack": [0, 1], "least": 0.5}
ROWS = dict.fromkeys(get_args(Level), ROW)

probabilities = st.floats(0, 1)


@given(
    one=probabilities,
    other=probabilities,
    level=st.sampled_from(get_args(Level)),
    basis=st.sampled_from(get_args(Basis)),
)
def test_a_likelier_answer_is_never_less_certain(one: float, other: float, level: Level, basis: Basis) -> None:
    low, high = (FITTED[level].number(each, basis) for each in sorted((one, other)))
    assert 0 <= low <= high <= 1


@pytest.mark.parametrize("level", get_args(Level))
def test_the_place_makes_an_answer_as_certain_or_more(level: Level) -> None:
    alone, placed = FITTED[level].number(0.8, "alone"), FITTED[level].number(0.8, "place")
    assert alone <= placed


@given(probability=probabilities)
def test_without_a_file_numbers_are_the_probabilities(probability: float) -> None:
    assert read_certainty(Path("nowhere") / "certainty.json") is PLAIN
    for curve in PLAIN.values():
        assert curve.number(probability, "place") == pytest.approx(probability, abs=1e-8)


@pytest.mark.parametrize(
    "rows",
    [
        [],
        {},
        {**ROWS, "list": {"place": [0, 1], "alone": [0, 1], "pack": [0, 1]}},
        {**ROWS, "animal": {**ROW, "place": [0]}},
        {**ROWS, "animal": {**ROW, "place": None}},
        {**ROWS, "family": {**ROW, "least": "much"}},
    ],
)
def test_a_faulty_file_is_an_error_that_says_what_is_expected(tmp_path: Path, rows: Any) -> None:
    path = tmp_path / "certainty.json"
    path.write_text(json.dumps(rows))
    expected = (
        r"certainty\.json cannot be read .*; expected place, alone, pack and least for animal, family, group, list"
    )
    with pytest.raises(ModelError, match=expected):
        read_certainty(path)


@pytest.mark.parametrize("data", [b"{", b"\xff"])
def test_a_file_that_is_no_json_is_an_error(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "certainty.json").write_bytes(data)
    with pytest.raises(ModelError, match=r"certainty\.json cannot be read"):
        read_certainty(tmp_path / "certainty.json")
