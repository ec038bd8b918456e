"""What the page and the documentation say about how often answers are right: a table, a diagram and a JSON file."""

import json
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from statistics import fmean
from string import Template
from typing import Any, Final

from benchmarks.field.answers import Answered
from benchmarks.field.figures import share
from chalicelib.api.words import SURE

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
"""Kind of photo, as `figures.group_of` returns it → its name in the file that the page reads."""
_SIDE: Final = 360


def write(tables: str, placed: Sequence[Answered], groups: Mapping[str, Sequence[Answered]]) -> None:
    """Write the tables into field.md, the diagram and figures to their own files. `groups`: answers by photos' kind."""
    before, _, rest = PAGE.read_text("utf-8").partition(BEGIN)
    PAGE.write_text(f"{before}{BEGIN}\n\n{tables}\n\n{END}{rest.partition(END)[2]}", "utf-8")
    DIAGRAM.write_text(diagram(points(placed)), "utf-8")
    JSON.write_text(json.dumps(figures(placed, groups), indent=2, ensure_ascii=False) + "\n", "utf-8")


def figures(placed: Sequence[Answered], groups: Mapping[str, Sequence[Answered]]) -> dict[str, Any]:
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
