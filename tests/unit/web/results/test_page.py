"""The page of a result: readable without scripts, with a preview, and safe whatever an answer contains."""

import base64
import hashlib
import json
import re
from datetime import UTC, datetime
from html.parser import HTMLParser
from typing import Any

import pytest

from chalicelib.config.settings import ROOT
from web.results.page import missing_page, result_page
from web.results.results import Result

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


def rendered(answer: dict[str, Any], *, has_picture: bool = True, language: str = "en") -> Tags:
    result = Result(ID, datetime(2026, 11, 1, tzinfo=UTC), answer, has_picture, "")
    response = result_page(result, "https://example.org", language)
    assert response.status == 200
    return Tags(str(response.body))


def test_it_tells_the_answer() -> None:
    page = rendered(ANSWER)
    for expected in (
        *("Almost certain: koala", "97%", "Phascolarctos cinereus", "> 99%", "2%", "lives here"),
        *("3 relatives that live here too", "sugar glider", "and 2 more", "33.1° S, 150.9° E (AU)", "1 December 2026"),
    ):
        assert expected in page.text
    assert "Canis" not in page.text
    links = {attributes["href"] for tag, attributes in page.tags if tag == "a"}
    assert {"/", "/taxa/phascolarctos-cinereus/range.svg"} <= links
    assert ("img", "/r/AAAAAAAAAAAAAAAAAAAAAA.jpg") in [(tag, each.get("src")) for tag, each in page.tags]


def test_messengers_get_a_preview() -> None:
    metas = rendered(ANSWER).metas()
    assert metas["og:title"] == "Almost certain: koala"
    assert metas["og:description"] == "97%"
    assert metas["og:url"] == f"https://example.org/r/{ID}"
    assert metas["og:image"] == f"https://example.org/r/{ID}.jpg"
    assert metas["robots"] == "noindex, nofollow"
    # AND without a picture there is none
    assert "og:image" not in rendered(ANSWER, has_picture=False).metas()


def test_no_animal_is_no_platypus() -> None:
    page = rendered(
        {**ANSWER, "prediction": None, "message": "No animal was recognised.", "why_not": "It is too dark."}
    )
    assert "It is too dark." in page.text
    assert "No animal" in page.text
    assert "koala" not in page.text.lower()


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


def test_an_answer_without_place_and_relatives_says_nothing_of_them() -> None:
    animal = {"name": "animal", "scientific_name": "Animalia", "rank": "kingdom"}
    prediction = {**ANSWER["prediction"], **animal, "relatives_here": None}
    page = rendered({**ANSWER, "prediction": prediction, "location": {"center": None, "areas": []}})
    assert "An animal" in page.text
    assert "relative" not in page.text
    assert "Place" not in page.text


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


def test_the_policy_allows_the_style_sheet_alone_also_where_a_result_is_gone() -> None:
    missing = missing_page()
    assert (missing.status, "This result is gone" in str(missing.body)) == (404, True)
    for response in (missing, result_page(Result(ID, datetime.now(UTC), ANSWER, True, ""), "")):
        (style,) = re.findall(r"<style>(.*?)</style>", str(response.body), re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
        policy = response.headers["Content-Security-Policy"]
        assert policy.startswith(f"default-src 'none'; img-src 'self'; style-src 'sha256-{digest}'; ")
        assert "unsafe" not in policy
        assert response.headers["X-Robots-Tag"] == "noindex, nofollow"
        assert response.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    ("language", "texts"),
    [
        ("de", ("Fast sicher: Koala", "97\xa0%", "lebt hier", "3 Verwandte", "33,1° S, 150,9° O", "1.12.2026")),
        ("es", ("Casi seguro: koala", "97\xa0%", "vive aquí", "3 parientes", "33,1° S, 150,9° E", "1/12/2026")),
        ("fr", ("Presque certain : koala", "97\xa0%", "vit ici", "3 animaux", "33,1° S, 150,9° E", "1/12/2026")),
        ("zh", ("几乎可以确定：考拉", "97%", "生活在这里", "3 种近缘动物", "南纬 33.1°，东经 150.9°", "2026年12月1日")),
    ],
)
def test_it_speaks_the_language_of_its_reader(language: str, texts: tuple[str, ...]) -> None:
    # GIVEN a result WHEN it is shown in a language THEN names are in the language, or else in Latin
    page = rendered(ANSWER, language=language)
    assert [each for each in (*texts, "Petaurus breviceps") if each not in page.text] == []
    assert "sugar glider" not in page.text
    assert str(missing_page(language).body).count("<h1>") == 1


@pytest.mark.parametrize(
    ("changes", "title", "said"),
    [
        ({"subject": "person", "reasons": ["person"]}, "Das Foto zeigt einen Menschen", "Ein Tier wurde darauf nicht"),
        ({"subject": "animal", "reasons": ["photo_grey"]}, "Ein Tier", "Fotos von Nachtkameras haben keine Farben"),
        ({"subject": "animal", "reasons": ["photo_dark", "photo_blurred"]}, "Ein Tier", "Das Foto ist unscharf."),
        ({"subject": "a new one", "why_not": "It is new."}, "Unklar", "It is new."),
    ],
)
def test_reasons_are_in_the_language_too(changes: dict[str, Any], title: str, said: str) -> None:
    page = rendered({**ANSWER, "prediction": None, **changes}, language="de")
    assert title in page.text
    assert said in page.text


def test_all_words_of_results_are_used() -> None:
    own = json.loads((ROOT / "web/page/words/en.json").read_text("utf-8"))["result"]
    code = (ROOT / "web/results/page.py").read_text("utf-8")
    assert set(re.findall(r"own\([\"']([\w.-]+)[\"']", code)) == set(own)
