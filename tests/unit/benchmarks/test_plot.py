"""Pictures of lines: well-formed, within their frame, and with names that can be read."""

import re
from itertools import pairwise
from math import inf, nan
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.plot import HEIGHT_OF_NAME, LEFT, RIGHT, WIDTH, Axis, Panel, apart, axis_of, svg

SPACE = "{http://www.w3.org/2000/svg}"
values = st.floats(1e-9, 1e9) | st.sampled_from([0.0, nan])


@given(st.lists(st.lists(values, min_size=2, max_size=2), min_size=2, max_size=20), st.sampled_from(["linear", "log"]))
def test_any_values_make_a_picture_within_its_frame(rows: list[list[float]], scale: str) -> None:
    # GIVEN two lines of any values with gaps
    panel = Panel("What", "a second", list(zip(*rows, strict=True)), "log" if scale == "log" else "linear")
    # WHEN they are drawn
    drawing = ElementTree.fromstring(svg("Title", "", ["a", "b"], [panel], [(1.0, "then")]))  # noqa: S314 - our own
    # THEN no point lies outside of the panel
    paths = [path.get("d", "") for path in drawing.iter(f"{SPACE}path") if "line" in path.get("class", "")]
    assert len(paths) == 2
    height = float(drawing.get("height", "0"))
    for x, y in re.findall(r"[ML]([\d.-]+) ([\d.-]+)", "".join(paths)):
        assert LEFT <= float(x) <= WIDTH - RIGHT
        assert 0 < float(y) < height


def test_a_gap_in_the_values_is_a_gap_in_the_line() -> None:
    drawing = svg("Title", "", ["a"], [Panel("What", "", [[1.0, 2.0, nan, 3.0]])], [])
    (path,) = re.findall(r'class="line s0" d="([^"]+)"', drawing)
    assert [letter for letter in path if letter.isalpha()] == ["M", "L", "M"]


def test_words_are_escaped() -> None:
    drawing = svg("<&>", "a < b", ["n&n"], [Panel("x > y", "", [[1.0, 2.0]])], [(0.5, "<now>")])
    texts = {text.text for text in ElementTree.fromstring(drawing).iter(f"{SPACE}text")}  # noqa: S314 - our own
    assert {"<&>", "a < b", "n&n", "x > y", "<now>"} <= texts


def test_axes_end_in_round_numbers() -> None:
    assert axis_of(Panel("", "", [[3.0, 1503.0]])) == Axis(0.0, 2000.0, "linear")
    assert axis_of(Panel("", "", [[0.3, 52.0, nan]], "log")) == Axis(0.1, 100.0, "log")
    assert axis_of(Panel("", "", [[0.3, 52.0]], low=50.0, high=100.0)) == Axis(50.0, 100.0, "linear")
    assert axis_of(Panel("", "", [[0.0, nan]])).high > 0
    assert Axis(0.1, 100.0, "log").ticks() == pytest.approx([0.1, 1, 10, 100])


def test_what_is_beyond_an_axis_stands_at_its_end() -> None:
    axis = Axis(1.0, 100.0, "log")
    assert [axis.share(value) for value in (0.0, 1.0, 10.0, 100.0, inf)] == pytest.approx([0, 0, 0.5, 1, 1])


@given(st.lists(st.floats(0, 100), min_size=1, max_size=6))
def test_names_do_not_cover_each_other(heights: list[float]) -> None:
    placed = apart([(height, number) for number, height in enumerate(heights)], 100.0)
    ordered = sorted(placed.values())
    assert ordered[-1] <= 100.0 + 1e-9
    assert all(after - before >= HEIGHT_OF_NAME - 1e-9 for before, after in pairwise(ordered))
    # and keep the order of the lines
    assert [placed[number] for _, number in sorted((h, n) for n, h in enumerate(heights))] == ordered
