"""Build the rule as ONNX graphs and a table, so that runtimes without Python turn scores and a place into an answer.

A graph computes what chalicelib/model/{fusion,shares,naming,certainty}.py compute, from the same tables and
constants; tests compare the two. Each set of packs that have scored a photo has its own graph, because it has its own
taxonomy.

Inputs, all float64 (`RuleTable` numbers animals, taxa and relatives; the looks at a photo are one at the whole photo
and, if there was a second look, one at a part of it):

    vision                 (looks, A)   `vision_probabilities` of the general model
    animal_probability     (looks,)     of the general model
    birds, insects         (looks, P)   `probabilities` of each pack of the graph
    weights                (animals,)   of each animal at the place: 0 where it is not known to live, 1 if nothing is
                                        known of it anywhere
    relatives              (numbers,)   1 for each relative that lives at the place
    narrowed               (1,)         1 if the place is known, else 0
    boxes                  (3,)         score of the surest box of an animal, person and vehicle, or 0
    by_night               (1,)         1 if the detector for camera traps has looked at a photo by night

Outputs, all float64 (-1 for none):

    subject                (1,)         number in the table's `subjects`
    taxon, level           (1,)         the prediction, and what it is in the table's `levels`
    score                  (1,)         of the prediction
    perhaps                (3,)         taxa of the list, and perhaps_scores
    members                (12,)        taxa: 3 members of the prediction, then 3 of each of `perhaps`
    looks_like             (1,)         taxon
    unexpected, widened    (1,)         1 or 0
    animal                 (1,)         `animal_probability` of the answer
    scores, vision_scores  (animals,)
"""

import json
from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any, get_args

import numpy as np
from onnx import ModelProto

from chalicelib.api import answers, words
from chalicelib.config.settings import Settings
from chalicelib.model import certainty, detector, naming, recogniser
from chalicelib.model.certainty import Curve, Level
from chalicelib.model.fusion import Fusion, members_of, read_members
from chalicelib.model.manifest import DETECTOR, read_manifests
from chalicelib.model.packs import Pack
from chalicelib.model.recogniser import Recogniser
from chalicelib.model.shares import HERE_OF_STATUS
from chalicelib.model.taxonomy import DOMESTIC, EVERYWHERE, RANKS
from chalicelib.photo import pixels
from chalicelib.services import build_recogniser
from model.rule.formula import Rule
from model.rule.names import LEVELS, WIDE, Names, subject_of
from model.rule.shares import RuleLayout, RuleTable, joined, mean_of, place_of, shares_of

CONSTANTS = {
    "answers": answers,
    "words": words,
    "detector": detector,
    "naming": naming,
    "second_look": recogniser,
    "subject": certainty,
    "pixels": pixels,
    "quality": pixels,
}
"""The modules whose constants are in rule.json, keyed by the name that the page uses."""


def build(
    layout: RuleLayout, general: int, packs: Sequence[tuple[Pack, Fusion]], curves: Mapping[Level, Curve], least: float
) -> ModelProto:
    """Return the graph for photos that exactly these packs have scored. `packs`: in order, each with its fusion.

    `general`: number of the general model's animals. `least`: lowest probability of an animal that needs no box.
    """
    rule, size = Rule(), layout.table.size
    vision = mean_of(rule, rule.input("vision", ("looks", general)))
    animal = rule.input("animal_probability", ("looks",)).apply("ReduceMean", keepdims=1)
    for pack, fusion in packs:
        scores = rule.input(pack.name, ("looks", len(pack.labels.animal_of)))
        vision = joined(rule, fusion, vision, mean_of(rule, scores, pack.labels.animal_of, len(pack.animals)))
    place = place_of(rule, layout)
    parts = shares_of(rule, layout, vision, place)
    subject, believed = subject_of(rule, animal, least)
    rule.output("subject", subject, 1)
    rule.output("animal", animal, 1)
    species = Names(parts, place, curves, "pack" if packs else None, believed).decide(subject.equals(0.0))
    rule.output("scores", (species[layout.species_of] * parts.animals).sums(layout.positions, size), size)
    rule.output("vision_scores", vision.sums(layout.positions, size), size)
    names = " ".join(pack.name for pack, _ in packs)
    return rule.finished("rule", "model.rule", {"name": "faunalens-rule", "packs": names})


