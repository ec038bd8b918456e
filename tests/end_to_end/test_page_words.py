"""What the page says of an animal and a location: what is known, what is not, and what is not known just now."""

import json
from typing import Any

import pytest
from playwright.sync_api import Route, expect

from chalicelib.api.responses import FeaturesUsed, Place
from chalicelib.api.words import SURE
from chalicelib.config.settings import ROOT
from tests.end_to_end import answers
from tests.end_to_end.browsing import Identified, Open, photo
from tests.end_to_end.stand import Stand
from tests.support import pictures
from tests.support.records import candidate

AT_SEA = Place(source="request", cell="837c65fffffffff", center=(-0.0, -29.9), areas=())
CATS = [
    {"taxon": "leopardus-pardalis", "name": "ocelot", "scientific_name": "Leopardus pardalis"},
    {"taxon": "leopardus-wiedii", "name": "margay", "scientific_name": "Leopardus wiedii"},
    {"taxon": "puma-yagouaroundi", "name": "jaguarundi", "scientific_name": "Herpailurus yagouaroundi"},
    {"taxon": "leopardus-tigrinus", "name": "oncilla", "scientific_name": "Leopardus tigrinus"},
]
KOALA = {
    "taxon": "phascolarctos-cinereus",
    "name": "koala",
    "scientific_name": "Phascolarctos cinereus",
    "rank": "species",
    "kind": "wild",
    "group": "mammals",
    "lineage": [
        {"name": "mammal", "scientific_name": "Mammalia", "rank": "class"},
        {"name": "koala", "scientific_name": "Phascolarctos cinereus", "rank": "species"},
    ],
    "ids": {"wikidata": "Q36101"},
    "links": {
        "wikipedia": "https://en.wikipedia.org/wiki/Phascolarctos_cinereus",
        "wikidata": "https://www.wikidata.org/wiki/Q36101",
    },
    "lives": "range",
    "ranges": [
        {"status": "native", "words": "Queensland", "extent": "within", "certainty": "sure", "season": None},
        {"status": "native", "words": "Victoria", "extent": "throughout", "certainty": "doubt", "season": "winter"},
        {"status": "introduced", "words": "Perth", "extent": "throughout", "certainty": "sure", "season": None},
        {"status": "absent", "words": "Tasmania", "extent": "throughout", "certainty": "sure", "season": None},
    ],
    "models": [],
    "version": "2026-11-24",
}
GROUPS = {"taxa": [], "groups": [{"group": "birds", "taxa": 962}, {"group": "mammals", "taxa": 1}]}


def _koala(here: Any, **changes: Any) -> dict[str, Any]:
    return answers.koala(candidates=(candidate("koala", "Phascolarctos cinereus", 0.9, 0.9, here),), **changes)


def _percent(share: float) -> str:
    """A share as the page rounds it: halves up."""
    return f"{int(100 * share + 0.5)}%"


def answer_with_relatives(count: int = 12) -> dict[str, Any]:
    """An answer with close relatives, of which at most four are named."""
    answer = _koala("native")
    answer["prediction"]["relatives_here"] = {"count": count, "taxa": CATS[:count]}
    return answer


def test_an_answer_says_if_the_animal_lives_there(stand: Stand, open_page: Open) -> None:
    shown = open_page(stand.url)
    for here, badge, remark in (
        ("native", "lives here", ""),
        ("introduced", "introduced here", ""),
        ("unexpected", "would be unusual here", "This animal would be unusual where the photo was taken."),
        ("unknown", "not known for this animal", "Whether this animal lives where the photo was taken is not known."),
    ):
        stand.tell_of(shown, _koala(here))
        expect(shown.locator("#candidates .badge")).to_have_text(badge)
        expect(shown.locator("#remark")).to_be_visible(visible=bool(remark))
        for part in ("#remark", "#status"):  # which is said aloud
            expect(shown.locator(part)).to_contain_text(remark)
    # AND a place is at sea only if that is known
    places: dict[Any, str] = {
        "narrowed": "at sea",
        "unknown_area": "at sea, or far from any country",
        "degraded": "country not known just now",
    }
    for mode, where in places.items():
        features = FeaturesUsed(
            mode=mode, cache="bypass", animals=25 if mode == "narrowed" else 0, version=None, month=None
        )
        stand.tell_of(shown, _koala("unknown", location=AT_SEA, features=features), file=photo(pictures.jpeg()))
        expect(shown.locator("#where")).to_have_text(f"Around 0° N, 29.9° W ({where}), chosen by you.")
        # AND where nothing is known of any animal, one sentence says so, and no badge and no remark
        for part in ("#candidates .badge", "#remark"):
            expect(shown.locator(part)).to_be_visible(visible=mode == "narrowed")


