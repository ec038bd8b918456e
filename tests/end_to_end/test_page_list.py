"""What the person says of an answer, and their own list of animals: on this device, as files, and back from them."""

import csv
import json
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Dialog, Page, expect

from tests.end_to_end import answers
from tests.end_to_end.browsing import PHONE, Open, photo
from tests.end_to_end.stand import Stand
from tests.support import pictures

pytestmark = pytest.mark.firefox

DATED = pictures.jpeg(exif=pictures.exif(pictures.SYDNEY, taken="2026:07:14 09:30:00"))
SENTENCE = "Almost certain: koala, 97%"


@pytest.fixture
def answered(keeping: Stand, open_page: Open) -> Page:
    """The answer to a photo without people, on a phone."""
    keeping.tell(answers.koala(people=answers.NO_PEOPLE))
    keeping.taxa["?q=wal"] = {"taxa": [{"taxon": "x", "name": "wallaby", "scientific_name": "Wallabia bicolor"}]}
    shown = open_page(keeping.url, viewport=PHONE)
    shown.set_input_files("#pick", photo(DATED))
    expect(shown.locator("#name")).to_have_text("Almost certain: koala")
    return shown


def correct(shown: Page) -> None:
    """Say that it is a wallaby."""
    shown.click("#wrong")
    shown.locator("#correct-animal").press_sequentially("wal")
    expect(shown.locator('#correct-names option[value="wallaby"]')).to_have_count(1)
    shown.fill("#correct-animal", "wallaby")
    shown.press("#correct-animal", "Enter")
    expect(shown.locator("#said-name")).to_have_text("wallaby")


def saved(shown: Page) -> list[dict[str, Any]]:
    """The list as the browser keeps it."""
    found: list[dict[str, Any]] = shown.evaluate("JSON.parse(localStorage.getItem('observations') ?? '[]')")
    return found


def test_an_answer_is_confirmed_on_this_device_alone(answered: Page, keeping: Stand) -> None:
    answered.click("#right")
    expect(answered.locator("#said-lead")).to_have_text("You agree:")
    expect(answered.locator("#said-undo")).to_be_focused()
    expect(answered.locator("#history-summary")).to_have_text("Your animals: 1")
    # THEN the list has what it is, when and where to a kilometre; and the server was asked nothing
    (entry,) = saved(answered)
    assert entry["taxon"]["scientific_name"] == "Phascolarctos cinereus"
    assert (entry["said"], entry["answered"], entry["date"]) == ("confirmed", SENTENCE, "2026-07-14")
    assert entry["place"] == {"latitude": -33.87, "longitude": 151.21}
    assert (len(keeping.sent), keeping.kept) == (1, [])
    # WHEN it is taken back THEN nothing is left
    answered.click("#said-undo")
    expect(answered.locator("#right")).to_be_focused()
    assert saved(answered) == []


def test_a_correction_is_shown_beside_what_was_answered_and_survives_a_reload(answered: Page) -> None:
    answered.click("#wrong")
    expect(answered.locator("#correct-animal")).to_be_focused()
    expect(answered.locator("#correct-rows button")).to_have_text(["koala", "rabbit", "three-toed sloth", "tabby cat"])
    answered.click("#correct-send")
    expect(answered.locator("#correct-problem")).to_have_text("Type a name first.")
    answered.locator("#correct-animal").press_sequentially("w")
    expect(answered.locator("#correct-problem")).to_be_empty()
    answered.click("#wrong")
    correct(answered)
    for _ in range(2):
        expect(answered.locator("#said-latin")).to_have_text("Wallabia bicolor")
        expect(answered.locator("#said-answered")).to_have_text(f"Faunalens answered: {SENTENCE}")
        expect(answered.locator("#name")).to_have_text("Almost certain: koala")
        answered.reload()
    # AND any row of the answer can be chosen
    answered.click("#said-undo")
    answered.click("#wrong")
    answered.locator("#correct-rows button").nth(1).click()
    expect(answered.locator("#said-latin")).to_have_text("Oryctolagus cuniculus")
    assert saved(answered)[0]["taxon"]["taxon"] == "oryctolagus-cuniculus"


