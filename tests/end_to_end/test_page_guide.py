"""The field guide of the page: animals by name and place, and pictures that others took.

iNaturalist and Wikidata are stand-ins here: the browser of the tests reaches no other server.
"""

import json
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from chalicelib.api.responses import BoxFound, ClassMapShown
from tests.end_to_end import answers
from tests.end_to_end.browsing import DESK, PHONE, Identified, Open, add_place, box_of, problem
from tests.end_to_end.stand import PICTURES, Stand
from tests.end_to_end.test_page_words import GROUPS, KOALA
from tests.support import pictures
from tests.support.records import candidate

API, HOST, WIKIDATA, COMMONS = PICTURES
KOALA_NOW = KOALA | {
    "other_names": ["Native bear"],
    "ids": {"inaturalist": "42983", "wikidata": "Q36101"},
    "ranges": [
        {"areas": "AU-QLD AU-VIC ; lat <= -20", "words": "", "status": "native", "extent": "throughout",
         "certainty": "sure", "season": None},
        {"areas": "Kangaroo-Island", "words": "", "status": "introduced", "extent": "throughout",
         "certainty": "sure", "season": None},
    ],
}  # fmt: skip
PHOTO = {
    "id": 7,
    "license_code": "cc-by-nc",
    "attribution": "(c) Ada Lovelace, some rights reserved (CC BY-NC)",
    "medium_url": f"{HOST}/photos/7/medium.jpg",
}


@pytest.fixture
def asked() -> list[str]:
    """The addresses at the stand-in for iNaturalist that were asked for."""
    return []


@pytest.fixture
def with_pictures(stand: Stand, asked: list[str]) -> dict[str, Any]:
    """Options of a window for which iNaturalist knows the koala, by its id, and has a picture of it."""
    stand.taxa["phascolarctos-cinereus"] = KOALA_NOW

    def answer(route: Route) -> None:
        asked.append(route.request.url)
        headers = {"Access-Control-Allow-Origin": "*"}
        if route.request.url.startswith((HOST, COMMONS)):
            return route.fulfill(body=pictures.jpeg(), content_type="image/jpeg", headers=headers)
        unfree = PHOTO | {"id": 6, "license_code": None}
        koala = {"id": 42983, "default_photo": unfree, "taxon_photos": [{"photo": PHOTO}]}
        return route.fulfill(body=json.dumps({"results": [koala]}), content_type="application/json", headers=headers)

    def before(page: Page) -> None:
        for each in PICTURES:
            page.route(f"{each}/**", answer)

    return {"before": before}


def _about_koala(open_page: Open, stand: Stand, **options: Any) -> Page:
    return open_page(f"{stand.url}#taxon=phascolarctos-cinereus", **options)


@pytest.mark.parametrize(
    ("language", "native", "introduced"),
    [
        ("en", "Queensland and Victoria, south of 20° S", "Kangaroo Island"),
        ("zh", "昆士兰州和维多利亚州，南纬 20°以南", "袋鼠岛"),
    ],
)
def test_where_an_animal_lives_is_composed_in_the_language_of_the_reader(
    stand: Stand, open_page: Open, language: str, native: str, introduced: str
) -> None:
    stand.language, stand.taxa["phascolarctos-cinereus"] = language, KOALA_NOW
    shown = _about_koala(open_page, stand)
    expect(shown.locator("#guide .areas li")).to_have_text([native, introduced])
    expect(shown.locator("#guide dl")).to_contain_text("Native bear")


