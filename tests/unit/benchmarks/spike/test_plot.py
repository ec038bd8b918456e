"""SVG pictures of lines: well-formed, deterministic, and readable on light and dark pages."""

import re
from math import nan
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.spike.plot import DARK, Panel, svg

SPACE = "{http://www.w3.org/2000/svg}"
values = st.floats(1e-9, 1e9) | st.sampled_from([0.0, nan])


def texts(drawing: str) -> set[str | None]:
    return {text.text for text in ElementTree.fromstring(drawing).iter(f"{SPACE}text")}  # noqa: S314 - our own


@pytest.fixture
def panel() -> Panel:
    return Panel("What", "a second", [np.array([1.0, 2.0, nan, 3.0]), np.array([4.0, 3.0, 2.0, 1.0])])


@settings(max_examples=8, deadline=None)  # a picture takes a good part of a second
@given(st.lists(st.lists(values, min_size=2, max_size=2), min_size=2, max_size=20), st.sampled_from(["linear", "log"]))
def test_any_values_make_a_picture(rows: list[list[float]], scale: str) -> None:
    # GIVEN two lines of any values with gaps; THEN they make a well-formed picture with both
    panel = Panel("What", "a second", list(np.array(rows).T), "log" if scale == "log" else "linear")
    assert {"What", "a second", "a", "b"} <= texts(svg("Title", "", ["a", "b"], [panel], [(1.0, "then")]))


@pytest.mark.parametrize("value", [0.0, nan])
def test_a_logarithmic_panel_without_positive_values_is_empty(value: float) -> None:
    panel = Panel("What", "a second", [np.array([value, value])], "log")
    assert "What" in texts(svg("Title", "", ["a"], [panel], []))


def test_a_gap_in_the_values_is_a_gap_in_the_line(panel: Panel) -> None:
    drawing = svg("Title", "", ["a", "b"], [panel], [])
    lines = [path for path in re.findall(r' d="([^"]+)" clip-path', drawing) if path.count("L") + path.count("M") == 3]
    assert [[letter for letter in path if letter.isalpha()] for path in lines] == [["M", "L", "M"]]


def test_texts_are_escaped() -> None:
    panel = Panel("x > y", "", [np.array([1.0, 2.0])])
    drawing = svg("<&>", "a < b", ["n&n"], [panel], [(0.5, "<now>")])
    assert {"<&>", "a < b", "n&n", "x > y", "<now>"} <= texts(drawing)


def test_the_same_values_make_the_same_file_without_a_date(panel: Panel) -> None:
    drawing = svg("Title", "", ["a", "b"], [panel], [])
    assert drawing == svg("Title", "", ["a", "b"], [panel], [])
    assert "<dc:date>" not in drawing


def test_every_colour_has_one_for_dark_pages(panel: Panel) -> None:
    # GIVEN a picture; THEN outside of its style sheet no colour is fixed
    drawing = svg("Title", "Subtitle", ["a", "b"], [panel], [(1.0, "then")])
    style = re.search("<style>.*prefers-color-scheme: dark.*</style>", drawing)
    assert style
    assert all(light in style[0] and dark in style[0] for light, dark in DARK.items())
    assert not re.search("#[0-9a-f]{6}", drawing.replace(style[0], ""))
