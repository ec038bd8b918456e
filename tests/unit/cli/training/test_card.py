"""What a model card says, as Markdown and as a page."""

import re
from dataclasses import replace
from html import unescape
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.model.detector import Box
from chalicelib.model.taxonomy import Animal, Taxon
from cli.training.card import confusion_picture, curve_picture, markdown, page, reliability_picture
from cli.training.evaluation import OTHER, Bin, Evaluation, Outcome, Point, outlook

FOX = Animal(1, "vulpes", 0, "fox", "Vulpes", "genus", "wild", (Taxon("fox", "Vulpes", "genus"),))
HARE = Animal(2, "lepus", 1, "hare", "Lepus", "genus", "wild", (Taxon("hare", "Lepus", "genus"),))
BOX = Box(0.25, 0.5, 0.2, 0.1, 0.9, "animal")
CURVE = (Point(10, 2, 0.5), Point(20, 3, 0.6), Point(40, 6, 0.68))
VOID = {"meta", "img", "br"}


def outcome(photo: str, camera: str, taxon: str, *probabilities: float, box: Box | None = BOX) -> Outcome:
    return Outcome(Path(photo), camera, taxon, np.array(probabilities, np.float32), box)


OUTCOMES = (
    outcome("north/1.jpg", "north", "vulpes", 0.9, 0.05, 0.05),
    outcome("north/2.jpg", "north", "vulpes", 0.1, 0.85, 0.05),
    outcome("south/1.jpg", "south", "lepus", 0.1, 0.8, 0.1),
    outcome("south/2.jpg", "south", "lepus", 0.3, 0.4, 0.3, box=None),
)
SEEN = Evaluation(
    *("dune_animals", (FOX, HARE), OUTCOMES, {"vulpes": 0.7}, CURVE, 1234, 2, ("Utah", "Nevada"), 0.95, "0123456789ab"),
    *(True, "CC0-1.0", 7),
)


