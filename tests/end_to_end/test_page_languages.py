"""The page in each language."""

import json
import re
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from chalicelib.api import page
from chalicelib.config.settings import ROOT
from tests.end_to_end import answers
from tests.end_to_end.browsing import Identified, Open, photo, problem
from tests.end_to_end.stand import Stand
from tests.end_to_end.test_page_several import boxes
from tests.end_to_end.test_page_words import GROUPS, KOALA, answer_with_relatives
from tests.support.records import resident

NARROW = {"width": 320, "height": 640}
OTHERS = sorted(page.languages() - {"en"})
WIDTHS = "[document.documentElement.scrollWidth, document.documentElement.clientWidth]"


def _words(language: str) -> dict[str, Any]:
    text = (ROOT / f"faunalens/web/page/words/{language}.json").read_text(encoding="utf-8")
    script: dict[str, Any] = json.loads(text)["script"]
    return script


def _english() -> set[str]:
    """Sentences of the English page, without those that contain a value."""
    texts = (each for each in _words("en").values() if isinstance(each, str))
    return {each for each in texts if each.count(" ") > 2 and "{" not in each}


def _walk(shown: Page, stand: Stand) -> str:
    """Go through the views of the page, and return what it said. Nothing may be wider than the screen."""
    said = []

    def look() -> None:
        wide, screen = shown.evaluate(WIDTHS)
        assert wide <= screen, shown.locator("body").inner_text()
        said.append(shown.locator("body").inner_text())

    shown.locator(".languages summary").click()
    look()
    shown.locator(".languages summary").click()
    for told, state in (
        (problem("photo_unreadable", 422, ""), "problem"),
        ((boxes(), 200), "answer"),
        ((answer_with_relatives(), 200), "answer"),
    ):
        stand.tell_of(shown, *told)
        expect(shown.locator("body")).to_have_attribute("data-state", state)
        look()
    for each in shown.locator("summary:visible").all():
        each.click()
    expect(shown.locator("#animals-list li, #knowledge details")).to_have_count(4)
    look()
    shown.locator("#elsewhere").click()
    shown.locator("#place-use").click()
    look()
    return "\n".join(said)


def _ready(stand: Stand, language: str) -> None:
    stand.language = language
    stand.taxa |= {"phascolarctos-cinereus": KOALA, "": GROUPS}


@pytest.mark.parametrize("language", OTHERS)
def test_each_language_fits_a_narrow_phone_and_has_no_english(stand: Stand, open_page: Open, language: str) -> None:
    _ready(stand, language)
    shown = open_page(stand.url, viewport=NARROW)
    said = _walk(shown, stand)
    assert [each for each in _english() if each in said] == []
    assert not re.search(r"\{\w*\}|undefined|NaN", said)


@pytest.mark.firefox
def test_lists_of_animals_are_in_the_order_of_the_language(stand: Stand, identified: Identified) -> None:
    # GIVEN animals in the order of their English names, one of them introduced
    stand.language = "de"
    residents = [("badger", "Mustelidae"), ("grey wolf", "Canis lupus"), ("koala", "Phascolarctos cinereus")]
    animals = tuple(resident(name, latin, "introduced") for name, latin in residents)
    stand.residents = {**answers.RESIDENTS, "animals": animals}
    shown = identified(viewport=NARROW)
    # THEN candidates are named in the language, or else in Latin
    rows = shown.locator("#candidates li")
    expect(rows.last).to_contain_text("Getigerte Katze Felis catus")
    expect(rows.nth(1).locator("b")).to_have_text("Oryctolagus cuniculus")
    expect(rows.nth(1).locator("i")).to_be_empty()
    shown.locator("#animals summary").click()
    # AND lists are in the order of the German names, and no badge is broken
    expect(shown.locator("#animals-list b")).to_have_text(["Dachs", "Koala", "Wolf"])
    badges = shown.locator("#animals-list .badge").all()
    assert all(each.evaluate("e => e.getClientRects().length") == 1 for each in badges)


@pytest.mark.firefox
def test_a_change_of_language_keeps_the_answer(stand: Stand, identified: Identified) -> None:
    # GIVEN an answer in English
    shown = identified(answers.koala())
    expect(shown.locator("#name")).to_have_text("Almost certain: koala")
    # WHEN another language is chosen THEN the same answer is there in that language, without another request
    stand.language = "de"
    shown.reload()
    expect(shown.locator("#name")).to_have_text("Fast sicher: Koala")
    meaning = "Von 100 Antworten „fast sicher“ auf Fotos aus der Natur sind mindestens 95 richtig."
    expect(shown.locator("#sure-meaning")).to_have_text(meaning)
    assert len(stand.sent) == 1
    # AND without the names an answer is in Latin, and the next one asks again
    names = re.compile("/(names|relatives)-")
    shown.route(names, lambda route: route.abort())
    shown.reload()
    expect(shown.locator("#name")).to_have_text("Fast sicher: Phascolarctos cinereus")
    shown.unroute(names)
    shown.set_input_files("#pick", photo())
    expect(shown.locator("#name")).to_have_text("Fast sicher: Koala")