def test_pictures_come_only_when_asked_for_with_author_and_licence_and_stay_on_the_device(
    stand: Stand, open_page: Open, asked: list[str], with_pictures: dict[str, Any]
) -> None:
    # GIVEN the page about the koala, which has a drawn outline
    shown = _about_koala(open_page, stand, **with_pictures)
    expect(shown.get_by_role("img", name="mammals")).to_be_visible()
    assert asked == []
    # WHEN pictures are wanted THEN the first one with an open licence is there, with its author and its terms
    shown.get_by_role("button", name="Show pictures").click()
    expect(shown.get_by_role("img", name="Picture of koala")).to_be_visible()
    author = shown.get_by_role("link", name="Ada Lovelace")
    expect(author).to_have_attribute("href", "https://www.inaturalist.org/photos/7")
    licence = shown.get_by_role("link", name="CC BY-NC")
    expect(licence).to_have_attribute("href", "https://creativecommons.org/licenses/by-nc/4.0/")
    assert asked == [f"{API}/v1/taxa/42983", PHOTO["medium_url"]]
    # WHEN one comes back THEN nobody is asked again
    shown.reload()
    expect(shown.get_by_role("img", name="Picture of koala")).to_be_visible()
    assert len(asked) == 2
    # AND they can be hidden again
    shown.get_by_role("button", name="Hide pictures").click()
    expect(shown.get_by_role("img", name="mammals")).to_be_visible()


def test_wikidata_is_asked_by_its_id_for_what_inaturalist_does_not_have(
    stand: Stand, open_page: Open, asked: list[str], with_pictures: dict[str, Any]
) -> None:
    # GIVEN the page about the koala, of which iNaturalist has no picture with an open licence, but Wikidata has one
    shown = _about_koala(open_page, stand, **with_pictures)
    artist = {"value": '<a href="//x.example">Grace <b>Hopper</b></a>'}
    facts = {"Artist": artist, "LicenseShortName": {"value": "CC BY-SA 4.0"}}
    info = {"thumburl": f"{COMMONS}/koala.jpg", "extmetadata": facts}

    def answer(route: Route) -> None:
        asked.append(route.request.url)
        claims = {"P18": [{"mainsnak": {"datavalue": {"value": "A koala.jpg"}}}]}
        pages = {"query": {"pages": [{"imageinfo": [info]}]}}
        found = {"claims": claims} if "wbgetclaims" in route.request.url else pages
        route.fulfill(body=json.dumps(found), headers={"Access-Control-Allow-Origin": "*"})

    shown.route(f"{API}/**", lambda route: route.fulfill(body='{"results": []}'))
    shown.route(f"{WIKIDATA}/**", answer)
    # WHEN pictures are wanted THEN that one is there, with its author and its licence
    shown.get_by_role("button", name="Show pictures").click()
    expect(shown.get_by_role("img", name="Picture of koala")).to_be_visible()
    page = "https://commons.wikimedia.org/wiki/File:A%20koala.jpg"
    expect(shown.get_by_role("link", name="Grace Hopper")).to_have_attribute("href", page)
    expect(shown.get_by_role("link", name="CC BY-SA 4.0")).to_be_visible()
    assert ("entity=Q36101" in asked[0], "File%3AA+koala.jpg" in asked[1]) == (True, True)
    assert asked[2:] == [info["thumburl"]]


def test_photo_and_picture_zoom_together(stand: Stand, identified: Identified, with_pictures: dict[str, Any]) -> None:
    # GIVEN the candidates of a photo side by side, with pictures
    for taxon in ("oryctolagus-cuniculus", "bradypus"):
        stand.taxa[taxon] = KOALA_NOW | {"taxon": taxon, "lives": "everywhere"}
    shown = identified(**with_pictures)
    shown.click("#compare summary")
    shown.get_by_role("button", name="Show pictures").click()
    both = shown.locator("#compare .beside img")
    expect(both).to_have_count(2)
    # WHEN one zooms in THEN both do, and both move
    before = [box_of(each)["width"] for each in both.all()]
    shown.locator("#compare").get_by_role("button", name="Zoom in").click()
    assert [box_of(each)["width"] for each in both.all()] == [pytest.approx(1.5 * each) for each in before]
    shown.locator("#compare .beside .reference").first.press("ArrowLeft")
    first, second = (each.evaluate("e => e.style.transform") for each in both.all())
    assert first == second
    assert "translate(15%" in first


