"""What answers to field photos are worth: tables of verdicts, and what the page and the documentation say about it.

Photos of one study resemble each other, so a figure is given over all photos, and as the mean over the studies.
"""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from statistics import fmean
from string import Template
from typing import Any, Final

from benchmarks.field.answers import Answered
from benchmarks.field.truth import FieldPhoto
from benchmarks.measure import table
from benchmarks.measure import verdict as target
from chalicelib.api.words import SURE
from chalicelib.model.taxonomy import RANKS

ROOT: Final = Path(__file__).parents[2]
PAGE, JSON, DIAGRAM = (
    ROOT / "docs" / "explanation" / "field.md",
    ROOT / "faunalens" / "web" / "page" / "evidence.json",
    ROOT / "docs" / "images" / "reliability.svg",
)
BEGIN, END = "<!-- printed by python -m benchmarks.field -->", "<!-- end -->"
BINS: Final = (0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 1.001)
KINDS: Final[Mapping[str, str]] = {
    "phone": "phone",
    "camera trap, day": "day",
    "camera trap, night": "night",
    "no animal: blank, toy, drawing, person": "others",
}
"""Kind of photo, as `group_of` returns it → its name in the file that the page reads."""
_SIDE: Final = 360
FEWEST: Final = 30
"""Least number of answers whose share of right ones is compared with their mean score."""
MOST_OFF: Final = 0.07
"""Largest allowed difference between the share of right answers and the mean score of an answer."""
OF_ANSWERS: Final[Mapping[str, Callable[[Answered], bool]]] = {
    "usable": lambda each: each.is_usable,
    "named, right": lambda each: each.worth in ("exact", "useful"),
    "wide, right": lambda each: each.worth == "vague",
    "wrong": lambda each: each.worth == "wrong",
    "silent": lambda each: each.is_silent,
}
_NIGHT: Final = "camera-trap infrared"


def by(key: Callable[[FieldPhoto], str], answers: Iterable[Answered]) -> dict[str, list[Answered]]:
    """Return the answers grouped by a property of their photos."""
    groups: dict[str, list[Answered]] = {}
    for each in answers:
        groups.setdefault(key(each.photo), []).append(each)
    return groups


def share(answers: Sequence[Answered], has: Callable[[Answered], bool]) -> float:
    """Return the share of answers for which `has` is true; 0 if there are no answers."""
    return fmean(map(has, answers)) if answers else 0.0


def mean(answers: Iterable[Answered], has: Callable[[Answered], bool]) -> float:
    """Return the `share` of answers for which `has` is true, averaged over the studies."""
    return fmean(share(those, has) for those in by(lambda photo: photo.study, answers).values())


def group_of(photo: FieldPhoto) -> str:
    """Return the kind of a photo for the table of evidence: how it was taken, or that it shows no animal."""
    if not photo.lineage:
        return "no animal: blank, toy, drawing, person"
    return "camera trap, night" if photo.kind == _NIGHT else "camera trap, day" if "trap" in photo.kind else photo.kind


def groups(title: str, answers: Mapping[str, Sequence[Answered]]) -> str:
    """Return a table with the shares of each verdict in groups of answers. `title`: head of the first column."""
    rows = [
        [name, str(len(those)), *(f"{share(those, has):.0%}" for has in OF_ANSWERS.values())]
        for name, those in sorted(answers.items(), key=lambda row: -len(row[1]))
    ]
    return table(rows, [title, "photos", *OF_ANSWERS])


_LEVELS: Final = {rank: " or ".join(ranks) for ranks in (("order", "class"), ("family", "genus")) for rank in ranks}
"""The level of a named taxon by its rank; `animal` for all other ranks."""