def test_a_correction_needs_no_accents_and_no_offer(stand: Stand, identified: Identified) -> None:
    # GIVEN a page in Spanish WHEN a correction is sent as soon as it is typed, without its accent
    stand.language = "es"
    eagle = {"taxon": "aquila-chrysaetos", "name": "golden eagle", "scientific_name": "Aquila chrysaetos"}
    stand.taxa["?q=golden+eagle"] = {"taxa": [eagle]}
    shown = identified()
    shown.click("#wrong")
    shown.fill("#correct-animal", "aguila real")
    shown.click("#correct-send")
    # THEN it is the taxon with that name
    expect(shown.locator("#said-name")).to_have_text("águila real")
    expect(shown.locator("#said-latin")).to_have_text("Aquila chrysaetos")


def test_animals_are_found_without_accents(stand: Stand, open_page: Open) -> None:
    # GIVEN a page in Spanish WHEN an eagle is looked up without its accent THEN it is found
    stand.language = "es"
    eagle = {"taxon": "aquila-chrysaetos", "name": "golden eagle", "scientific_name": "Aquila chrysaetos"}
    stand.taxa |= {"?q=aguila+real": {"taxa": []}, "?q=golden+eagle": {"taxa": [eagle]}, "": GROUPS}
    shown = open_page(f"{stand.url}#find=aguila+real")
    expect(shown.get_by_role("link", name="Águila real")).to_be_visible()
    # AND so it is among those that live somewhere
    animals = resident("golden eagle", "Aquila chrysaetos"), resident("red fox", "Vulpes vulpes")
    stand.residents = {**answers.RESIDENTS, "animals": animals}
    shown.goto(f"{stand.url}#here=-33.1,150.9")
    expect(shown.locator("#guide .taxa li")).to_have_count(2)
    shown.locator("#guide input").fill("aguila")
    expect(shown.locator("#guide .taxa li")).to_have_text("Águila real Aquila chrysaetos")


def test_a_correction_in_chinese_may_be_one_character_and_an_animal_that_the_api_lacks(
    stand: Stand, identified: Identified
) -> None:
    # GIVEN a page in Chinese, and an API that finds nothing WHEN one character is typed THEN names with it are offered
    stand.language = "zh"
    shown = identified()
    shown.click("#wrong")
    shown.fill("#correct-animal", "熊")
    expect(shown.locator("#correct-names option[value='棕熊']")).to_have_count(1)
    # AND a relative keeps its scientific name
    shown.fill("#correct-animal", "浣熊")
    shown.click("#correct-send")
    expect(shown.locator("#said-latin")).to_have_text("Procyon lotor")
    # AND sentences end as those of the language do
    stand.tell_of(shown, *problem("unavailable", 503))
    expect(shown.locator("#status")).to_have_text("暂时无法使用。部分服务正在启动或无法使用。请稍后再试。")


def test_animals_of_a_correction_are_offered_in_the_language(stand: Stand, identified: Identified) -> None:
    stand.language, stand.keeps = "fr", True
    shown = identified(answers.koala())
    shown.locator("#wrong").click()
    shown.locator("#correct-animal").fill("renard")
    stand.taxa["?q=renard"] = {"taxa": [], "groups": []}
    expect(shown.locator("#correct-names option[value='renard roux']")).to_have_count(1)
    # AND what is chosen is the taxon with that name, or else the name alone
    stand.taxa["?q=red+fox"] = {"taxa": [{"taxon": "x", "name": "red fox", "scientific_name": "Vulpes vulpes"}]}
    shown.locator("#correct-animal").fill("renard roux")
    shown.locator("#correct-send").click()
    expect(shown.locator("#said-latin")).to_have_text("Vulpes vulpes")
    shown.locator("#said-undo").click()
    shown.locator("#wrong").click()
    shown.locator("#correct-animal").fill("bête du Gévaudan")
    shown.locator("#correct-send").click()
    expect(shown.locator("#said-name")).to_have_text("bête du Gévaudan")
    expect(shown.locator("#said-latin")).to_be_hidden()
