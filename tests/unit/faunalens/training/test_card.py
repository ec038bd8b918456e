"""What a model card says, as Markdown and as a page. `GOLDEN=write` writes the files in tests/golden/card/."""

import os
import re
from collections import Counter
from dataclasses import replace
from html import unescape
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from chalicelib.config.settings import ROOT
from chalicelib.model.detector import Box
from faunalens.training.card import markdown, page
from faunalens.training.evaluation import OTHER, Evaluation, Point
from tests.unit.faunalens.training.test_evaluation import ABOUT, FOX, HARE, outcome

BOX = Box(0.25, 0.5, 0.2, 0.1, 0.9, "animal")
CURVE = (Point(10, 2, 0.5), Point(20, 3, 0.6), Point(40, 6, 0.68))
VOID = {"meta", "img", "br", "path", "circle"}


OUTCOMES = (
    outcome("north/1.jpg", "vulpes", 0.9, 0.05, 0.05, box=BOX),
    outcome("north/2.jpg", "vulpes", 0.1, 0.85, 0.05, box=BOX),
    outcome("south/1.jpg", "lepus", 0.1, 0.8, 0.1, box=BOX),
    outcome("south/2.jpg", "lepus", 0.3, 0.4, 0.3),
)
SEEN = Evaluation(
    replace(ABOUT, places=("Utah", "Nevada"), night=True, licence="CC0-1.0"), OUTCOMES, {"vulpes": 0.7}, CURVE
)
NO_MISTAKES = replace(SEEN, outcomes=OUTCOMES[2:], curve=())
STRANGERS = Evaluation(
    ABOUT,
    (
        outcome("north/0.jpg", "vulpes", 0.91, 0.04, 0.05, box=replace(BOX, score=1.0)),  # drawn by people
        outcome("north/1.jpg", "vulpes", 0.6, 0.3, 0.1),
        outcome("south/2.jpg", "vulpes", 0.05, 0.85, 0.1),
        outcome("south/3.jpg", "lepus", 0.1, 0.8, 0.1),
        outcome("west/4.jpg", "lepus", 0.1, 0.2, 0.7),
        outcome("west/5.jpg", OTHER, 0.2, 0.1, 0.7),
        outcome("west/6.jpg", OTHER, 0.95, 0.0, 0.05),
    ),
    {"vulpes": 0.75, "lepus": 0.7},
    CURVE,
)
"""A head that works anywhere, by day too, and was tried on other animals."""


def elements(text: str) -> list[str]:
    """Return the names of a page's elements, in order. Each one must be closed."""
    tags = re.findall(r"<(/?)([a-z]\w*)", text)
    is_open = Counter[str]()
    for slash, name in tags:
        is_open[name] += -1 if slash else name not in VOID
    assert not any(is_open.values())
    return [name for slash, name in tags if not slash]


def words_of(text: str) -> str:
    """Return what a reader of a page sees, on one line."""
    body = text.partition("<body>")[2]
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", body)).split())


@pytest.mark.parametrize(
    ("name", "evaluation"), [("night", SEEN), ("strangers", STRANGERS), ("no_mistakes", NO_MISTAKES)]
)
def test_the_card_says_for_what_the_head_is_and_what_it_cannot_do(name: str, evaluation: Evaluation) -> None:
    path, found = ROOT / "tests" / "golden" / "card" / f"{name}.txt", markdown(evaluation)
    if os.environ.get("GOLDEN") == "write":
        path.write_text(found, encoding="utf-8")
    assert found == path.read_text(encoding="utf-8"), "if the card has to change, run this with GOLDEN=write"


def test_only_figures_of_few_photos_or_cameras_are_said_to_be_weak() -> None:
    photos = {"vulpes": (50, 10), "lepus": (50, 9), OTHER: (49, 10)}
    outcomes = [outcome(f"{at % c}/{at}.jpg", taxon, 1, 0, 0) for taxon, (n, c) in photos.items() for at in range(n)]
    assert "their figures: hare (50, 9), other (49, 10)." in markdown(replace(SEEN, outcomes=tuple(outcomes)))


def test_quotes_stay_quotes_in_the_markdown() -> None:
    about = replace(ABOUT, places=("Côte d'Ivoire",), licence='"As is" <b>')
    text = markdown(replace(SEEN, about=about))
    assert ("Côte d'Ivoire; elsewhere" in text, text.splitlines()[-1]) == (True, 'Licence: "As is" &lt;b&gt;.')


def test_the_page_needs_no_network_and_no_script() -> None:
    text = page(SEEN, {})
    assert "default-src 'none'" in text
    assert not {"script", "link", "iframe", "img"} & set(elements(text))
    assert not re.search(r"https?://|url\(", text)


