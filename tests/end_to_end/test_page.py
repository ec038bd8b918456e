"""The page's answers and errors, in a real browser; the API is a stand-in, since most states cannot be had at will."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Route, expect

from chalicelib import errors
from chalicelib.api.responses import FeaturesUsed, ModelUsed, PackUsed, PossibleTaxon, PredictedTaxon
from chalicelib.config.settings import ROOT
from tests.end_to_end import answers
from tests.end_to_end.browsing import DESK, PHONE, Identified, Open, box_of, photo, problem
from tests.end_to_end.stand import KEY, Stand
from tests.support import pictures
from tests.support.records import candidate, members, possible, predicted

CATS = members(("jaguar", "Panthera onca"), ("ocelot", "Leopardus pardalis"), ("margay", "Leopardus wiedii"))
CAT = predicted("cat", "Felidae", 0.88, "likely", "family", CATS)
DOG = predicted("dog", "Canis familiaris", 0.6, "perhaps", has=members(("basenji", "Canis familiaris")))
MAMMAL = predicted("mammal", "Mammalia", 0.97, "almost certain", "class")
OPOSSUM, CANID = possible("opossum", "Didelphidae", 0.4), possible("dog, wolf or fox", "Canidae", 0.3)
COATI = "white-nosed coati", "Nasua narica"
RACCOON = possible("raccoon or coati", "Procyonidae", 0.3, ("raccoon", "Procyon lotor"), COATI)


@pytest.mark.firefox
def test_an_answer_says_what_it_is_how_sure_and_where(stand: Stand, identified: Identified) -> None:
    # GIVEN an API that sees a koala in Australia, with two packs, and demands keys
    # WHEN a photo is chosen
    packs = tuple(PackUsed(name=name, version="ba9876543210", milliseconds=9.0) for name in ("birds", "insects"))
    shown = identified(answers.koala(model=ModelUsed(name="faunalens", version="0123456789ab", packs=packs)))
    # THEN the animal, its name in Latin, its rank and how sure that is are there, and are said aloud
    expect(shown.locator("#name")).to_have_text("Almost certain: koala")
    expect(shown.locator("#taxon")).to_contain_text("Phascolarctos cinereus")
    expect(shown.locator("#rank")).to_be_hidden()
    expect(shown.locator("#sure summary")).to_have_text("97%")
    expect(shown.locator("#status")).to_have_text("Almost certain: koala, 97%.")
    # AND what these words mean is there for the asking
    expect(shown.locator("#sure-meaning")).to_be_hidden()
    shown.locator("#sure summary").click()
    expect(shown.locator("#sure-meaning")).to_contain_text("that say “almost certain”, at least 95 are right.")
    # AND each candidate has a bar as long as its score, a mark at its score without the place, and a badge
    rows = shown.locator("#candidates li")
    badges = ["lives here", "introduced here", "would be unusual here", "lives everywhere"]
    expect(rows.locator(".badge")).to_have_text(badges)
    expect(rows.locator(".candidate-score")).to_have_text(["95%", "2%", "1%", "1%"])
    track, bar, tick = (box_of(rows.first.locator(part)) for part in (".track", ".bar", ".tick"))
    assert bar["width"] / track["width"] == pytest.approx(0.95, abs=0.01)
    assert (tick["x"] - track["x"]) / track["width"] == pytest.approx(0.81, abs=0.01)
    # AND the place is a sentence and a hexagon on the map
    expect(shown.locator("#where")).to_have_text("Around 33.1° S, 150.9° E (Australia), from the photo’s GPS data.")
    expect(shown.locator("#narrowing")).to_have_text("The 74 animals known to live there were preferred.")
    corners = (shown.locator("#answer-map .cell").get_attribute("points") or "").split()
    assert len(corners) == 6
    # AND the animals of the place are there for the asking
    shown.get_by_text("Which animals live there?").click()
    residents = [re.compile("koala"), re.compile("red fox introduced here")]
    expect(shown.locator("#animals-list li")).to_have_text(residents)
    assert stand.sent[-1].query == {"lat": "-33.10", "lon": "150.90"}
    # AND so are the models that looked, with their versions
    shown.get_by_text("About this answer").click()
    sentence = "The general model looked at the photo, then the one for birds and the one for insects."
    expect(shown.locator("#models")).to_have_text(sentence)
    versions = "faunalens 0123456789ab, birds ba9876543210, insects ba9876543210"
    expect(shown.locator("#about")).to_contain_text(versions)
    expect(shown.locator("#about dd", has_text="2026-11-24")).to_have_text("2026-11-24")  # without codes of the API
    # AND every request had the page's own key
    assert {each.key for each in (*stand.sent, *stand.asked)} == {KEY}


def test_an_answer_says_when_the_place_was_not_used(stand: Stand, open_page: Open) -> None:
    shown, alone = open_page(stand.url), (candidate("koala", "Phascolarctos cinereus", 0.9, 0.9, None),)
    modes: dict[Any, str] = {
        "no_location": "No place was used, only the photo.",
        "unknown_area": "Which animals live there is not known, so only the photo was used.",
        "degraded": "Which animals live there is not known just now, so only the photo was used.",
    }
    for mode, sentence in modes.items():
        place = answers.NOWHERE if mode == "no_location" else answers.AUSTRALIA
        used = FeaturesUsed(mode=mode, cache="bypass", animals=0, version=None, month=None)
        stand.tell_of(shown, answers.koala(features=used, location=place, candidates=alone))
        expect(shown.locator("#narrowing")).to_have_text(sentence)
        expect(shown.locator(".badge, #legend").filter(visible=True)).to_have_count(0)
        expect(shown.locator("#closer")).to_be_visible(visible=mode != "no_location")
    # AND scores stand at the right, where bars end, although there are no badges
    for viewport in (PHONE, DESK):
        shown.set_viewport_size(viewport)
        score, track = (box_of(shown.locator(f"#candidates {part}")) for part in (".candidate-score", ".track"))
        assert score["x"] + score["width"] == pytest.approx(track["x"] + track["width"], abs=1)


def test_an_empty_list_of_animals_says_why(stand: Stand, identified: Identified) -> None:
    shown = identified()
    question, status = shown.get_by_text("Which animals live there?"), shown.locator("#animals-status")
    modes: dict[Any, str] = {
        "unknown_area": "Which animals live there is not known.",
        "narrowed": "No animals are known to live there.",
        "degraded": "Which animals live there is not known just now. Close this list and try again.",
    }
    for mode, sentence in modes.items():
        # GIVEN an API that knows no animals of the place, or cannot look them up because its stores are frozen
        stand.residents = {
            **answers.RESIDENTS,
            "animals": (),
            "features": FeaturesUsed(mode=mode, cache="bypass", animals=0, version=None, month=None),
        }
        # WHEN the list is opened THEN it is empty and says which of the two it is
        question.click()
        expect(status).to_have_text(sentence)
        expect(shown.locator("#animals-list li")).to_have_count(0)
        question.click()
    # WHEN it is opened again later THEN it shows the animals
    stand.residents = answers.RESIDENTS
    question.click()
    expect(status).to_have_text("2 animals that Faunalens knows")
    expect(shown.locator("#animals-list li")).to_have_count(2)


def test_an_animal_out_of_place_gets_a_remark_and_a_nameless_one_guesses(stand: Stand, identified: Identified) -> None:
    # GIVEN a tiger in Australia
    tiger = (candidate("tiger", "Panthera tigris", 0.8, 0.97, "unexpected"),)
    prediction = predicted("tiger", "Panthera tigris", 0.8, "likely")
    shown = identified(answers.koala(prediction=prediction, candidates=tiger))
    expect(shown.locator("#name")).to_have_text("Not known to live here: tiger")
    expect(shown.locator("#sure summary")).to_have_text("Likely 80%")
    expect(shown.locator("#status")).to_contain_text("Not known to live here: tiger, likely, 80%. ")
    expect(shown.locator("#remark")).to_contain_text("would be unusual where the photo was taken")
    # AND WHEN the next is too small to name THEN there are guesses without bars
    stand.tell_of(shown, answers.koala(prediction=None, why_not="The animal is small; a closer photo would help."))
    expect(shown.locator("#remark")).to_have_text("The animal is small; a closer photo would help.")
    expect(shown.locator("#name")).to_have_text("An animal")
    expect(shown.locator("#candidates-heading")).to_have_text("Guesses, none of them likely")
    expect(shown.locator("#candidates .track").first).to_be_hidden()
    # AND the photo of a night camera gets no advice for another one
    stand.tell_of(shown, answers.koala(prediction=None, reasons=("animal_small", "night_camera")))
    night = "The animal is small. Photos of night cameras have no colours, which tell many animals apart."
    expect(shown.locator("#remark")).to_have_text(night)


HEADLINES: list[tuple[PredictedTaxon | None, tuple[PossibleTaxon, ...], str]] = [
    (CAT, (), "Likely: cat: jaguar, ocelot, or margay, 88%."),
    (DOG, (), "Perhaps: dog, perhaps basenji, 60%."),
    (MAMMAL, (OPOSSUM, RACCOON), "Mammal; perhaps opossum or raccoon or coati."),
    (MAMMAL, (OPOSSUM, CANID), "Mammal; perhaps opossum / dog, wolf or fox."),
    (None, (OPOSSUM,), "An animal; perhaps opossum."),
]


def test_a_headline_says_how_far_the_answer_goes_or_that_there_is_no_animal(stand: Stand, open_page: Open) -> None:
    shown = open_page(stand.url)
    for prediction, perhaps, said in HEADLINES:
        stand.tell_of(shown, answers.koala(prediction=prediction, perhaps=perhaps))
        expect(shown.locator("#status")).to_have_text(said)
        expect(shown.locator("#members")).to_be_visible(visible=prediction is CAT)
        # AND what it perhaps is has its Latin name and its likeliest animals, and no number of its own
        rows = {"raccoon or coati": "Procyonidaeraccoon or white-nosed coati", "dog, wolf or fox": "Canidae"}
        listed = [f"{each['name']} {rows.get(each['name'], 'Didelphidae')}" for each in perhaps]
        expect(shown.locator("#perhaps-list li")).to_have_text(listed)
        for part in ("#candidates", "#compare", "#animal"):
            expect(shown.locator(part)).to_be_visible(visible=not perhaps)
    # AND the known animals that only look like it are there for the asking
    shown.get_by_text("Animals that Faunalens knows and that look like it").click()
    expect(shown.locator("#candidates")).to_be_visible()
    # AND a rank never contradicts the name
    for name, scientific_name, rank, shown_rank in (
        ("koala", "Phascolarctos cinereus", "species", ""),
        ("cats", "Felidae", "family", "family"),
        ("koala", "Phascolarctos cinereus", "family", ""),
        ("Egyptian Mau", "Felis catus", "breed", "breed"),
        ("beagle", "Canis", "breed", ""),
        ("zebra", "Hippotigris", "subgenus", ""),  # no language has a word for it
    ):
        stand.tell_of(shown, answers.koala(prediction=predicted(name, scientific_name, 0.9, "likely", rank)))
        expect(shown.locator("#name")).to_have_text(f"Likely: {name}")
        expect(shown.locator("#rank"), name).to_have_text(shown_rank)
    # AND a photo without an animal, whose likeliest animals are nonsense, says what it shows and why, and names none
    platypus = candidate("platypus", "Ornithorhynchus anatinus", 0.37, 0.37, "unexpected")
    person, vehicle = "The photo shows a person", "The photo shows a vehicle"
    subjects: dict[Any, str] = {"none": "No animal", "person": person, "vehicle": vehicle, "unclear": "Unclear"}
    for subject, heading in subjects.items():
        dark = {"why_not": "The photo is dark.", "candidates": (platypus,)}
        stand.tell_of(shown, answers.koala(prediction=None, subject=subject, **dark))
        expect(shown.locator("#name")).to_have_text(heading)
        expect(shown.locator("#remark")).to_have_text("The photo is dark.")
        expect(shown.locator("#status")).to_have_text(f"{heading}. The photo is dark.")
        for part in ("#taxon", "#sure", "#candidates-part", "#compare", "#animal"):
            expect(shown.locator(part)).to_be_hidden()


@pytest.mark.parametrize("outdated", [1, 99], ids=["until the next load", "as long as one looks"])
def test_a_page_that_a_deployment_replaced_loads_again_but_once(stand: Stand, open_page: Open, outdated: int) -> None:
    # GIVEN HTML of an earlier version, whose script is gone
    loads = 0

    def answer(route: Route) -> None:
        nonlocal loads
        loads += 1
        response = route.fetch()
        text = re.sub(r"app-\w+\.js", "app-00000000.js", response.text()) if loads <= outdated else response.text()
        route.fulfill(response=response, body=text)

    # WHEN it is opened
    shown = open_page(stand.url, before=lambda empty: empty.route(stand.url, answer))
    # THEN it loads once more, and works if the HTML is the current one
    shown.wait_for_function("performance.getEntriesByType('navigation')[0].type === 'reload'")
    shown.wait_for_load_state("networkidle")
    assert loads == 2
    if outdated == 1:
        shown.set_input_files("#pick", photo())
        expect(shown.locator("#name")).to_have_text("Almost certain: koala")


NOTHING_TO_DO = {"bad_request", "body_too_large", "headers_too_large", "method_not_allowed", "misdirected_request"}
NOTHING_TO_DO |= {"not_found", "range_missing", "taxon_missing", "uri_too_long", "version_not_supported"}
"""Codes of errors about which a person can do nothing: the page says that it did not work."""


def _codes(kind: type[errors.HTTPError]) -> Iterator[type[errors.HTTPError]]:
    for each in kind.__subclasses__():
        yield from _codes(each)
        if "code" in vars(each):
            yield each


def test_every_error_is_a_sentence(stand: Stand, open_page: Open) -> None:
    shown = open_page(stand.url)
    words = json.loads((ROOT / "faunalens/web/page/words/en.json").read_text(encoding="utf-8"))["script"]
    for error in _codes(errors.HTTPError):
        # WHEN a photo is refused, with a detail that no other refusal has
        headers = {"Retry-After": "5"} if error.status in (429, 503) else {}
        stand.tell_of(shown, *problem(error.code, error.status, f"why: {error.code}"), headers)
        # THEN a heading says what a person can make of it, and a sentence what to do
        name = "place" if error.code.startswith("location_") else "problem"
        view = shown.locator(f"#{name}")
        heading = words["problem.other" if error.code in NOTHING_TO_DO else f"problem.{error.code}"]
        if name == "problem":
            expect(view.locator("#problem-detail"), error.code).to_have_text(f"why: {error.code}")
        expect(view.locator("h2"), error.code).to_have_text(heading)
        expect(view.locator("h2 + p"), error.code).to_have_text(re.compile(r"^\S.*\.$"))
        expect(shown.locator("#status"), error.code).to_contain_text(heading)
        if headers:
            expect(view, error.code).to_contain_text("Wait about 5 seconds.")
    # AND a gateway may refuse in its own words
    refusals: list[tuple[int, Any, str]] = [
        (413, {"message": "Request Too Long"}, "This photo is too large"),
        (502, "<html>Bad Gateway</html>", "That did not work"),
        (429, {"message": "Too Many Requests"}, "Too many photos at once"),
        (200, "<html>A portal</html>", "That did not work"),
        (504, {"message": "Endpoint request timed out"}, "That took too long"),
    ]
    for status, body, heading in refusals:
        stand.tell(body, status)
        with shown.expect_response("**/identify*"):
            shown.set_input_files("#pick", photo())
        expect(shown.locator("#problem-heading")).to_have_text(heading)


@pytest.mark.firefox
def test_offline_is_said_at_once_and_only_the_photo_goes_when_that_is_over(stand: Stand, open_page: Open) -> None:
    # GIVEN a device without a network
    shown = open_page(stand.url, before=lambda empty: empty.clock.install())
    shown.context.set_offline(True)
    # WHEN a photo is chosen THEN that is said, without a second attempt
    shown.set_input_files("#pick", photo())
    expect(shown.locator("#problem-heading")).to_have_text("You are offline")
    # WHEN the network is back THEN the photo is answered
    shown.context.set_offline(False)
    expect(shown.locator("#name")).to_have_text("Almost certain: koala")
    # GIVEN another place that was asked for without a network
    shown.locator("#elsewhere").click()
    shown.context.set_offline(True)
    shown.locator("#place-none").click()
    expect(shown.locator("#problem-heading")).to_have_text("You are offline")
    # WHEN one goes back to the answer, and the network returns THEN nothing is sent
    shown.locator("#problem-back").click()
    shown.context.set_offline(False)
    shown.wait_for_function("navigator.onLine")
    shown.clock.run_for(2000)
    expect(shown.locator("#answer")).to_be_visible()
    assert len(stand.sent) == 1


@pytest.mark.firefox
def test_a_request_can_be_cancelled(stand: Stand, identified: Identified) -> None:
    # GIVEN a photo whose answer takes its time
    stand.open.clear()
    shown = identified(answers.koala())
    expect(shown.locator("#busy-words")).to_have_text("Identifying the animal")
    expect(shown.locator("#outcome")).to_have_attribute("aria-busy", "true")
    # WHEN it is cancelled THEN the request is given up, and the photo can be sent again
    with shown.expect_event("requestfailed", lambda request: "identify" in request.url):
        shown.get_by_role("button", name="Cancel").click()
    expect(shown.locator("#problem-heading")).to_have_text("Cancelled")
    stand.open.set()
    shown.get_by_role("button", name="Try again").click()
    expect(shown.locator("#name")).to_have_text("Almost certain: koala")
    # WHEN another place is cancelled THEN the answer is there again
    stand.open.clear()
    shown.get_by_role("button", name="Choose another place").click()
    shown.get_by_role("button", name="Continue without the place").click()
    shown.get_by_role("button", name="Cancel").click()
    expect(shown.locator("#where")).to_contain_text("from the photo’s GPS data")
    # WHEN another photo is chosen instead THEN the first request is given up, and the answer is the second photo's
    shown.set_input_files("#pick", photo())
    expect(shown.locator("#busy")).to_be_visible()
    stand.tell(answers.koala(prediction=predicted("emu", "Dromaius novaehollandiae", 0.9, "unclear")))
    with shown.expect_event("requestfailed", lambda request: "identify" in request.url):
        shown.set_input_files("#pick", photo(pictures.jpeg(300, 200)))
    stand.open.set()
    expect(shown.locator("#name")).to_have_text("Unclear: emu")


@pytest.mark.firefox
def test_a_connection_that_fails_is_tried_again_once_and_then_by_the_person(stand: Stand, open_page: Open) -> None:
    # GIVEN a connection that fails once
    shown = open_page(stand.url, before=lambda empty: empty.clock.install())
    shown.route("**/identify*", lambda route: route.abort(), times=1)
    shown.set_input_files("#pick", photo())
    expect(shown.locator("#busy-words")).to_have_text("The connection failed. Trying again")
    # WHEN it is cancelled THEN the photo stays here
    shown.get_by_role("button", name="Cancel").click()
    expect(shown.locator("#problem-heading")).to_have_text("Cancelled")
    shown.clock.run_for(1500)  # longer than the pause before the second attempt
    assert stand.sent == []
    # WHEN the next one is not THEN it is answered
    shown.route("**/identify*", lambda route: route.abort(), times=1)
    shown.set_input_files("#pick", photo())
    expect(shown.locator("#busy-words")).to_have_text("The connection failed. Trying again")
    shown.clock.run_for(1500)
    expect(shown.locator("#name")).to_have_text("Almost certain: koala")
    # GIVEN one that fails again and again
    shown.route("**/identify*", lambda route: route.abort())
    shown.set_input_files("#pick", photo())
    shown.clock.run_for(1500)
    expect(shown.locator("#problem-heading")).to_have_text("No connection")
    # WHEN it is back and one tries again THEN the same photo is answered
    shown.unroute("**/identify*")
    shown.get_by_role("button", name="Try again").click()
    expect(shown.locator("#name")).to_be_visible()
    expect(shown.locator("#name")).to_have_text("Almost certain: koala")
