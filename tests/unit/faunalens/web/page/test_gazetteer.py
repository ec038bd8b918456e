"""Places are found by name in the lists that the page loads."""

from collections.abc import Sequence
from typing import Any

import pytest

from chalicelib.api import page
from tests.unit.faunalens.web.page.node import evaluate

FIRST = {
    # what somebody types: the name that is found first, and where it is
    "munich": ("Munich", "Bavaria, Germany"),
    "MÜNCHEN": ("München", "Bavaria, Germany"),
    "munchen": ("München", "Bavaria, Germany"),
    "Muenchen": ("München", "Bavaria, Germany"),
    "munnich": ("Munich", "Bavaria, Germany"),
    "Johanesburg": ("Johannesburg", "Gauteng, South Africa"),
    "wien": ("Wien", "Vienna, Austria"),
    "varsovie": ("Varsovie", "Mazovia, Poland"),
    "北京": ("北京", "Beijing, China"),
    "москва": ("Москва", "Moscow, Russia"),
    "sao paulo": ("São Paulo", "Brazil"),
    "st louis": ("St. Louis", "Missouri, United States"),
    "Springfield, Illinois": ("Springfield", "Illinois, United States"),
    "springfield il": ("Springfield", "Illinois, United States"),
    "paris texas": ("Paris", "Texas, United States"),
    "paris": ("Paris", "Île-de-France, France"),
    "new york": ("New York", "United States"),
    "paris, usa": ("Paris", "Texas, United States"),
    "uk": ("UK", "United Kingdom"),
    "york": ("York", "England, United Kingdom"),
    "kruger": ("Kruger National Park", "South Africa"),
    "masai mara": ("Masai Mara", "Kenya"),
    "yellowst": ("Yellowstone National Park", "United States"),
    "bayerischer wald": ("Bayerischer Wald", "Germany"),
    "serengeti": ("Serengeti National Park", "Tanzania"),
    "madagascar": ("Madagascar", ""),
    "Deutschland": ("Deutschland", "Germany"),
    "bavaria": ("Bavaria", "Germany"),
    "bayern": ("Bayern", "Germany"),
    "mallorca": ("Mallorca", "Spain"),
    "galapagos islands": ("Galápagos Islands", ""),
    "borneo": ("Borneo", ""),
    "moab": ("Moab", "Utah, United States"),
}


SEARCH = """({ Gazetteer }, lists, wanted) => Object.entries(wanted).map(([language, texts]) => {
    const gazetteer = new Gazetteer([language, "en-US@posix", "de"]);
    lists.forEach((list, i) => gazetteer.add(list, i === 0));
    return texts.map((text) => gazetteer.search(text));
})"""


def search(**texts: Sequence[str]) -> list[list[Any]]:
    """What the lists give, by language, to a reader of German whose browser names a language that is none."""
    paths = sorted(page.WEB.glob("places*.txt"), key=lambda path: "more" in path.name)
    lists = [path.read_text(encoding="utf-8") for path in paths]
    found: list[list[Any]] = evaluate("gazetteer.js", SEARCH, lists, texts)
    return found


def test_names_are_found_in_many_languages_with_and_without_accents_and_are_where_they_say() -> None:
    (found,) = search(en=[*FIRST, "sydney", "quito", "nuuk", "alps", "Cologna", "xyzzyq", "a"])
    first = [each["places"][0] if each["places"] else {"name": "", "where": ""} for each in found]
    assert {text: (each["name"], each["where"]) for text, each in zip(FIRST, first, strict=False)} == FIRST
    sydney, quito, nuuk, alps = first[len(FIRST) :][:4]
    for place, position in ((sydney, (-33.87, 151.21)), (quito, (-0.23, -78.52)), (nuuk, (64.18, -51.72))):
        assert (place["latitude"], place["longitude"]) == pytest.approx(position, abs=0.06)
    assert (alps["kind"], alps["isWide"], sydney["isWide"]) == ("mountains", True, False)
    # AND a misspelt name gives names that begin like it
    *exact, cologne, nothing, letter = found
    assert (any(each["isGuess"] for each in exact), cologne["isGuess"]) == (False, True)
    assert cologne["places"][0]["where"] == "North Rhine-Westphalia, Germany"
    assert nothing["places"] == letter["places"] == []


def test_regions_and_countries_are_named_in_the_language_of_the_page() -> None:
    regions = {
        "de": ("Bayern, Deutschland", "Österreich"),
        "es": ("Baviera, Alemania", "Austria"),
        "fr": ("Bavière, Allemagne", "Autriche"),
        "zh-Hans": ("巴伐利亚, 德国", "奥地利"),
    }
    for (munich, innsbruck, carinthia), (town, region) in zip(
        search(**dict.fromkeys(regions, ("munich", "innsbruck tirol", "carinthia"))), regions.values(), strict=True
    ):
        assert (munich["places"][0]["where"], carinthia["places"][0]["where"]) == (town, region)
        assert innsbruck["places"][0]["name"] == "Innsbruck"
