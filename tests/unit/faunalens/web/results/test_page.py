"""The page of a result: readable without scripts, with a preview, and safe whatever an answer contains."""

import json
import re
from datetime import UTC, datetime
from html.parser import HTMLParser
from typing import Any

import numpy as np
import pytest

from chalicelib.api.page import asset
from chalicelib.config.settings import ROOT
from faunalens.data.ranges.outlines import place_on_map
from faunalens.web.results.page import nothing_page, result_page
from faunalens.web.results.results import Result, Said

ID = "A" * 22
RELATIVE = {"taxon": "petaurus-breviceps", "name": "sugar glider", "scientific_name": "Petaurus breviceps"}
ANSWER: dict[str, Any] = {
    "message": "This is a koala.",
    "why_not": None,
    "prediction": {
        "name": "koala",
        "scientific_name": "Phascolarctos cinereus",
        "rank": "species",
        "score": 0.97,
        "sure": "almost certain",
        "members": [],
        "relatives_here": {"count": 3, "taxa": [RELATIVE]},
    },
    "candidates": [
        {
            "taxon": "phascolarctos-cinereus",
            "name": "koala",
            "scientific_name": "Phascolarctos cinereus",
            "score": 0.999,
            "here": "native",
        },
        {"taxon": "ursus", "name": "bear", "scientific_name": "Ursus", "score": 0.02, "here": None},
        {"taxon": "canis", "name": "canine", "scientific_name": "Canis", "score": 0.004, "here": None},
    ],
    "perhaps": [],
    "location": {"center": [-33.1, 150.9], "areas": ["AU"]},
}