def test_a_search_leads_to_the_page_of_an_animal_and_back(stand: Stand, open_page: Open) -> None:
    # GIVEN an API that finds the koala by another name
    stand.taxa |= {
        "?q=native+bear": {"taxa": [KOALA | {"found_by": "Native bear"}], "groups": []},
        "phascolarctos-cinereus": KOALA_NOW,
    }
    stand.taxa["?group=mammals"] = {"taxa": [KOALA], "groups": []}
    shown = open_page(stand.url)
    # WHEN it is looked up THEN it is found, with the name that did it, and leads to its page
    shown.fill("#look-up-text", "native bear")
    shown.click("#look-up button")
    expect(shown.locator("#guide-heading")).to_have_text("Found for “native bear”")
    expect(shown.locator("#guide .taxa li")).to_contain_text("also called Native bear")
    shown.get_by_role("link", name="Koala").click()
    expect(shown.locator("#guide-heading")).to_have_text("Koala")
    # AND back leads to the list, then to the start
    shown.click("#guide-back")
    expect(shown.locator("#guide-heading")).to_have_text("Found for “native bear”")
    shown.go_back()
    expect(shown.locator("#invitation")).to_be_visible()
    # AND an animal that is not known says so
    shown.goto(f"{stand.url}#taxon=unicornis")
    expect(shown.locator("#guide-heading")).to_have_text("Faunalens does not know this animal")


def test_who_lives_at_a_place_is_a_list_with_filters(stand: Stand, open_page: Open) -> None:
    # GIVEN a place with a koala and a fox
    stand.taxa |= {"": GROUPS, "?group=birds": {"taxa": [], "groups": []}}
    shown = open_page(stand.url)
    add_place(shown, "#look-here", "-33.1, 150.9")
    rows = shown.locator("#guide .taxa li")
    expect(rows).to_have_count(2)
    # AND the server gets no more than a tenth of a degree
    assert stand.sent[-1].query == {"lat": "-33.10", "lon": "150.90"}
    # WHEN it is filtered THEN only what fits stays
    shown.get_by_label("Origin").select_option("introduced")
    expect(rows).to_have_count(1)
    expect(rows).to_contain_text("Red fox")
    shown.get_by_label("Origin").select_option("")
    shown.get_by_label("Part of a name").fill("phasco")
    expect(rows).to_contain_text("Koala")
    shown.get_by_label("Part of a name").fill("ooo")
    expect(rows).to_have_count(0)
    shown.get_by_label("Part of a name").fill("")
    shown.get_by_label("Group").select_option("birds")
    expect(shown.get_by_text("No animal here fits. Clear a filter.")).to_be_visible()


def test_animals_can_be_looked_up_below_an_answer_with_a_way_back_to_it(stand: Stand, identified: Identified) -> None:
    stand.taxa[""] = GROUPS
    # GIVEN an answer on a phone WHEN an animal is looked up below it THEN back leads to the answer
    shown = identified(viewport=PHONE, has_touch=True, is_mobile=True)
    shown.fill("#look-up-text", "unicorn")
    shown.click("#look-up button")
    expect(shown.locator("#guide-heading")).to_have_text("Nothing is called “unicorn”")
    expect(shown.locator("#look-up")).to_be_hidden()
    expect(shown.locator("#guide-heading")).to_be_focused()
    shown.click("#guide-back")
    expect(shown.locator("#name")).to_be_visible()
    # AND so it does from a list of animals, and from the question whose they are
    add_place(shown, "#look-here", "-33.1, 150.9")
    expect(shown.locator("#guide .taxa li")).to_have_count(2)
    shown.click("#guide-back")
    expect(shown.locator("#name")).to_be_visible()
    shown.click("#look-here")
    shown.click("#place-back")
    expect(shown.locator("#name")).to_be_visible()
    # AND below a problem
    stand.tell_of(shown, *problem("photo_unreadable", 422))
    expect(shown.locator("#problem")).to_be_visible()
    shown.fill("#look-up-text", "unicorn")
    shown.click("#look-up button")
    shown.click("#guide-back")
    expect(shown.locator("#problem")).to_be_visible()


