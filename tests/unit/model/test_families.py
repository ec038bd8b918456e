"""families.csv: the families that an answer may name although no model knows them, and what their photos look like."""

import csv
from pathlib import Path

MODEL = Path(__file__).parents[3] / "model"


def rows(name: str) -> list[dict[str, str]]:
    with (MODEL / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


FAMILIES = rows("families.csv")
KNOWN = rows("labels.csv") + rows("packs/birds.csv")
NAMED = {row["scientific_name"]: row["name"] for name in ("taxa.csv", "packs/taxa.csv") for row in rows(name)}
RELATIVES = {row["family"] for row in rows("relatives.csv")}


def look_alikes(row: dict[str, str]) -> list[tuple[str, float]]:
    return [(taxon, float(weight)) for taxon, _, weight in (each.partition(":") for each in row["looks_like"].split())]


def test_every_family_has_one_row_and_every_row_is_used_and_says_something() -> None:
    families = [row["family"] for row in FAMILIES]
    assert families == sorted(set(families))
    assert sorted(set(families) - RELATIVES) == []
    assert [row for row in FAMILIES if not row["name"] and row["photographed"] == "1"] == []


def test_every_family_of_relatives_has_one_everyday_name() -> None:
    own = {row["family"]: row["name"] for row in FAMILIES if row["name"]}
    renamed = sorted(own.keys() & NAMED.keys())
    assert renamed == []
    assert sorted(RELATIVES - own.keys() - NAMED.keys()) == []
    assert [name for name in own.values() if name != name.strip() or name.startswith(("a ", "an ", "the "))] == []


def test_families_have_look_alikes_among_the_known_animals_unless_a_model_knows_some_of_their_own() -> None:
    taxa, known = {row["taxon"] for row in KNOWN}, {row["family"] for row in KNOWN}
    for row in FAMILIES:
        alike = look_alikes(row)
        assert sorted({taxon for taxon, _ in alike} - taxa) == [], row
        assert len(dict(alike)) == len(alike), row
        assert all(weight > 0 for _, weight in alike), row
        assert bool(alike) is (row["family"] not in known), row
    assert sorted(RELATIVES - known - {row["family"] for row in FAMILIES}) == []


def test_a_family_is_photographed_at_most_a_few_times_as_often_as_usual() -> None:
    assert [row for row in FAMILIES if not 0 < float(row["photographed"]) <= 3] == []
