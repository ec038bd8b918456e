"""The names of animals in other languages: those of the models and of taxa above them, with the sources apart."""

import csv
import json
from functools import cache

import pytest

from chalicelib.api import page
from chalicelib.config.settings import ROOT
from faunalens.taxa.taxa import lineages
from tests.unit.faunalens.web.page.node import evaluate

LANGUAGES = sorted(path.stem for path in (ROOT / "faunalens/web/page/names").iterdir())
GROUPS = ("model/taxa.csv", "model/packs/taxa.csv", "model/families.csv")
TABLES = ("model/labels.csv", "model/packs/birds.csv", "model/packs/insects.csv", "faunalens/data/taxa.csv", *GROUPS)
SOURCES = ["birdnet", "own"]
BY_LANGUAGE = (
    "faunalens/web/page/areas.csv",
    "faunalens/web/page/everyday.csv",
    "faunalens/web/page/relatives.csv",
    "faunalens/data/maintain/gazetteer/region_names.csv",
)
"""Tables with a column for each language."""


@cache
def known(*tables: str) -> set[str]:
    """The English names in these tables, in lower case."""
    names = set()
    for table in tables:
        with (ROOT / table).open(encoding="utf-8", newline="") as file:
            names |= {row["name"].lower() for row in csv.DictReader(file)}
    return names - {""}


def columns(table: str) -> set[str]:
    return set((ROOT / table).read_text(encoding="utf-8").partition("\n")[0].split(","))


@cache
def named(language: str) -> dict[str, dict[str, str]]:
    """The names in a language, by source and English name."""
    found: dict[str, dict[str, str]] = json.loads(
        (ROOT / f"faunalens/web/page/names/{language}.json").read_text("utf-8")
    )
    return found


def test_each_language_of_the_page_is_in_every_table_that_has_languages() -> None:
    # GIVEN the languages of the words, and the tables; English names need none of their own
    tables = {file: columns(file) for file in BY_LANGUAGE} | {"faunalens/web/page/names": set(LANGUAGES)}
    pages = {path.stem for path in (ROOT / "faunalens/web/page/words").iterdir()} - {"en"}
    # THEN nothing is missing; an error lists all places
    missing = [
        f"{table} has no {language}" for language in sorted(pages) for table in tables if language not in tables[table]
    ]
    assert missing == []
    assert set(LANGUAGES) == pages


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_name_is_one_of_a_known_animal_and_has_one_source(language: str) -> None:
    sources = named(language)
    assert list(sources) == SOURCES
    names = [(english, name) for source in sources.values() for english, name in source.items()]
    assert len(dict(names)) == len(names)
    assert sorted({english for english, _ in names} - known(*TABLES)) == []
    assert [name for _, name in names if not name or name != name.strip() or not set("<>&{}_/").isdisjoint(name)] == []
    for source in sources.values():
        assert list(source) == sorted(source)
    # AND the classes of the general model, and all that an answer may call a group, have names
    assert sorted(known("model/labels.csv", *GROUPS) - dict(names).keys()) == []


def test_every_relative_with_a_name_is_one_and_mammals_that_people_photograph_have_names() -> None:
    with (ROOT / "faunalens/web/page/relatives.csv").open(encoding="utf-8", newline="") as file:
        rows = {row.pop("scientific_name"): row for row in csv.DictReader(file)}
    with (ROOT / "model/relatives.csv").open(encoding="utf-8", newline="") as file:
        known = {row["scientific_name"] for row in csv.DictReader(file)}
    assert sorted(rows.keys() - known) == []
    assert list(rows) == sorted(rows)
    for mammal in ("Alces alces", "Capreolus capreolus", "Odocoileus virginianus", "Procyon lotor"):
        assert all(rows[mammal].values())