class Tags(HTMLParser):
    """Collects start tags, and the text outside of the style sheet."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data

    def metas(self) -> dict[str | None, str | None]:
        """Return the content of each meta tag, by its property or name."""
        return {
            each.get("property") or each.get("name"): each.get("content") for tag, each in self.tags if tag == "meta"
        }


def rendered(
    answer: dict[str, Any], *, has_picture: bool = True, language: str = "en", said: Said | None = None
) -> Tags:
    result = Result(ID, datetime(2026, 11, 1, tzinfo=UTC), answer, has_picture, "", said)
    response = result_page(result, "https://example.org", language)
    assert response.status == 200
    return Tags(str(response.body))


def test_it_tells_the_answer() -> None:
    page = rendered(ANSWER)
    for expected in (
        *("Almost certain: koala", "97%", "Phascolarctos cinereus", "> 99%", "2%", "lives here"),
        *("3 relatives that live here too", "sugar glider", "and 2 more", "near Sydney, Australia", "1 December 2026"),
    ):
        assert expected in page.text
    assert "Canis" not in page.text
    links = {attributes["href"] for tag, attributes in page.tags if tag == "a"}
    assert links == {"/"}
    assert ("img", "/r/AAAAAAAAAAAAAAAAAAAAAA.jpg") in [(tag, each.get("src")) for tag, each in page.tags]
    # AND messengers get a preview
    expected_metas = {
        "og:title": "Almost certain: koala",
        "og:description": "97%",
        "og:url": f"https://example.org/r/{ID}",
        "og:image": f"https://example.org/r/{ID}.jpg",
        "robots": "noindex, nofollow",
    }
    assert page.metas().items() >= expected_metas.items()
    assert "og:image" not in rendered(ANSWER, has_picture=False).metas()


def test_no_animal_is_no_platypus_and_without_place_and_relatives_nothing_is_said_of_them() -> None:
    page = rendered({**ANSWER, "prediction": None, "why_not": "It is too dark.", "location": {"center": None}})
    for said, is_there in {"It is too dark.": True, "No animal": True, "oala": False, "relative": False}.items():
        assert (said in page.text) is is_there, said
    assert "Place" not in page.text


DEER = {
    "taxon": "cervidae",
    "name": "deer",
    "scientific_name": "Cervidae",
    "rank": "family",
    "score": 0.4,
    "members": [],
}
FOX = {**DEER, "name": "red fox", "scientific_name": "Vulpes vulpes", "members": [RELATIVE]}
CAT = {**ANSWER["prediction"], "name": "cat", "scientific_name": "Felidae", "rank": "family", "relatives_here": None}
CATS = [{"taxon": "", "name": name, "scientific_name": name.title()} for name in ("jaguar", "ocelot")]
DOG = {**CAT, "name": "dog", "scientific_name": "Canis familiaris", "rank": "species", "sure": "likely"}
BASENJI = {"taxon": "", "name": "basenji", "scientific_name": "Canis familiaris"}


@pytest.mark.parametrize(
    ("changes", "title", "summary"),
    [
        ({"prediction": {**CAT, "members": CATS}}, "Almost certain: cat: jaguar / ocelot", "97%"),
        ({"prediction": {**DOG, "members": [BASENJI]}}, "Likely: dog, perhaps basenji", "97%"),
        ({"prediction": CAT, "perhaps": [DEER, FOX]}, "Cat; perhaps deer / red fox", ""),
        (
            {"prediction": None, "subject": "animal", "perhaps": [DEER], "reasons": ["photo_dark"]},
            "An animal; perhaps deer",
            "The photo is dark.",
        ),
        (
            {"prediction": DOG, "candidates": [{**DOG, "taxon": "canis-familiaris", "here": "unexpected"}]},
            "Not known to live here: dog",
            "likely, 97%",
        ),
    ],
)
def test_an_answer_says_how_far_it_goes(changes: dict[str, Any], title: str, summary: str) -> None:
    page = rendered({**ANSWER, **changes})
    metas = page.metas()
    assert (metas["og:title"], metas["og:description"]) == (title, summary)
    # AND what it perhaps is has its Latin name, and no candidates that only look alike beside it
    assert ("Vulpes vulpes" in page.text, "sugar glider" in page.text) == (FOX in changes.get("perhaps", []),) * 2
    assert ("Most likely animals" in page.text) == ("perhaps" not in changes)


@pytest.mark.parametrize(
    ("changes", "title"),
    [
        ({"sure": "very sure"}, "Almost certain: koala"),
        ({"sure": "fairly sure"}, "Likely: koala"),
        ({"sure": None}, "Koala"),
        ({"name": "chordate", "scientific_name": "Chordata", "rank": "phylum"}, "An animal"),
    ],
)
def test_results_of_an_earlier_release_are_read(changes: dict[str, Any], title: str) -> None:
    # GIVEN a kept answer without what it perhaps is, and with other words, or none, for how sure it is
    prediction = {key: value for key, value in (ANSWER["prediction"] | changes).items() if value is not None}
    del prediction["members"]
    page = rendered({key: value for key, value in ANSWER.items() if key != "perhaps"} | {"prediction": prediction})
    # THEN it is shown in today's words
    assert page.metas()["og:title"] == title


def test_it_runs_no_script_and_loads_nothing_from_elsewhere() -> None:
    hostile = '"><script>alert(1)</script>'
    candidate = {**ANSWER["candidates"][0], "name": hostile, "scientific_name": hostile, "taxon": hostile}
    prediction = {**ANSWER["prediction"], "name": hostile, "scientific_name": hostile, "rank": hostile}
    place = {"center": [0.0, 0.0], "areas": [hostile]}
    texts = {"message": hostile, "why_not": hostile}
    page = rendered({**texts, "prediction": prediction, "candidates": [candidate], "location": place})
    assert "script" not in {tag for tag, _ in page.tags}
    sources = [each.get(name) or "" for _, each in page.tags for name in ("src", "href")]
    assert not [each for each in sources if each.startswith(("http", "//"))]
    assert not [name for _, each in page.tags for name in each if name.startswith("on") or name == "style"]
    # AND what its maker said is text too, and no name if it has more than letters
    said = Said(datetime.now(UTC), "visit www.example.com", hostile)
    page = rendered(ANSWER, said=said)
    assert "script" not in {tag for tag, _ in page.tags}
    assert "example.com" not in page.text


def test_the_policy_allows_no_script_and_the_style_sheet_of_the_page_alone() -> None:
    missing, lost = nothing_page(is_gone=True), nothing_page()
    assert (missing.status, lost.status) == (404, 404)
    assert ("is gone" in str(missing.body), "nothing here" in str(lost.body)) == (True, True)
    for response in (missing, lost, result_page(Result(ID, datetime.now(UTC), ANSWER, True, ""), "")):
        (style,) = re.findall(r'<link rel="stylesheet" href="/web/(.*?)">', str(response.body))
        assert asset(style)[1]["Content-Type"].startswith("text/css")
        policy = response.headers["Content-Security-Policy"]
        assert policy.startswith("default-src 'none'; img-src 'self' data:; style-src 'self'; ")
        assert "unsafe" not in policy
        assert response.headers["X-Robots-Tag"] == "noindex, nofollow"
        assert response.headers["Cache-Control"] == "no-store"


def test_what_the_person_said_comes_first_and_the_answer_stays() -> None:
    # GIVEN a correction by an animal that can be found by name THEN it is the title, also of previews
    page = rendered(ANSWER, said=Said(datetime.now(UTC), "swamp wallaby", "Wallabia bicolor"))
    assert page.metas()["og:title"] == "Says who took it: swamp wallaby"
    for expected in ("Wallabia bicolor", "Faunalens had answered: Almost certain: koala, 97%.", "Most likely animals"):
        assert expected in page.text
    # AND one of the candidates is named in the reader's language
    page = rendered(ANSWER, said=Said(datetime.now(UTC), "bear", "Ursus"), language="de")
    assert page.metas()["og:title"] == "Die Person hinter der Kamera sagt: Bär"


def test_the_map_has_the_range_and_the_place_which_is_named_by_a_town_near_it_or_else_by_its_position() -> None:
    for center, areas, expected in (
        ([-33.1, 150.9], ["AU"], "Somewhere near Sydney, Australia"),
        ([-17.0, -179.9], ["FJ"], "Somewhere near Labasa, Fiji"),
        ([0.0, -30.0], [], "around 0.0° N, 30.0° W"),
        ([23.0, 10.0], ["DZ", "XX"], "around 23.0° N, 10.0° E (Algeria, XX)"),
    ):
        assert expected in rendered({**ANSWER, "location": {"center": center, "areas": areas}}).text
    tags = rendered(ANSWER).tags
    assert ("image", "/taxa/phascolarctos-cinereus/range.svg") in [(tag, each.get("href")) for tag, each in tags]
    # AND the point is where the API draws it
    (mark,) = [each for tag, each in tags if tag == "circle"]
    drawn = place_on_map(np.array([[150.9, -33.1]]))[0]
    assert [float(mark[axis] or 0) for axis in ("cx", "cy")] == pytest.approx(drawn, abs=1)
    # AND without a range there is still the world
    alone = rendered({**ANSWER, "candidates": []}).tags
    assert not [each for tag, each in alone if tag == "image"]
    assert len([each for tag, each in alone if tag == "path"]) == 2


@pytest.mark.parametrize(
    ("language", "texts"),
    [
        ("de", ("Fast sicher: Koala", "97\xa0%", "lebt hier", "3 Verwandte", "bei Sydney, Australien", "1.12.2026")),
        ("es", ("Casi seguro: koala", "97\xa0%", "vive aquí", "3 parientes", "cerca de Sydney", "1/12/2026")),
        ("fr", ("Presque certain\xa0: koala", "97\xa0%", "vit ici", "3 animaux", "près de Sydney", "1/12/2026")),
        ("zh", ("几乎可以确定：考拉", "97%", "生活在这里", "3 种近缘动物", "澳大利亚 Sydney 附近", "2026年12月1日")),
    ],
)
def test_it_speaks_the_language_of_its_reader(language: str, texts: tuple[str, ...]) -> None:
    # GIVEN a result WHEN it is shown in a language THEN names are in the language, or else in Latin
    page = rendered(ANSWER, language=language)
    assert [each for each in (*texts, "Petaurus breviceps") if each not in page.text] == []
    assert "sugar glider" not in page.text
    assert str(nothing_page(language).body).count("<h1>") == 1


def test_reasons_are_in_the_language_too() -> None:
    for changes, title, said in (
        ({"subject": "person", "reasons": ["person"]}, "Das Foto zeigt einen Menschen", "Ein Tier wurde darauf nicht"),
        ({"subject": "animal", "reasons": ["photo_grey"]}, "Ein Tier", "Fotos von Nachtkameras haben keine Farben"),
        ({"subject": "animal", "reasons": ["photo_dark", "photo_blurred"]}, "Ein Tier", "Das Foto ist unscharf."),
        ({"subject": "a new one", "why_not": "It is new."}, "Unklar", "It is new."),
    ):
        page = rendered({**ANSWER, "prediction": None, **changes}, language="de")
        assert (title in page.text, said in page.text) == (True, True)


def test_all_words_of_results_are_used() -> None:
    own = json.loads((ROOT / "faunalens/web/page/words/en.json").read_text("utf-8"))["result"]
    code = "".join(
        (ROOT / "faunalens/web/results" / name).read_text("utf-8") for name in ("page.py", "page.html", "words.py")
    )
    assert set(re.findall(r"own\(\s*[\"']([\w.-]+)[\"']", code)) == set(own)
