"""Compare two versions on photos whose animals people have named.

    python -m model evaluate --corrections FILE --photos FOLDER --new "MODEL_PATH=new/faunalens.onnx"

FILE has corrections of answers, which `python -m faunalens.web corrections --pictures FOLDER` lists, or reviews, which
`faunalens export STUDY --csv FILE` writes. Of the reviews of an event, only the first counts: the event's photos are
alike. Both versions see the photo alone; its place only says which heads are for it. Corrections alone favour the new
version, since the live version was wrong about each of them; only reviews also have what it was right about. With
`--out model/verdict.json` the gate of a release refuses a model that was worse (infra/release/gate.py).

Only photos on which the two versions differ say anything (McNemar 1947). If neither were better, each of these would
favour one or the other like a fair coin, so their number has a binomial distribution.
"""

import argparse
import csv
import json
import os
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache
from math import comb, inf
from pathlib import Path
from time import monotonic
from typing import Final, NamedTuple

from chalicelib.config import casts
from chalicelib.config.settings import Settings
from chalicelib.corrections import picture_of, unquoted
from chalicelib.errors import ClientError, ModelError, SettingError
from chalicelib.features.codec import NO_ANIMALS
from chalicelib.features.features import NO_LOCATION, Features
from chalicelib.location import cell_of, parse_cell
from chalicelib.model.taxonomy import read_relatives
from chalicelib.services import Services

CELL_AREAS: Final = Path(__file__).parents[1] / "faunalens" / "data" / "cell_areas.csv"
PAUSE = 2.0  # seconds between two lines of progress
SHOWN = 10
"""Maximum number of listed photos on which the new version is worse."""
NOISE: Final = 0.05
"""A version is worse if chance alone would make it look as bad or worse in fewer than this share of cases."""
CLEAR: Final = frozenset({"animal", "human", "vehicle", "blank"})
"""Kinds of reviews that count; not `unknown`, nor several of them."""

type Line = tuple[str, ...]
"""Scientific names from the phylum down to a taxon; empty: no animal."""


class Said(NamedTuple):
    """What a photo shows, according to a person. `animal`: a name; "" for none.

    `source`: `corrections`, or `reviews by` the person. `place`: its cell, without the animals that live there.
    """

    photo: Path
    animal: str
    source: str
    place: Features


class Verdict(NamedTuple):
    """The comparison of two versions: the number of photos on which the new one is `better`, `worse` or the `same`."""

    better: int
    worse: int
    same: int

    @property
    def chance(self) -> float:
        """Return the probability that chance alone makes the new version look as bad as this or worse.

        >>> round(Verdict(better=2, worse=9, same=100).chance, 4)
        0.0327
        """
        differing = self.better + self.worse
        return sum(comb(differing, each) for each in range(self.worse, differing + 1)) / (1 << differing)

    @property
    def is_worse(self) -> bool:
        """Return whether the new version is worse by more than noise."""
        return self.worse > self.better and self.chance < NOISE


def grade(named: Line, truth: Line) -> int:
    """Return how good an answer is: -1 if it is wrong, 0 if it names nothing, else the number of its right ranks.

    The truth itself, a wider taxon and a narrower one are right: what a person calls a deer may be a roe deer. If there
    is no animal, an answer that names nothing gets 1.

    >>> fox = ("Chordata", "Mammalia", "Carnivora", "Canidae", "Vulpes", "Vulpes vulpes")
    >>> [grade(named, fox) for named in (fox, fox[:4], fox[:4] + ("Canis",), ())]
    [6, 4, -1, 0]
    """
    if not truth:
        return -1 if named else 1
    shared = min(len(named), len(truth))
    return shared if named[:shared] == truth[:shared] else -1


def read_said(file: Path, folder: Path) -> Iterator[Said]:
    """Yield what a file of corrections or reviews says about a folder's photos. Raises `ModelError` for other files."""
    with file.open(encoding="utf-8-sig", newline="") as lines:
        rows = csv.DictReader(lines)
        columns, events = set(rows.fieldnames or ()), set[str]()
        if not (columns >= {"result", "animal"} or columns >= {"path", "kind", "scientific_name", "method", "event"}):
            expected = (
                "corrections (`python -m faunalens.web corrections`) or reviews (`faunalens export STUDY --csv FILE`)"
            )
            raise ModelError(f"{file.name} has the columns {','.join(columns)}; expected {expected}")
        for row in rows:
            place = _place_in(row)
            if "result" in columns:
                yield Said(folder / picture_of(row["result"]), unquoted(row["animal"]), "corrections", place)
            elif row["method"] == "human" and row["kind"] in CLEAR and row["event"] not in events:
                events.add(row["event"])
                name = row["scientific_name"] or row["name"] if row["kind"] == "animal" else ""
                yield Said(folder / row["path"], name, f"reviews by {row['classified_by']}", place)


def _place_in(row: Mapping[str, str]) -> Features:
    cell = parse_cell(row["cell"]) if row.get("cell") else 0
    if row.get("latitude") and row.get("longitude"):
        cell = cell_of(float(row["latitude"]), float(row["longitude"]))
    return replace(NO_LOCATION, found=NO_ANIMALS._replace(cell=cell, areas=_areas_by_cell().get(cell, ())))