def levels(answers: Sequence[Answered]) -> str:
    """Return a table of mean score and share of right answers, by level of the named taxon and by the score's word."""
    found: dict[str, list[tuple[float, bool]]] = {}
    for each in answers:
        if each.score is not None:
            for key in (_LEVELS.get(each.rank or "", "animal"), f"“{each.sure}”"):
                found.setdefault(key, []).append((each.score, each.is_right))
        if each.list_score:
            found.setdefault("list", []).append((each.list_score, each.is_listed))
    rows = []
    for key, those in found.items():
        score, right = (fmean(column) for column in zip(*those, strict=True))
        met = target(abs(score - right) <= MOST_OFF) if len(those) >= FEWEST else "few"
        rows.append([key, str(len(those)), f"{score:.0%}", f"{right:.0%}", met])
    return table(rows, ["names, or says", "answers", "mean score", "right", "within 7 points"])


def worse(placed: Sequence[Answered], alone: Sequence[Answered]) -> list[tuple[Answered, Answered]]:
    """Return the pairs (with place, without) of answers that the photo's true place makes wrong, or right but wider."""

    def is_worse(each: Answered, other: Answered) -> bool:
        if each.worth == "wrong":
            return other.worth != "wrong"
        return other.is_right and _depth(each.rank) < _depth(other.rank)

    pairs = zip(placed, alone, strict=True)
    return [pair for pair in pairs if pair[0].photo.lineage and pair[0].photo.place and is_worse(*pair)]


def _depth(rank: str | None) -> float:
    """Return how narrow a rank is; a rank between two of `RANKS`, such as tribe, is between them."""
    between = {"infraorder": 3.5, "suborder": 3.5, "subfamily": 4.5, "tribe": 4.5, "subtribe": 4.6, "subgenus": 5.5}
    if rank is None:
        return -1
    return between.get(rank, RANKS.index(rank) + 1 if rank in RANKS else 7)


def targets(placed: Sequence[Answered], alone: Sequence[Answered]) -> str:
    """Return a table of the figures and their targets. `alone`: answers to the same photos without their places."""
    animals = [each for each in placed if each.photo.lineage]
    others = [each for each in placed if not each.photo.lineage]
    named = [each for each in placed if each.rank]
    usable, wrong = OF_ANSWERS["usable"], OF_ANSWERS["wrong"]
    with_place = [each for each in animals if each.photo.place]
    rows = []
    for name, value, bound, limit in (
        ("usable, of all animals", share(animals, usable), "at least", 0.60),
        ("usable, mean over studies", mean(animals, usable), "at least", 0.52),
        ("named wrongly, of all animals", share(animals, wrong), "at most", 0.04),
        ("named wrongly, mean over studies", mean(animals, wrong), "at most", 0.04),
        ("a phylum or kingdom named", share(named, lambda each: each.rank in ("phylum", "kingdom")), "at most", 0.0),
        ("blanks, toys, drawings, people: nothing named", share(others, lambda each: not each.rank), "at least", 0.90),
        ("the right place makes it wrong or wider", len(worse(placed, alone)) / len(with_place), "at most", 15 / 285),
    ):
        met = value <= limit if bound == "at most" else value >= limit
        rows.append([name, f"{value:.1%}", f"{bound} {limit:.1%}", target(met)])
    return table(rows, ["", "found", "target", "result"])


def evidence(placed: Sequence[Answered], alone: Sequence[Answered], clean: Sequence[Answered] = ()) -> str:
    """Return the tables for docs/explanation/field.md.

    Answers without places: `alone`, to the same photos; `clean`, to clean photos of animals that the model knows.
    """
    animals, nowhere = ([each for each in answers if each.photo.lineage] for answers in (placed, alone))
    kinds = by(group_of, placed) | {"all animals": animals, "the same without places": nowhere}
    if clean:
        kinds["clean, without places"] = list(clean)
    return "\n\n".join((targets(placed, alone), groups("photos", kinds), levels(placed)))