def test_everyday_names_are_of_taxa_at_hand_and_replace_no_name_of_a_relative() -> None:
    with (ROOT / "faunalens/web/page/everyday.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))[1:]
    with (ROOT / "faunalens/web/page/relatives.csv").open(encoding="utf-8", newline="") as file:
        relatives = {row["scientific_name"] for row in csv.DictReader(file)}
    assert rows == sorted(rows)
    assert {latin for latin, *_ in rows} <= lineages().keys() - relatives
    assert all(any(names) for _, *names in rows)


PARTS = """async (_, module, items, parts) => {
    const documentElement = { lang: "de", dataset: {} };
    globalThis.document = { documentElement, getElementById: () => ({ textContent: "{}" }) };
    const { containing } = await import(module);
    return parts.map((typed) => containing(items, typed).map(({ name }) => name));
}"""


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("bee", ["bee-eater"]),  # not bear and zebra, which have one e
        ("aguila", ["águila"]),
        ("oter", ["oterillo", "otter"]),
        ("zzebr", ["zebra"]),
        ("loewe", ["Löwe"]),
        ("zzz", []),
        ("", ["zebra", "bear", "bee-eater", "otter", "oterillo", "águila", "Löwe"]),
    ],
)
def test_names_with_the_letters_as_they_are_typed_come_before_those_in_another_spelling(
    typed: str, found: list[str]
) -> None:
    names = [{"name": name} for name in ("zebra", "bear", "bee-eater", "otter", "oterillo", "águila", "Löwe")]
    module = (ROOT / "faunalens/web/page/src/names.js").as_uri()
    assert evaluate("gazetteer.js", PARTS, module, names, [typed]) == [found]


FOUND = """async (_, module, html, folder, typed) => {
    const { readFile } = await import("node:fs/promises");
    const dataset = Object.fromEntries([...html.matchAll(/data-(\\w+)="([^"]*)"/g)].map((found) => found.slice(1)));
    const lang = html.match(/<html lang="([\\w-]+)/)[1];
    globalThis.document = { documentElement: { lang, dataset }, getElementById: () => ({ textContent: "{}" }) };
    globalThis.fetch = async (file) => ({ json: async () => JSON.parse(await readFile(`${folder}/${file}`, "utf8")) });
    const { taxaCalled } = await import(module);
    const lion = { taxon: "panthera-leo", name: "lion", english: "lion", scientific_name: "Panthera leo" };
    const search = async (text) => ({ taxa: ["lion", "Panthera leo"].includes(text) ? [lion] : [] });
    const called = (text) => taxaCalled(text, search).then(([first]) => [first?.scientific_name, first?.taxon]);
    return await Promise.all(typed.map(called));
}"""


@pytest.mark.parametrize(
    ("language", "typed"),
    [
        ("en", {"moose": "Alces alces", "Hog Deer": "Axis porcinus", "bat": "Chiroptera", "mose": "Alces alces"}),
        ("de", {"Eichhörnchen": "Sciurus vulgaris", "eihhornchen": "Sciurus vulgaris", "LÖWEN": "Panthera leo"}),
        ("es", {"mapche": "Procyon lotor", "murcielago": "Chiroptera", "leones": "Panthera leo"}),
        ("fr", {"élephant": "Proboscidea", "chevreuils": "Capreolus capreolus", "lion": "Panthera leo"}),
        ("zh", {"狮子": "Panthera leo", "熊": "Ursidae", "鹿": "Cervidae", "青蛙": "Anura"}),
    ],
)
def test_an_animal_is_found_by_its_everyday_name_also_mistyped_in_the_plural_or_without_accents(
    language: str, typed: dict[str, str]
) -> None:
    # GIVEN the lists of the page, and an API that knows the lion alone WHEN people look animals up
    html = page.WEB.joinpath(f"{language}.html").read_text(encoding="utf-8")
    module = (ROOT / "faunalens/web/page/src/names.js").as_uri()
    found = evaluate("gazetteer.js", FOUND, module, html, str(page.WEB.parent), list(typed))
    # THEN the taxon is first, with the id of its page if it has one
    lion = {"Panthera leo": "panthera-leo"}
    assert found == [[latin, lion.get(latin)] for latin in typed.values()]