class Tags(HTMLParser):
    """The elements of a page, each of which must be closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.names: list[str] = []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002
        self.names.append(tag)
        self.open += [] if tag in VOID else [tag]

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002
        self.names.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def words_of(text: str) -> str:
    """Return what a reader of a page sees, on one line."""
    body = text.partition("<body>")[2]
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", body)).split())


STRANGERS = replace(
    SEEN,
    outcomes=(
        replace(OUTCOMES[0], box=replace(BOX, score=1.0)),  # drawn by people
        *OUTCOMES[1:],
        outcome("west/1.jpg", "west", OTHER, 0.8, 0.1, 0.1),
    ),
    night=False,
    places=(),
    licence="",
)
"""The same head, if it works anywhere, by day too, and was tried on another animal."""


@pytest.mark.parametrize(
    ("evaluation", "text"),
    [
        (SEEN, "# Model card: dune animals"),
        (SEEN, "it names 2 animals in infrared photos of 2 areas"),
        (SEEN, "1,234 photos of 2 cameras"),
        (SEEN, "it names 25% of the animals, and 100% of these names are right"),
        (SEEN, "| --- | --- | ---: | ---: | ---: | ---: | ---: | | fox | *Vulpes* | 2 | 1 | 50% | 50% | 100% |"),
        (SEEN, "| hare | *Lepus* | 2 | 1 | 100% | 0% | – |"),
        (SEEN, "| **all its own** | | 4 | 2 | 75% | 25% | 100% |"),
        (SEEN, "fox 70%, hare never"),
        (SEEN, "Licence: CC0-1.0."),
        (SEEN, "**Place**: Utah and Nevada; elsewhere,"),
        (SEEN, "knows nothing of animals by day"),
        (SEEN, "**Boxes**: a detector's."),
        (SEEN, "so in 7 photos, which no figure counts"),
        (SEEN, "fox (2, 1) and hare (2, 1)"),
        (SEEN, "would bring about +6 points"),
        (replace(SEEN, curve=CURVE[:2]), "too few points to say"),
        (replace(SEEN, curve=()), "too few points to say"),
        (replace(SEEN, outcomes=OUTCOMES[2:]), "None here: it took no animal for another."),
        (STRANGERS, "it names 2 animals in photos. It"),
        (STRANGERS, "**Place**: anywhere"),
        (STRANGERS, "of 1 photo, 100% got one of its names"),
        (STRANGERS, "**Boxes**: people's on 1 photo here"),
        (STRANGERS, "ask before you pass it on"),
    ],
)
def test_the_card_says_for_what_the_head_is_and_what_it_cannot_do(evaluation: Evaluation, text: str) -> None:
    assert text in " ".join(markdown(evaluation).split())


def test_the_page_needs_no_network_and_no_script() -> None:
    text = page(SEEN, {})
    assert "default-src 'none'" in text
    assert not {"script", "link", "iframe", "img"} & set(Tags(text).names)
    assert not re.search(r"https?://|url\(", text)


@pytest.mark.parametrize("evaluation", [SEEN, STRANGERS, replace(SEEN, outcomes=OUTCOMES[2:], curve=())])
def test_the_page_says_what_the_markdown_says(evaluation: Evaluation) -> None:
    # GIVEN the Markdown without its marks and the lines below the heads of tables
    plain = re.sub(r"^\|[-:| ]+\|$|^#+ |^- ", "", markdown(evaluation), flags=re.MULTILINE)
    seen = words_of(page(evaluation, {}))
    assert [word for word in re.sub(r"[*`|]", " ", plain).split() if word not in seen] == []


def test_the_page_shows_the_worst_photos_with_their_boxes() -> None:
    # GIVEN a small copy of the photo that was named wrongly
    text = page(SEEN, {Path("north/2.jpg"): b"jpeg"})
    # THEN it is there with its box, what was said and what it is
    assert Tags(text).names.count("img") == 1
    assert 'style="left:25.0%;top:50.0%;width:20.0%;height:10.0%"' in text
    assert "hare, 85%; it is fox north/2.jpg, camera north" in words_of(text)
    assert "<img" not in markdown(SEEN)


def test_paths_say_nothing_about_the_machine() -> None:
    outcomes = tuple(replace(each, photo=Path("/home/grace/study") / each.photo) for each in OUTCOMES)
    evaluation = replace(SEEN, outcomes=outcomes)
    for text in (markdown(evaluation), page(evaluation, {each.photo: b"jpeg" for each in outcomes})):
        assert "north/2.jpg" in text
        assert "grace" not in text


ELEMENTS, LINES = Tags(page(SEEN, {OUTCOMES[1].photo: b"jpeg"})).names, markdown(SEEN).count("\n")


@settings(max_examples=25)
@given(st.text(st.characters(codec="utf-8"), min_size=1), st.text(st.characters(codec="utf-8")))
def test_any_name_of_a_photo_or_camera_is_only_text(photo: str, camera: str) -> None:
    # GIVEN a wrong photo with this name
    wrong = outcome(f"a{photo}", camera, "vulpes", 0.1, 0.9, 0.0)
    evaluation = replace(SEEN, outcomes=(OUTCOMES[0], wrong, *OUTCOMES[2:]))
    # THEN it changes neither the elements of the page nor the tables
    assert Tags(page(evaluation, {wrong.photo: b"jpeg"})).names == ELEMENTS
    assert markdown(evaluation).count("\n") == LINES


SHARES = st.floats(0, 1)
CIRCLE = re.compile(r'<circle class="[^"]+" cx="([\d.-]+)" cy="([\d.-]+)" r="([\d.]+)"/>')


def circles(picture: str) -> list[tuple[float, float, float]]:
    """Return x, y and radius of each circle."""
    return [(float(x), float(y), float(radius)) for x, y, radius in CIRCLE.findall(picture)]


def texts(picture: str) -> list[str]:
    return re.findall(r"<text [^>]+>([^<]*)</text>", picture)


def test_the_confusion_has_shares_and_counts_and_marks_what_is_right() -> None:
    picture = confusion_picture(["fox", "<hare>"], [("fox", [3, 1]), ("<hare>", [0, 2])])
    assert '<td class="right" style="--share:0.750"><b>75%</b><small>3</small></td>' in picture
    assert '<td class="wrong" style="--share:0.000"></td>' in picture
    assert "<hare>" not in picture


def test_a_bin_is_a_circle_as_large_as_its_photos() -> None:
    picture = reliability_picture([Bin(0.5, 0.6, 25, 0.5, 0.5), Bin(0.9, 1.0, 100, 0.95, 1.0)])
    (x, y, small), (right, top, large) = circles(picture)
    assert (x < right, y > top, large / small) == (True, True, 2)
    assert {"25", "100"} <= set(texts(picture))


def test_the_outlook_is_a_point_of_its_own_at_twice_the_photos() -> None:
    curve = (Point(10, 2, 0.5), Point(20, 3, 0.6), Point(40, 6, 0.68))
    without, more = curve_picture(curve, None), curve_picture(curve, outlook(curve))
    assert (len(circles(without)), len(circles(more))) == (3, 4)
    assert {"10", "20", "40", "80?", "+6?"} <= set(texts(more))
    assert "?" not in without
    # AND each doubling is as wide as the next
    a, b, c, d = (x for x, _, _ in circles(more))
    assert (c - b, d - c) == pytest.approx((b - a, b - a))


@given(st.lists(st.tuples(SHARES, SHARES, st.integers(1, 10**6)), max_size=10))
def test_every_circle_lies_in_the_picture(bins: list[tuple[float, float, int]]) -> None:
    picture = reliability_picture([Bin(0, 1, photos, stated, right) for stated, right, photos in bins])
    left, top, wide, high = map(int, re.findall(r"-?\d+", picture.partition('viewBox="')[2])[:4])
    for x, y, radius in circles(picture):
        assert left <= x - radius <= x + radius <= left + wide
        assert top <= y - radius <= y + radius <= top + high