def test_a_correction_is_sent_only_with_consent_and_is_edited_and_deleted(answered: Page, keeping: Stand) -> None:
    correct(answered)
    assert (len(keeping.sent), keeping.kept) == (1, [])
    expect(answered.locator("#said-teach")).to_contain_text("left out if people are found")
    answered.click("#said-send")
    expect(answered.locator("#said-status")).to_have_text("Thank you. It was sent.")
    expect(answered.locator("#said-teach")).to_be_hidden()
    # THEN the answer is kept, without people
    assert keeping.sent[-1].query["keep"] == "true"
    assert keeping.sent[-1].query["boxes"] == "true"
    (sent,) = keeping.kept
    assert (sent.path, sent.authorization) == ("/dev/r/result-2/correction", "Bearer token-result-2")
    assert json.loads(sent.body) == {"animal": "wallaby", "scientific_name": "Wallabia bicolor"}
    # AND the list has its address
    answered.click("#history-summary")
    assert answered.get_attribute("#history-list a", "href") == "/dev/r/result-2"
    # WHEN the entry is edited THEN it has the new details
    row = answered.locator("#history-list li")
    expect(row).to_contain_text("July 14, 2026 · Australia")
    expect(row).to_contain_text("in the list until")
    row.locator("button").first.click()
    expect(row.locator("input").first).to_be_focused()
    for i, value in enumerate(("2026-07-15", "3", "by the river")):
        row.locator("input").nth(i).clear()
        row.locator("input").nth(i).fill(value)
    row.locator("button").click()
    expect(row).to_contain_text("July 15, 2026 · Australia · 3 animals · by the river")
    assert answered.evaluate("document.documentElement.scrollWidth <= innerWidth")
    # WHEN it is deleted THEN what was shared of it is, too, and the answer can be confirmed again
    row.locator("button").last.click()
    expect(answered.locator("#history-summary")).to_have_text("Your animals: 0")
    expect(answered.locator("#history-summary")).to_be_focused()
    assert [(each.method, each.path) for each in keeping.kept[1:]] == [("DELETE", "/dev/r/result-2")]
    expect(answered.locator("#right")).to_be_visible()


def test_what_is_shared_says_what_was_said_and_a_failure_says_so(answered: Page, keeping: Stand) -> None:
    correct(answered)
    answered.click("#share")
    expect(answered.locator("#share-go")).to_be_enabled()
    answered.click("#share-go")
    expect(answered.locator("#said-teach")).to_be_hidden()
    assert json.loads(keeping.kept[0].body)["animal"] == "wallaby"
    # GIVEN a server whose store fails WHEN another photo is corrected, and deleted
    answered.set_input_files("#pick", photo())
    expect(answered.locator("#right")).to_be_visible()
    keeping.result_status = 503
    correct(answered)
    answered.click("#said-send")
    expect(answered.locator("#said-status")).to_contain_text("Temporarily unavailable")
    answered.click("#history-summary")
    answered.locator("#history-list button").last.click()
    expect(answered.locator("#history-status")).to_contain_text("Temporarily unavailable")
    expect(answered.locator("#history-list li")).to_have_count(2)


def test_all_is_deleted_after_a_question(answered: Page, keeping: Stand) -> None:
    for data in (None, pictures.jpeg(90, 80)):
        if data:
            answered.set_input_files("#pick", photo(data))
        answered.click("#right")
        expect(answered.locator("#said")).to_be_visible()
    answered.click("#history-summary")
    asked: list[str] = []

    def refuse(dialog: Dialog) -> None:
        asked.append(dialog.message)
        dialog.dismiss()

    answered.once("dialog", refuse)
    answered.click("#delete-all")
    expect(answered.locator("#history-list li")).to_have_count(2)
    assert asked == ["Delete your whole list, and what was shared of it? This cannot be undone."]
    answered.once("dialog", lambda dialog: dialog.accept())
    answered.click("#delete-all")
    expect(answered.locator("#history-summary")).to_have_text("Your animals: 0")
    assert (saved(answered), keeping.kept) == ([], [])