def test_a_first_visit_can_try_a_photo_and_a_phone_offers_no_folder(stand: Stand, open_page: Open) -> None:
    shown = open_page(stand.url, viewport=PHONE, has_touch=True, is_mobile=True)
    expect(shown.locator("#folder-label")).to_be_hidden()
    shown.click("#example")
    expect(shown.locator("#answer")).to_be_visible()
    assert stand.sent[-1].body[:2] == b"\xff\xd8"
    # AND a desk has folders
    shown = open_page(stand.url, viewport=DESK)
    expect(shown.locator("#folder-label")).to_be_visible()


def test_trying_again_goes_on_with_what_failed(stand: Stand, open_page: Open) -> None:
    stand.taxa["phascolarctos-cinereus"] = KOALA_NOW
    shown = open_page(stand.url)
    problem, again = shown.locator("#problem-heading"), shown.get_by_role("button", name="Try again")
    # GIVEN no network WHEN an animal is looked up THEN trying again, with one, looks it up
    shown.context.set_offline(True)
    shown.fill("#look-up-text", "native bear")
    shown.click("#look-up button")
    expect(problem).to_have_text("No connection")
    shown.context.set_offline(False)
    again.click()
    expect(shown.locator("#guide-heading")).to_contain_text("native bear")
    shown.click("#guide-back")
    # AND so it is with the photo of ours
    shown.context.set_offline(True)
    shown.click("#example")
    expect(problem).to_have_text("No connection")
    shown.context.set_offline(False)
    again.click()
    expect(shown.locator("#name")).to_have_text("Almost certain: koala")


def test_an_animal_that_is_opened_again_leads_back_to_the_answer(stand: Stand, identified: Identified) -> None:
    # GIVEN an answer WHEN the network is lost on the way to its animal, and is there again
    stand.taxa["phascolarctos-cinereus"] = KOALA_NOW
    shown = identified(answers.koala())
    expect(shown.locator("#animal")).to_be_visible()
    shown.context.set_offline(True)
    shown.click("#animal")
    expect(shown.locator("#problem-heading")).to_have_text("No connection")
    shown.context.set_offline(False)
    shown.get_by_role("button", name="Try again").click()
    # THEN trying again opens it, and nothing is identified once more
    expect(shown.locator("#guide-heading")).to_have_text("Koala")
    shown.click("#guide-back")
    expect(shown.locator("#name")).to_have_text("Almost certain: koala")
    assert len([each for each in stand.sent if each.path.endswith("identify")]) == 1


def test_names_and_what_a_decoder_says_are_in_the_language_of_the_reader(stand: Stand, open_page: Open) -> None:
    # GIVEN an API that has English names, and a page in German WHEN a bird is looked up THEN it is found
    stand.language, answer = "de", answers.koala()
    bird = KOALA | {"taxon": "turdus-merula", "name": "common blackbird", "scientific_name": "Turdus merula"}
    stand.taxa["?q=common+blackbird"] = {"taxa": [bird], "groups": []}
    shown = open_page(f"{stand.url}#find=Amsel")
    expect(shown.get_by_role("link", name="Amsel")).to_be_visible()
    # AND so is one that has no page
    expect(shown.locator("#guide .taxa li", has_text="Indienamsel")).to_contain_text("Turdus simillimus")
    # AND relatives and what a decoder says are in German
    mynas = {"taxon": "acridotheres-fuscus", "name": "jungle myna", "scientific_name": "Acridotheres fuscus"}
    answer["prediction"]["relatives_here"] = {"count": 1, "taxa": [mynas]}
    stand.tell_of(shown, answer)
    expect(shown.locator("#relatives-summary")).to_contain_text("Dschungelmaina")
    too_large = "photo is 61 MP, at most 40.5 MP are read; send a smaller one"
    stand.tell_of(shown, *problem("photo_too_large", 413, too_large))
    detail = shown.locator("#problem-detail")
    expect(detail).to_have_text("Das Foto hat 61 Megapixel; höchstens 40,5 werden gelesen.")
    expect(detail).to_have_attribute("lang", "de")
    # AND so is what it says of one of several photos
    stand.tell_of(shown, *problem("photo_unreadable", 422, "photo 2 of 3: the photo is empty; send its bytes"))
    expect(detail).to_have_text("Die Datei ist leer. (Foto 2)")