@pytest.mark.firefox
def test_relatives_that_no_model_knows_are_named(stand: Stand, open_page: Open) -> None:
    # GIVEN an answer with close relatives that live there
    shown = open_page(stand.url)
    summaries = {
        12: "12 close relatives that Faunalens does not know live here: ocelot, margay, jaguarundi …",
        3: "3 close relatives that Faunalens does not know live here: ocelot, margay, and jaguarundi",
        1: "1 close relative that Faunalens does not know lives here: ocelot",
    }
    for count, summary in summaries.items():
        # WHEN it is shown THEN a sentence says how many there are, and names some
        stand.tell_of(shown, answer_with_relatives(count))
        expect(shown.locator("#relatives-summary")).to_have_text(summary)
        # AND the rest of them are there for the asking
        rows = ["ocelot Leopardus pardalis", "margay Leopardus wiedii", "jaguarundi Herpailurus yagouaroundi"][:count]
        more = ["oncilla Leopardus tigrinus", "8 more"] if count == 12 else []
        expect(shown.locator("#relatives-list li")).to_have_text([*rows, *more])
    # AND without them, nothing is said
    stand.tell(answer_with_relatives(0))
    with shown.expect_response("**/identify*"):
        shown.set_input_files("#pick", photo())
    expect(shown.locator("#answer")).to_be_visible()
    expect(shown.locator("#relatives")).to_be_hidden()


@pytest.mark.firefox
def test_an_animal_is_described_with_links_for_the_asking(stand: Stand, identified: Identified) -> None:
    # GIVEN an API that knows the koala, and its season
    stand.taxa["phascolarctos-cinereus"], answer = KOALA, _koala("native")
    answer["candidates"][0]["season"] = [1, 1, 0.5, 0, 0, 0, 0, 0, 0, 0, 0.1, 0.9]
    shown = identified(answer)
    # WHEN one asks about it
    shown.get_by_role("link", name="More about: koala").click()
    # THEN the page says where it lives, what it belongs to, and where to read more
    headings = ["Native", "Introduced", "When it is here", "Belongs to", "Read more"]
    expect(shown.locator("#guide dt")).to_have_text(headings)
    native = "Parts of QueenslandVictoria (winter, in doubt)"
    said = [native, "Perth", "JFMAMJJASOND", "mammal", "Wikipedia Wikidata"]
    expect(shown.locator("#guide dd")).to_have_text(said)
    expect(shown.get_by_role("img", name="Mostly in: January, February, March, and December")).to_be_visible()
    expect(shown.locator(".season > span")).to_have_count(12)
    link = shown.get_by_role("link", name="Wikipedia")
    expect(link).to_have_attribute("href", "https://en.wikipedia.org/wiki/Phascolarctos_cinereus")
    expect(link).to_have_attribute("target", "_blank")
    # AND of one without a range, what is known
    shown.click("#guide-back")
    for lives, words in (
        ("everywhere", "everywhere"),
        ("nowhere", "nowhere in the wild"),
        ("unknown", "where is not known"),
    ):
        stand.taxa["phascolarctos-cinereus"] = KOALA | {"lives": lives, "ranges": []}
        shown.get_by_role("link", name="More about: koala").click()
        expect(shown.locator("#guide dd").first).to_have_text(words)
        shown.click("#guide-back")


