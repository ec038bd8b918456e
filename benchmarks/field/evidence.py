"""What the page and the documentation say about how often answers are right: a table, a diagram and a JSON file."""

import json
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from statistics import fmean
from typing import Any, Final

from benchmarks.field.answers import Answered
from benchmarks.field.figures import share
from chalicelib.api.words import SURE

ROOT: Final = Path(__file__).parents[2]
PAGE, JSON, DIAGRAM = (
    ROOT / "docs" / "explanation" / "field.md",
    ROOT / "web" / "page" / "evidence.json",
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
"""Names in the page's file, by those of `figures.group_of`."""
_SIDE: Final = 360
_STYLE: Final = """
  svg { background: #fff; font: 13px system-ui, "Segoe UI", Helvetica, Arial, sans-serif }
  text { fill: #1f2328 } .line { stroke: #59636e; fill: none } .name { fill: #0969a8 } .list { fill: #b8720a }
  @media (prefers-color-scheme: dark) {
    svg { background: #0d1117 } text { fill: #e6edf3 } .line { stroke: #9198a1 }
    .name { fill: #58a6ff } .list { fill: #d9a441 }
  }
"""


def write(tables: str, placed: Sequence[Answered], groups: Mapping[str, Sequence[Answered]]) -> None:
    """Write the tables into the page of evidence, the diagram beside it, and the figures for the page.

    `groups`: the answers by kind of photo.
    """
    before, _, rest = PAGE.read_text("utf-8").partition(BEGIN)
    PAGE.write_text(f"{before}{BEGIN}\n\n{tables}\n\n{END}{rest.partition(END)[2]}", "utf-8")
    DIAGRAM.write_text(diagram(points(placed)), "utf-8")
    JSON.write_text(json.dumps(figures(placed, groups), indent=2, ensure_ascii=False) + "\n", "utf-8")


def figures(placed: Sequence[Answered], groups: Mapping[str, Sequence[Answered]]) -> dict[str, Any]:
    """Return what the page shows: how often each word was right, and what answers to each kind of photo are worth."""
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
    """Return, for names and for lists, the mean score, the share of right answers and their number in each bin."""
    named = [(each.score, each.is_right) for each in answers if each.score is not None]
    listed = [(each.list_score, each.is_listed) for each in answers if each.list_score]
    found: dict[str, list[tuple[float, float, int]]] = {"name": [], "list": []}
    for kind, pairs in (("name", named), ("list", listed)):
        for low, high in pairwise(BINS):
            those = [pair for pair in pairs if low <= pair[0] < high]
            if those:
                score, right = (fmean(column) for column in zip(*those, strict=True))
                found[kind].append((score, right, len(those)))
    return found


def diagram(found: Mapping[str, Sequence[tuple[float, float, int]]]) -> str:
    """Return the reliability diagram as SVG: circles as large as their number of answers, near the line if honest."""

    def place(score: float, right: float) -> tuple[float, float]:
        return 60 + score * _SIDE, 20 + (1 - right) * _SIDE

    (left, bottom), (right, top) = place(0, 0), place(1, 1)
    box = f'viewBox="0 0 {_SIDE + 110} {_SIDE + 80}" width="{_SIDE + 110}" height="{_SIDE + 80}"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {box} role="img" aria-labelledby="title">',
        '<title id="title">Reliability: the share of right answers against the number shown</title>',
        f"<style>{_STYLE}</style>",
        f'<path class="line" d="M{left} {top}V{bottom}H{right}M{left} {bottom}L{right} {top}"/>',
    ]
    for tick in (0, 0.4, 0.75, 0.95):
        x, y = place(tick, tick)
        parts.append(f'<text x="{x:.0f}" y="{bottom + 18}" text-anchor="middle">{tick:.0%}</text>')
        parts.append(f'<text x="{left - 6}" y="{y + 4:.0f}" text-anchor="end">{tick:.0%}</text>')
    for kind, circles in found.items():
        for score, share_right, number in circles:
            x, y = place(score, share_right)
            parts.append(
                f'<circle class="{kind}" cx="{x:.0f}" cy="{y:.0f}" r="{3 + number**0.5:.1f}" fill-opacity="0.6">'
                f"<title>{number} answers: {score:.0%} said, {share_right:.0%} right</title></circle>"
            )
    parts += [
        f'<text x="{(left + right) / 2}" y="{bottom + 44}" text-anchor="middle">number shown</text>',
        f'<text x="{left + 12}" y="{top + 18}">right</text>',
        f'<circle class="name" cx="{right - 140}" cy="{bottom - 50}" r="6"/>',
        f'<text x="{right - 128}" y="{bottom - 46}">names</text>',
        f'<circle class="list" cx="{right - 140}" cy="{bottom - 26}" r="6"/>',
        f'<text x="{right - 128}" y="{bottom - 22}">lists: one of them is right</text>',
        "</svg>\n",
    ]
    return "\n".join(parts)