def test_where_the_animal_was_seen_glows_on_the_photo_for_the_asking(stand: Stand, identified: Identified) -> None:
    # GIVEN a photo of 400 × 300, in the right upper corner of whose middle the animal was seen
    seen = ClassMapShown(share=0.8, rows=((0.0, 1.0), (0.0, 0.2)))
    shown = identified(answers.koala(class_map=seen, focus=BoxFound(x=0.25, y=0.5, width=0.5, height=0.25, score=0.9)))
    # THEN where the models looked closer is on the photo
    looked = shown.get_by_role("img", name="Where the models looked closer")
    box, picture = box_of(looked), box_of(shown.locator("#picture"))
    assert (box["x"] - picture["x"]) / picture["width"] == pytest.approx(0.25, abs=0.01)
    assert box["height"] / picture["height"] == pytest.approx(0.25, abs=0.01)
    button, glow = shown.get_by_role("button", name="Where in the photo?"), shown.locator("#class-map")
    expect(glow).to_have_count(0)
    # WHEN one asks for it THEN the map covers the middle
    button.click()
    picture, box = box_of(shown.locator("#picture")), box_of(glow)
    assert (box["x"] - picture["x"]) / picture["width"] == pytest.approx(0.2, abs=0.01)
    assert (box["y"] - picture["y"]) / picture["height"] == pytest.approx(0.1, abs=0.01)
    alphas = glow.evaluate("e => [...e.getContext('2d').getImageData(0, 0, 2, 2).data].filter((_, i) => i % 4 === 3)")
    assert alphas == [0, 190, 0, 38]
    # AND it goes again
    button.click()
    expect(glow).to_have_count(0)
    # WHEN another photo is chosen while it glows, which is damaged THEN it has neither the map nor the button
    button.click()
    expect(glow).to_have_count(1)
    stand.tell_of(shown, *problem("photo_unreadable", 422))
    expect(shown.locator("#problem")).to_be_visible()
    expect(glow).to_have_count(0)
    expect(shown.locator("#look")).to_be_hidden()


def test_birds_are_compared_by_marks_and_what_they_share_comes_last(stand: Stand, identified: Identified) -> None:
    # GIVEN two birds of one family
    family = [{"name": "falcon", "scientific_name": "Falconidae", "rank": "family"}]
    names = {"falco-peregrinus": "peregrine falcon", "falco-sparverius": "American kestrel"}
    for each in names:
        stand.taxa[each] = KOALA_NOW | {"taxon": each, "group": "birds", "lineage": family, "lives": "everywhere"}
    birds = [candidate(name, taxon.replace("-", " "), 0.5, 0.5, "native") for taxon, name in names.items()]
    shown = identified(answers.koala(candidates=tuple(birds)))
    # WHEN they are compared THEN what tells them apart stands above what they have in common
    shown.click("#compare summary")
    rows = shown.locator("#compare [role=row]")
    expect(rows.filter(has_text="Eats")).to_have_text("Eatsvertebratesa bit of everything")
    expect(rows.last).to_have_text("Familyfalcon, all of them")