@pytest.mark.parametrize("evaluation", [SEEN, STRANGERS, NO_MISTAKES])
def test_the_page_says_what_the_markdown_says(evaluation: Evaluation) -> None:
    # GIVEN the Markdown without its marks and the lines below the heads of tables
    plain = re.sub(r"^\|[-:| ]+\|$|^#+ |^- ", "", markdown(evaluation), flags=re.MULTILINE)
    seen = words_of(page(evaluation, {}))
    assert [word for word in re.sub(r"[*`|]", " ", plain).split() if word not in seen] == []


def test_the_page_shows_the_worst_photos_with_their_boxes() -> None:
    # GIVEN a small copy of the photo that was named wrongly
    text = page(SEEN, {Path("north/2.jpg"): b"jpeg"})
    # THEN it is there with its box, what was said and what it is
    assert elements(text).count("img") == 1
    assert 'style="left:25.0%;top:50.0%;width:20.0%;height:10.0%"' in text
    assert "hare, 85%; it is fox north/2.jpg, camera north" in words_of(text)


def test_paths_say_nothing_about_the_machine() -> None:
    outcomes = tuple(replace(each, photo=Path("/home/grace/study") / each.photo) for each in OUTCOMES)
    text = page(replace(SEEN, outcomes=outcomes), {each.photo: b"jpeg" for each in outcomes})
    assert text.count("north/2.jpg") == 2
    assert "grace" not in text


ELEMENTS, LINES = elements(page(SEEN, {OUTCOMES[1].photo: b"jpeg"})), markdown(SEEN).count("\n")
TEXT = st.text(st.characters(codec="utf-8"))


@settings(max_examples=25)
@given(TEXT, TEXT, TEXT)
@example("![a](http://b/c.png) <img>", "_a_ & [b](c) | `d`", "![a](http://b/c.png) <script>")
def test_any_name_of_a_photo_camera_or_animal_is_only_text(photo: str, camera: str, animal: str) -> None:
    # GIVEN a wrong photo with this name
    wrong = replace(OUTCOMES[1], photo=Path(f"a{photo}"), camera=f"a{camera}")
    taxa = (FOX, HARE._replace(name=f"a{animal}"))
    evaluation = replace(SEEN, about=replace(ABOUT, taxa=taxa), outcomes=(OUTCOMES[0], wrong, *OUTCOMES[2:]))
    # THEN it changes neither the elements of the page nor the tables
    assert elements(page(evaluation, {wrong.photo: b"jpeg"})) == ELEMENTS
    assert markdown(evaluation).count("\n") == LINES


CIRCLE = re.compile(r'<circle class="([^"]+)" cx="([\d.-]+)" cy="([\d.-]+)" r="([\d.]+)"/>')


def picture(evaluation: Evaluation, name: str) -> str:
    return page(evaluation, {}).partition(f'<div class="picture {name}">')[2].partition("<details>")[0]


def circles(text: str) -> list[tuple[str, float, float, float]]:
    """Return kind, x, y and radius of each circle."""
    return [(kind, float(x), float(y), float(radius)) for kind, x, y, radius in CIRCLE.findall(text)]


def test_the_confusion_has_shares_and_counts_and_marks_what_is_right() -> None:
    cells = re.findall(r'<td class="(\w+)" style="--share:([\d.]+)">(.*?)</td>', picture(SEEN, "confusion"))
    half = "<b>50%</b><small>1</small>"
    assert cells == [
        *(("right", "0.500", half), ("wrong", "0.500", half), ("wrong", "0.000", "")),
        *(("wrong", "0.000", ""), ("right", "1.000", "<b>100%</b><small>2</small>"), ("wrong", "0.000", "")),
    ]


def test_a_bin_is_a_circle_as_large_as_its_photos() -> None:
    # GIVEN one photo of which the head is half sure, and four of which it is sure
    sure = (outcome(f"a/{number}.jpg", "vulpes", 0.95, 0.05, 0.0) for number in range(4))
    bins = (outcome("a/5.jpg", "vulpes", 0.55, 0.05, 0.4), *sure)
    (_, x, y, small), (_, right, top, large) = circles(picture(replace(SEEN, outcomes=bins), "reliability"))
    assert (x < right, y == top, large / small) == (True, True, 2)


def test_the_outlook_is_a_point_of_its_own_at_twice_the_photos() -> None:
    more = picture(SEEN, "curve")
    assert {"10", "20", "40", "80?", "+6?"} <= set(re.findall(r"<text [^>]+>([^<]*)</text>", more))
    kinds, (a, b, c, d), *_ = zip(*circles(more), strict=True)
    assert kinds == ("point", "point", "point", "point guess")
    # THEN each doubling is as wide as the next
    assert (c - b, d - c) == pytest.approx((b - a, b - a), abs=0.2)
    # WHEN the points are too few for an outlook THEN the curve is measured alone
    few = picture(replace(SEEN, curve=CURVE[:2]), "curve")
    assert [kind for kind, *_ in circles(few)] == ["point", "point"]