@pytest.mark.firefox
def test_what_faunalens_knows_is_listed_by_group(stand: Stand, open_page: Open) -> None:
    # GIVEN an API with two groups
    stand.taxa[""] = GROUPS
    stand.taxa["?group=mammals"] = {"taxa": [KOALA], "groups": []}
    stand.health = {"packs": [{"name": name} for name in ("birds", "insects", "detector")]}
    shown = open_page(stand.url)
    assert stand.asked == []
    # WHEN one opens the list, and in it a group
    shown.get_by_text("What Faunalens knows").click()
    expect(shown.locator("#knowledge summary")).to_have_text(["What Faunalens knows", "birds: 962", "mammals: 1"])
    expect(shown.locator("#knowledge")).to_contain_text("recognises only the animals in these lists")
    # AND which packs there are, and what they are worth outdoors
    packs = "Behind the general model, packs know more species of birds and insects."
    expect(shown.locator("#packs")).to_have_text(packs)
    expect(shown.locator("#knowledge")).to_contain_text("no photos of beetles, bees or dragonflies")
    # AND what its words mean, and how often it is right on photos from the field
    evidence = json.loads((ROOT / "faunalens/web/page/evidence.json").read_text(encoding="utf-8"))
    found = [evidence["words"].get(row.word, {"answers": 0}) for row in SURE[:-1]]
    measured = [_percent(each["right"]) if each["answers"] >= 30 else "–" for each in found]
    promised = [f"{100 * row.right:.0f}" for row in SURE[:-1]]
    pairs = zip(promised, measured, strict=True)
    expect(shown.locator("#evidence-words td")).to_have_text([text for pair in pairs for text in pair])
    kinds, names = evidence["kinds"].values(), ("usable", "wrong", "silent")
    shares = [_percent(kind[name]) for kind in kinds for name in names if name in kind]
    expect(shown.locator("#evidence-kinds td").filter(has_text="%")).to_have_text(shares)
    shown.get_by_text("mammals: 1").click()
    # THEN its animals are there, and only that group was asked for
    expect(shown.locator("#knowledge li")).to_have_text("koala Phascolarctos cinereus")
    assert [(each.path, each.query) for each in stand.asked] == [("/dev/taxa", {}), ("/dev/taxa", {"group": "mammals"})]


def test_a_part_that_is_opened_before_the_script_is_there_is_filled_by_it(stand: Stand, open_page: Open) -> None:
    # GIVEN a slow network, on which one opens a part before the script has come
    stand.taxa[""] = GROUPS
    opened = "() => new Promise((done) => { const part = document.querySelector('#knowledge');"
    opened += " part.addEventListener('toggle', done, { once: true }); part.open = true; })"

    def first_open(route: Route) -> None:
        shown = route.request.frame.page
        shown.locator("#knowledge").wait_for()
        shown.evaluate(opened)
        route.continue_()

    # WHEN it comes THEN the part is filled
    shown = open_page(stand.url, before=lambda page: page.route("**/web/app-*.js", first_open))
    expect(shown.get_by_text("mammals: 1")).to_be_visible()


def test_lists_that_the_stores_cannot_give_are_not_known_just_now(stand: Stand, identified: Identified) -> None:
    # GIVEN stores that do not answer
    stand.taxa_status = 503
    shown = identified(_koala("native"))
    # WHEN the list of what Faunalens knows and the page about the animal are opened THEN both say so
    shown.get_by_text("What Faunalens knows").click()
    expect(shown.locator("#knowledge [role=status]")).to_have_text("Not known just now. Close this and open it again.")
    about = shown.get_by_role("link", name="More about: koala")
    about.click()
    expect(shown.locator("#guide-heading")).to_contain_text("Temporarily unavailable")
    # WHEN the stores are back, and one opens it again THEN it is there
    stand.taxa_status = 200
    stand.taxa["phascolarctos-cinereus"] = KOALA
    shown.click("#guide-back")
    about.click()
    expect(shown.locator("#guide dt")).to_have_count(4)
