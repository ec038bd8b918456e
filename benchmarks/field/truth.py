"""Field photos whose animal is known, and the verdict on an answer to one of them. No models.

A folder of field photos has a `truth.csv` with the columns file, study, truth_scientific_name, lineage, lat, lon and
kind, among others. `lineage` is class>order>family>genus>species, down to the narrowest taxon that is known; a photo
without an animal has a truth in brackets, such as (blank), and no lineage. A folder of camera-trap photos has a
`labels.csv` with the columns file, set and scientific_name.
"""

import csv
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from faunalens.data.dataset_files import read_rows

type Lineage = Mapping[str, str]
"""Scientific names by rank."""
Verdict = Literal["exact", "useful", "vague", "silent", "wrong"]

SETS: Final[Mapping[str, tuple[float, float]]] = {
    "caltech": (34.1, -117.8),
    "orinoquia": (4.6, -72.0),
    "serengeti": (-2.3, 34.8),
    "ena24": (38.5, -78.4),
}
"""Where the public sets of camera-trap photos are from, as their authors describe them."""
RANKS: Final = ("class", "order", "family", "genus", "species")
WIDE: Final = frozenset({"order", "class"})
GAPS: Final = {
    "Mephitis": ("Carnivora", "Mephitidae"),
    "Plecturocebus": ("Primates", "Pitheciidae"),
    "Subulo": ("Artiodactyla", "Cervidae"),
}
"""Order and family of mammals' genera for which the truth of some photos, or our tables, have none."""
MEMBERS: Final = {
    row["taxon"]: (row["known_to"], set(row["members"].split(";")))
    for row in read_rows(Path(__file__).with_name("members.csv"))
}
"""Classes of a rank that the truth does not have, such as 'otter': the rank down to which the truth of a photo must be
known to say whether the animal is of this class, and the names of the members."""


@dataclass(frozen=True, slots=True)
class FieldPhoto:
    """A photo with its truth. `lineage`: empty if it shows no animal. `place`: latitude and longitude."""

    file: str
    study: str
    subject: str
    lineage: Lineage
    place: tuple[float, float] | None
    kind: str

    @property
    def group(self) -> str:
        """Return the order of a mammal, the class of another animal, or, without an animal, the photo's subject."""
        if not self.lineage:
            return self.subject
        name = self.lineage["class"]
        return f"{name}: {self.lineage['order']}" if name == "Mammalia" and self.lineage.get("order") else name


def read_truth(folder: Path) -> list[FieldPhoto]:
    """Return the photos of a folder."""
    return [_photo(row) for row in _rows(folder / "truth.csv")]


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def read_traps(folder: Path, lineages: Iterable[Lineage]) -> list[FieldPhoto]:
    """Return a folder's camera-trap photos. Raise `ValueError` if a name in labels.csv is in no species' lineage."""
    above: dict[str, Lineage] = {"Aves": {"class": "Aves"}}
    gaps = [{"class": "Mammalia", "order": order, "family": f, "genus": g} for g, (order, f) in GAPS.items()]
    for lineage in [*lineages, *gaps]:
        known = {rank: lineage[rank] for rank in RANKS if lineage.get(rank)}
        for depth, name in enumerate(known.values(), 1):
            above.setdefault(name, dict(list(known.items())[:depth]))
    photos = []
    for row in _rows(folder / "labels.csv"):
        name, study = row["scientific_name"], row["set"]
        found = above.get(name) or above.get(name.partition(" ")[0])
        if found is None:
            raise ValueError(f"{name} in labels.csv has no lineage in the tables of the models and relatives")
        lineage = found if name in found.values() else {**found, "species": name}
        photos.append(FieldPhoto(row["file"], study, name, lineage, SETS[study], "camera-trap infrared"))
    return photos


def verdict(photo: FieldPhoto, named: Lineage | None, rank: str = "") -> Verdict:
    """Judge an answer to a photo.

    `named`: the lineage of the named taxon down to itself, or None if no animal was named; `rank`: of that taxon. An
    answer is right if its taxon is in the photo's lineage, or below it. It is useful if it is right at a family or
    narrower, exact if it is useful and as narrow as the truth, and vague if it is right and wider.
    """
    if named is None:
        return "silent"
    if not photo.lineage or not _is_right(photo.lineage, named, rank):
        return "wrong"
    if "family" not in named:
        return "vague"
    narrowest = [each for each in RANKS if photo.lineage.get(each)][-1]
    return "exact" if narrowest in named or narrowest in WIDE else "useful"


def _is_right(truth: Lineage, named: Lineage, rank: str) -> bool:
    if rank == "phylum":
        is_arthropod = truth["class"] in ("Arachnida", "Chilopoda", "Insecta", "Malacostraca")
        return named["phylum"] == ("Arthropoda" if is_arthropod else "Chordata")
    if truth.get("species") and truth["species"] == named.get("species"):
        return True  # authors differ about the family of some, such as ground hornbills
    both = [each for each in RANKS if named.get(each) and truth.get(each)]
    known_to, members = MEMBERS.get(named.get(rank, ""), ("", set[str]()))
    is_member = known_to not in truth or not members.isdisjoint(truth.values())
    return is_member and all(named[each] == truth[each] for each in both)


def _photo(row: Mapping[str, str]) -> FieldPhoto:
    names = row["lineage"].split(">") if row["lineage"] else []
    if len(names) > RANKS.index("genus") and names[RANKS.index("genus")] in GAPS:
        names[1:3] = GAPS[names[RANKS.index("genus")]]
    return FieldPhoto(
        row["file"],
        row["study"],
        row["truth_scientific_name"],
        {rank: name for rank, name in zip(RANKS, names, strict=False) if name},
        (float(row["lat"]), float(row["lon"])) if row["lat"] else None,
        row["kind"],
    )