class RuleFiles:
    """The ONNX graphs and rule.json for a recogniser's models. `files`: the bytes of each file, by name."""

    def __init__(self, recogniser: Recogniser) -> None:
        models = self.models = recogniser.models
        self.classes = read_members(recogniser.naming.families.folder / "members.csv")
        everything = self._chain(models.packs)[-1][1].taxonomy if models.packs else models.taxonomy
        self.table, self.recogniser = RuleTable(everything, recogniser.naming.families), recogniser
        self.graphs, self.files = dict[tuple[str, ...], str](), dict[str, bytes]()
        curves, least = recogniser.naming.curves, recogniser.naming.animal
        for size in range(len(models.packs) + 1):
            for packs in combinations(models.packs, size):
                chain, names = self._chain(packs), tuple(pack.name for pack in packs)
                taxonomy = chain[-1][1].taxonomy if chain else models.taxonomy
                layout = RuleLayout(self.table, taxonomy, models.floor)
                graph = build(layout, len(models.taxonomy.animals), chain, curves, least)
                self.graphs[names] = "-".join(("rule", *names)) + ".onnx"
                self.files[self.graphs[names]] = graph.SerializeToString(deterministic=True)
        text = json.dumps(self._document(), ensure_ascii=False, separators=(",", ":"), allow_nan=False)
        self.files["rule.json"] = text.encode()

    @classmethod
    def of_release(cls) -> "RuleFiles":
        """Return the files of this checkout's models, with the settings' defaults."""
        return cls(build_recogniser(Settings.from_environment({})))

    def _chain(self, packs: Sequence[Pack]) -> list[tuple[Pack, Fusion]]:
        """Pair each pack with the fusion of its scores with those of the general model and the packs before it."""
        chain, taxonomy = list[tuple[Pack, Fusion]](), self.models.taxonomy
        for pack in packs:
            chain.append((pack, Fusion.of(taxonomy, frozenset(pack.taxa), pack.animals, self.classes)))
            taxonomy = chain[-1][1].taxonomy
        return chain

    def _document(self) -> dict[str, Any]:
        """Return the content of rule.json: taxa, animals, relatives, graphs, packs, detectors and all constants."""
        general, everything = self.models.general, self.table.everything
        own = {animal.lineage: animal for animal in everything.animals}
        ordered = [everything.animals[index] for index in everything.order.tolist()]
        # the first animal of each taxon, as in `naming.Names`; a dict keeps the last
        first = {each.lineage[: n + 1]: each for each in reversed(ordered) for n in range(len(each.lineage))}
        taxa = [
            {
                **_fields(lineage[-1], "name scientific_name rank"),
                "id": own[lineage].taxon_id if lineage in own else _slug_of(lineage[-1].scientific_name),
                "parent": self.table.row(lineage[:-1]),
                "domestic": lineage in first and first[lineage].kind in DOMESTIC and lineage[-1].rank not in RANKS[:-1],
            }
            for lineage in self.table.rows
        ]
        animals = [
            {"id": each.id, "taxon": self.table.row(each.lineage), "everywhere": each.kind in EVERYWHERE}
            for each in everything.animals
        ]
        known = [{animal.taxon_id for animal in pack.animals} for pack in self.models.packs]
        relatives = [
            {"number": number, **each._asdict(), "packs": [n for n, ids in enumerate(known) if each.taxon in ids]}
            for number, each in self.table.relatives.items()
        ]
        size, manifests = general.input_size, read_manifests(self.table.families.folder / "packs")
        crop, draft = pixels.crop_share(size), pixels.draft_side(size)
        return {
            "taxa": _columns(taxa),
            "animals": _columns(animals),
            "relatives": _columns(relatives),
            "numbers": self.table.numbers,
            "graphs": [{"packs": list(names), "file": file} for names, file in self.graphs.items()],
            "general": {**_fields(general, "name version animals"), "size": size, "crop": crop, "draft": draft},
            "packs": [
                {
                    **_fields(pack, "name version gate"),
                    **_fields(pack.manifest, "size resampling"),
                    "members": np.flatnonzero(members_of(self.models.taxonomy, frozenset(pack.taxa))).tolist(),
                    "crop": min(pack.manifest.crop / crop, 1.0),
                    "outputs": len(pack.labels.animal_of),
                }
                for pack in self.models.packs
            ],
            "detectors": [
                {**_fields(each, "name size camera_traps"), "classes": detector.read_classes(each.labels)}
                for each in manifests
                if each.kind == DETECTOR
            ],
            "subjects": get_args(certainty.Subject),
            "here_of_status": HERE_OF_STATUS,
            "levels": LEVELS,
            "wide": WIDE,
            "sure": [each._asdict() for each in words.SURE],
            "most": detector.MOST,
            **{name: _constants(vars(module)) for name, module in CONSTANTS.items()},
        }


def _slug_of(name: str) -> str:
    return name.lower().replace(" ", "-")


def _fields(of: object, names: str) -> dict[str, Any]:
    return {name: getattr(of, name) for name in names.split()}


def _columns(rows: Sequence[Mapping[str, Any]]) -> dict[str, list[Any]]:
    """Return the columns of a table by name: as JSON, they take half the bytes of its rows."""
    return {name: [row[name] for row in rows] for name in rows[0]}


def _constants(names: Mapping[str, Any]) -> dict[str, float]:
    return {name.strip("_"): value for name, value in names.items() if name.isupper() and type(value) in (int, float)}
