"""animal_areas.csv: every wild animal lives somewhere, every claim has a source, and well-known facts hold."""

import csv
from collections import Counter, defaultdict
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]


def rows(name: str) -> list[dict[str, str]]:
    with (ROOT / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


ANIMALS = rows("model/labels.csv")
CLAIMS = rows("database/animal_areas.csv")
AREAS = {row["area"]: row["name"] for row in rows("database/areas.csv")}
SOURCES = {row["source"]: row for row in rows("database/sources.csv")}
WILD = {animal["id"] for animal in ANIMALS if animal["kind"] == "wild"}
NAMES = {animal["id"]: animal["name"] for animal in ANIMALS}

STATUS: dict[str, dict[str, str]] = defaultdict(dict)
for claim in CLAIMS:
    STATUS[NAMES[claim["animal"]]][claim["area"]] = claim["status"]


def test_areas_are_the_codes_of_iso_3166_and_kosovo() -> None:
    # 249 codes are assigned; XK is user-assigned, and what everybody uses. Each has one name.
    assert len(AREAS) == 250
    assert all(len(code) == 2 and code.isalpha() and code.isupper() for code in AREAS)
    assert len(set(AREAS.values())) == len(AREAS)
    assert list(AREAS) == sorted(AREAS)


def test_claims_are_sorted_and_made_once() -> None:
    keys = [(int(claim["animal"]), claim["area"]) for claim in CLAIMS]
    assert keys == sorted(set(keys))


def test_claims_name_known_animals_areas_statuses_and_sources() -> None:
    for claim in CLAIMS:
        assert claim["animal"] in WILD, NAMES[claim["animal"]]
        assert claim["area"] in AREAS
        assert claim["status"] in {"native", "introduced"}
        assert claim["source"] in SOURCES


def test_every_wild_animal_is_native_somewhere() -> None:
    native = {claim["animal"] for claim in CLAIMS if claim["status"] == "native"}
    assert {NAMES[animal] for animal in WILD - native} == set()


def test_every_source_has_title_citation_and_licence() -> None:
    assert all(all(value for value in source.values()) for source in SOURCES.values())
    assert {claim["source"] for claim in CLAIMS} <= set(SOURCES)


def test_every_country_has_animals() -> None:
    # GIVEN animals of every kind of place; THEN no country is left without, so that each cell narrows something
    met = Counter(claim["area"] for claim in CLAIMS)
    assert {area for area in AREAS if not met[area]} <= {"IO", "BV", "HM"}
    assert all(met[area] >= 40 for area in ("AU", "BR", "CA", "CN", "DE", "EG", "GB", "IN", "KE", "RU", "US", "ZA"))


@pytest.mark.parametrize(
    ("name", "areas"),
    [
        ("koala", "AU"), ("platypus", "AU"), ("wombat", "AU"), ("echidna", "AU PG"), ("wallaby", "AU PG"),
        ("bald eagle", "US CA MX"), ("American black bear", "US CA MX"), ("coyote", "US CA MX CR"),
        ("polar bear", "GL SJ CA RU US NO"), ("Arctic fox", "GL IS SJ SE FI"), ("Arctic wolf", "CA GL"),
        ("grey wolf", "US CA RU DE IT ES IN IL"), ("red or maned wolf", "US BR AR"), ("dingo", "AU"),
        ("lion", "KE TZ ZA IN"), ("tiger", "IN RU BD ID"), ("leopard", "KE IN LK RU"), ("jaguar", "BR MX GF"),
        ("puma", "US CA BR CL AR"), ("snow leopard", "MN NP KG"), ("cheetah", "NA IR KE"), ("lynx", "SE ES CA US"),
        ("African elephant", "KE GA ZA"), ("Asian elephant", "IN LK TH"), ("tusker elephant", "KE IN"),
        ("giant panda", "CN"), ("red panda", "NP BT CN"), ("orangutan", "ID MY"), ("gorilla", "RW CD CG"),
        ("ring-tailed lemur", "MG"), ("indri", "MG"), ("macaque", "JP IN MA DZ"), ("hippopotamus", "UG ZM"),
        ("Komodo dragon", "ID"), ("American alligator", "US"), ("Nile crocodile", "EG ZA MG"),
        ("king penguin", "GS FK TF"), ("albatross", "NZ AU GS"), ("flamingo", "FR KE CL"),
        ("white stork", "PL ES DE"), ("red-breasted merganser", "IS GL US FO"), ("crane", "DE US JP AU"),
        ("ruffed grouse", "US CA"), ("great grey owl", "SE CA RU"), ("toucan", "BR GF CR"),
        ("hummingbird", "US EC JM"), ("red fox", "GB US JP"), ("wild boar", "DE JP IN"), ("hare", "GL IE ZA"),
        ("porcupine", "US IT ZA IN"), ("polecat", "FR PL ZA"), ("American mink", "US CA"),
        ("beaver", "CA DE"), ("bison", "US PL"), ("fire salamander", "DE ES"),
        ("eastern newt", "US CA"), ("newt", "GB US"),
        ("American bullfrog", "US CA"), ("Gila monster", "US MX"), ("frilled lizard", "AU"), ("bulbul", "HK TW RE IN"),
        ("lorikeet", "NC AU PG"), ("macaw", "BR GF"), ("purple swamphen", "NZ HK ES"), ("monarch butterfly", "US MX"),
        ("coho salmon", "US RU"), ("scorpion", "MX AU IT"), ("crayfish", "AU US MG"),
    ],
)  # fmt: skip
def test_native(name: str, areas: str) -> None:
    assert {area: STATUS[name].get(area) for area in areas.split()} == dict.fromkeys(areas.split(), "native")


@pytest.mark.parametrize(
    ("name", "areas"),
    [
        ("hippopotamus", "CO"), ("red fox", "AU"), ("wild boar", "US AU"), ("American mink", "GB DE IS NO"),
        ("American bullfrog", "FR JP BR"), ("hare", "AU NZ AR"), ("beaver", "AR CL"), ("black swan", "NZ"),
        ("wallaby", "GB NZ"), ("warthog", "US"), ("green iguana", "PR SG"), ("mongoose", "JM PR US"),
        ("monarch butterfly", "AU NZ PT"), ("terrapin", "GB JP"), ("coho salmon", "CL"), ("cheetah", "IN"),
        ("bulbul", "US AU"), ("magpie", "NZ"), ("guenon", "BB"), ("weasel", "NZ"), ("tree frog", "NZ"),
    ],
)  # fmt: skip
def test_introduced(name: str, areas: str) -> None:
    assert {area: STATUS[name].get(area) for area in areas.split()} == dict.fromkeys(areas.split(), "introduced")


@pytest.mark.parametrize(
    ("name", "areas"),
    [
        ("lion", "BR AU US CN"), ("tiger", "KE BR ZA"), ("koala", "NZ US"), ("polar bear", "DE AQ"),
        ("king penguin", "GL NO"), ("ostrich", "BR IN"),
        ("junco", "GE PH PY"), ("jaguar", "KE IN"), ("red or maned wolf", "RU DE"), ("Arctic wolf", "MX DE"),
        ("giant panda", "JP"), ("chickadee", "BF AU"), ("Indian cobra", "US AU"), ("American alligator", "AU"),
        ("hummingbird", "ES ML"), ("spoonbill", "IS"), ("flamingo", "GL"), ("Komodo dragon", "AU"),
        ("ruffed grouse", "GE"), ("ptarmigan", "BF"), ("coucal", "GB"), ("eastern newt", "GB"),
    ],
)  # fmt: skip
def test_absent(name: str, areas: str) -> None:
    assert STATUS[name], f"no animal is called {name}"
    assert set(STATUS[name]) & set(areas.split()) == set()