def test_the_list_goes_after_30_days_unless_it_is_to_stay(answered: Page) -> None:
    # GIVEN a full list WHEN more is said THEN it says so
    answered.evaluate("""() => {
        const entry = (_, i) => ({ id: `${i}`, added: new Date().toISOString(), taxon: { name: "fox" }, results: [] });
        localStorage.setItem("observations", JSON.stringify(Array.from({ length: 2000 }, entry)));
    }""")
    answered.click("#wrong")
    answered.locator("#correct-rows button").first.click()
    expect(answered.locator("#correct-problem")).to_contain_text("Your list has no more room.")
    answered.evaluate("localStorage.clear()")
    answered.reload()
    # GIVEN a list of one
    answered.click("#right")
    expect(answered.locator("#said")).to_be_visible()
    age = """() => localStorage.setItem("observations", JSON.stringify(JSON.parse(localStorage.getItem("observations"))
        .map((each) => ({ ...each, added: new Date(Date.now() - 31 * 86_400_000).toISOString() }))))"""
    # GIVEN a list that is to stay WHEN a month has gone by THEN it is there
    answered.click("#history-summary")
    answered.check("#lasting")
    expect(answered.locator("#history-list")).not_to_contain_text("in the list until")
    answered.evaluate(age)
    answered.reload()
    expect(answered.locator("#history-summary")).to_have_text("Your animals: 1")
    # WHEN it is no longer to stay, which can be said as soon as somebody listens, THEN it goes
    expect(answered.locator("#lasting")).to_be_disabled()
    answered.click("#history-summary")
    answered.uncheck("#lasting")
    expect(answered.locator("#history-summary")).to_have_text("Your animals: 0")
    assert saved(answered) == []


@pytest.mark.firefox(lacks="downloads, by its driver")
def test_the_list_is_saved_in_four_formats_and_loaded_again(answered: Page, tmp_path: Path) -> None:
    correct(answered)
    answered.click("#history-summary")
    files = {}
    expect(answered.locator("#list-formats button")).to_have_count(4)
    for button in answered.locator("#list-formats button").all():
        with answered.expect_download() as download:
            button.click()
        path = tmp_path / download.value.suggested_filename
        download.value.save_as(path)
        files[path.name] = path
    rows = {name: list(csv.DictReader(path.read_text("utf-8-sig").splitlines())) for name, path in files.items()}
    expected = {
        "basisOfRecord": "HumanObservation",
        "eventDate": "2026-07-14",
        "scientificName": "Wallabia bicolor",
        "decimalLatitude": "-33.87",
        "coordinateUncertaintyInMeters": "1000",
        "individualCount": "1",
        "identificationRemarks": f"Faunalens: {SENTENCE}",
    }
    (occurrence,), (row,) = rows["faunalens.dwc.csv"], rows["faunalens.inaturalist.csv"]
    assert occurrence.items() >= expected.items()
    found = row["Taxon name"], row["Date observed"], row["Geoprivacy"]
    assert found == ("Wallabia bicolor", "2026-07-14", "obscured")
    (feature,) = json.loads(files["faunalens.geojson"].read_text("utf-8"))["features"]
    assert feature["geometry"] == {"type": "Point", "coordinates": [151.21, -33.87]}
    # WHEN the list is deleted THEN either file brings it back, once, and it stays
    (before,) = saved(answered)
    for name in ("faunalens.csv", "faunalens.geojson"):
        answered.locator("#history-list button").last.click()
        expect(answered.locator("#history-summary")).to_have_text("Your animals: 0")
        for added in ("1 entry was added.", "0 entries were added."):
            answered.set_input_files("#load-list", files[name])
            expect(answered.locator("#history-status")).to_have_text(added)
        (after,) = saved(answered)
        assert after == {name: before[name] for name in before if name not in ("taxon", "sent")} | {
            "taxon": {"name": "wallaby", "scientific_name": "Wallabia bicolor"}
        }
    expect(answered.locator("#lasting")).to_be_checked()
    answered.set_input_files("#load-list", photo(b"hello,\x00", "a.csv", "text/csv"))
    expect(answered.locator("#history-status")).to_contain_text("This file is no list")