def details(placed: Sequence[Answered]) -> str:
    """Return tables of verdicts by study and by group of animals. They help to change the rule that names animals."""
    animals = [each for each in placed if each.photo.lineage]
    by_study, by_animals = by(lambda photo: photo.study, placed), by(lambda photo: photo.group, animals)
    return "\n\n".join((groups("study", by_study), groups("animals", by_animals)))


def write(tables: str, placed: Sequence[Answered], groups: Mapping[str, Sequence[Answered]]) -> None:
    """Write the tables into field.md, the diagram and figures to their own files. `groups`: answers by photos' kind."""
    before, _, rest = PAGE.read_text("utf-8").partition(BEGIN)
    PAGE.write_text(f"{before}{BEGIN}\n\n{tables}\n\n{END}{rest.partition(END)[2]}", "utf-8")
    DIAGRAM.write_text(diagram(points(placed)), "utf-8")
    JSON.write_text(json.dumps(of_page(placed, groups), indent=2, ensure_ascii=False) + "\n", "utf-8")


def of_page(placed: Sequence[Answered], groups: Mapping[str, Sequence[Answered]]) -> dict[str, Any]:
    """Return the web page's figures: the share of right answers by word, and the verdicts' shares by kind of photo."""
    words = {}
    for word in (each.word for each in SURE):
        those = [each for each in placed if each.sure == word]
        if those:
            words[word] = {"answers": len(those), "right": round(share(those, lambda each: each.is_right), 3)}
    kinds = {}
    for group, name in KINDS.items():
        those = list(groups.get(group, ()))
        values: dict[str, float] = {"photos": len(those)}
        if name != "others":
            values["usable"] = round(share(those, lambda each: each.is_usable), 3)
        values["wrong"] = round(share(those, lambda each: each.worth == "wrong"), 3)
        unnamed = share(those, lambda each: each.rank is None)  # a list for a picture without an animal names nothing
        values["silent"] = round(unnamed if name == "others" else share(those, lambda each: each.is_silent), 3)
        kinds[name] = values
    return {"photos": len(placed), "words": words, "kinds": kinds}


def points(answers: Sequence[Answered]) -> dict[str, list[tuple[float, float, int]]]:
    """Return mean score, share right and number of answers by bin, of named taxa (`name`) and of lists (`list`)."""
    named = [(each.score, each.is_right) for each in answers if each.score is not None]
    listed = [(each.list_score, each.is_listed) for each in answers if each.list_score]
    found: dict[str, list[tuple[float, float, int]]] = {}
    for kind, pairs in (("name", named), ("list", listed)):
        bins = ([pair for pair in pairs if low <= pair[0] < high] for low, high in pairwise(BINS))
        found[kind] = [
            (fmean(each for each, _ in those), fmean(is_right for _, is_right in those), len(those))
            for those in bins
            if those
        ]
    return found


def diagram(found: Mapping[str, Sequence[tuple[float, float, int]]]) -> str:
    """Return the reliability diagram as SVG. A circle is a bin of `points`; on the diagonal, its scores are honest."""
    ticks, circles = [], []
    for tick in (0, 0.4, 0.75, 0.95):
        ticks.append(f'<text x="{60 + tick * _SIDE:.0f}" y="398" text-anchor="middle">{tick:.0%}</text>')
        ticks.append(f'<text x="54" y="{24 + (1 - tick) * _SIDE:.0f}" text-anchor="end">{tick:.0%}</text>')
    for kind, its in found.items():
        for score, right, number in its:
            place = f'cx="{60 + score * _SIDE:.0f}" cy="{20 + (1 - right) * _SIDE:.0f}"'
            circles.append(
                f'<circle class="{kind}" {place} r="{3 + number**0.5:.1f}" fill-opacity="0.6">'
                f"<title>{number} answers: {score:.0%} said, {right:.0%} right</title></circle>"
            )
    template = Template(Path(__file__).with_name("diagram.svg").read_text("utf-8"))
    return template.substitute(ticks="\n".join(ticks), circles="\n".join(circles))