@cache
def _areas_by_cell() -> Mapping[int, tuple[str, ...]]:
    """Return the countries that each cell lies in, because a head may be for a whole country."""
    with CELL_AREAS.open(encoding="utf-8", newline="") as file:
        return {parse_cell(row["cell"]): tuple(row["areas"].split()) for row in csv.DictReader(file)}


def lines_of(*versions: Services) -> dict[str, Line]:
    """Return the lineage of each taxon that the models of `versions` or relatives.csv name.

    The keys are the taxon's common and scientific names, in lower case. The key "" has an empty lineage: no animal.
    """
    known: dict[str, Line] = {"": ()}
    for animal in (animal for each in versions for animal in each.recogniser.models.everything().animals):
        for depth, taxon in enumerate(animal.lineage, 1):
            line = tuple(each.scientific_name for each in animal.lineage[:depth])
            known.setdefault(taxon.scientific_name.lower(), line)
            known.setdefault(taxon.name.lower(), line)
    for other in read_relatives(versions[0].recogniser.models.general.path.with_name("relatives.csv")).values():
        line = known.get(other.class_.lower(), ())
        for name in (other.order, other.family, other.genus, other.scientific_name) if line else ():
            line = known.setdefault(name.lower(), (*line, name))
        known.setdefault(other.name.lower(), line)
    return known


def answer_of(services: Services, data: bytes, place: Features = NO_LOCATION) -> Line:
    """Return the lineage a version predicts; empty if none. Raises `ClientError` and `ModelError`."""
    with services.photos.open([data]) as opened:
        found = services.recogniser.recognise(opened.decode(), place)
    prediction = found.together.prediction
    return tuple(each.scientific_name for each in prediction.lineage) if prediction else ()


def counted[T](photos: Sequence[T], clock: Callable[[], float] = monotonic) -> Iterator[T]:
    """Yield photos. Print the number of the photo at the first one, and then every `PAUSE` seconds."""
    printed = -inf
    for number, photo in enumerate(photos):
        if (now := clock()) - printed >= PAUSE:
            printed = now
            print(f"photo {number} of {len(photos)}", file=sys.stderr, flush=True)
        yield photo


def compare(said: Sequence[Said], live: Services, new: Services) -> Verdict:
    """Compare the answers of two versions with what people said. Print the comparison and return it."""
    known, better, worse, unknown, sources = lines_of(live, new), 0, list[str](), Counter[str](), Counter[str]()
    for each in counted(said):
        truth = known.get(each.animal.lower(), known.get(each.animal.lower().partition(" ")[0]))
        if truth is None:
            unknown[f"no version knows {each.animal}"] += 1
            continue
        try:
            data = each.photo.read_bytes()
            before, after = (answer_of(version, data, each.place) for version in (live, new))
        except (ClientError, OSError):
            unknown["the photo cannot be read"] += 1
            continue
        sources[each.source] += 1
        change = grade(after, truth) - grade(before, truth)
        better += change > 0
        if change < 0:
            worse.append(f"{each.photo.name}: {each.animal or 'no animal'}, was {_name(before)}, is {_name(after)}")
    count = sources.total()
    found = Verdict(better, len(worse), count - better - len(worse))
    whose = ", ".join(f"{source}: {photos}" for source, photos in sources.most_common())
    print(f"{count} photo{'s' * (count != 1)} ({whose})")
    print(f"the new version is better about {found.better}, worse about {found.worse}, the same about {found.same}")
    print(f"{'' if found.is_worse else 'not '}worse by more than noise: p = {found.chance:.4f}")
    for line in worse[:SHOWN]:
        print(f"  {line}")
    for why, photos in unknown.most_common(SHOWN):
        print(f"left out {photos}: {why}")
    heads = [head for each in (live, new) for head in each.recogniser.models.heads]
    if unused := {head.name for head in heads if not any(head.is_for(each.place) for each in said)}:
        print(f"not compared: {', '.join(sorted(unused))}, each for certain places only; no photo has such a place")
    return found


def _name(line: Line) -> str:
    return line[-1] if line else "nothing"


def main(options: argparse.Namespace) -> int:
    """Compare two versions. Return 0, 1 if the new one is worse, or 2 after printing an error."""
    try:
        changes = (casts.assignments(text) for text in (options.live, options.new))
        versions = [Services.build(Settings.changed(os.environ, each)) for each in changes]
        found = compare(list(read_said(options.corrections, options.photos)), *versions)
        if not sum(found):
            raise ModelError("no photo could be compared; check --photos, and that people named what is in the file")
        if options.out:
            live, new = (each.recogniser.models.general.version for each in versions)
            kept = {"live": live, "new": new, **found._asdict(), "is_worse": found.is_worse}
            options.out.write_text(json.dumps(kept, allow_nan=False) + "\n", encoding="utf-8")
    except (ModelError, SettingError, OSError, ValueError) as error:
        print(f"error: the versions were not compared: {error}", file=sys.stderr)
        return 2
    return int(found.is_worse)
