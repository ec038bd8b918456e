"""The model card of a trained head, as Markdown and as one HTML page that needs no network.

Both are made of cli/pages/card.md. The page has pictures, and below each the table that Markdown has.
"""

import os
import re
from base64 import b64encode
from collections.abc import Mapping, Sequence
from html import escape
from itertools import pairwise
from math import log2, sqrt
from pathlib import Path
from string import Template

import numpy as np

from chalicelib.model.taxonomy import Animal
from cli.training.evaluation import LEAST_POINTS, OTHER, Bin, Evaluation, Outcome, Outlook, Point, outlook
from cli.training.features import BY_PEOPLE
from cli.words import count

PAGES = Path(__file__).parents[1] / "pages"
SIDE = 320
"""Longest side of a shown photo in pixels."""
FEW_PHOTOS, FEW_CAMERAS = 50, 10
"""Numbers of a taxon's photos and cameras below which the card warns of its figures."""
_DRAWS = 1000
_NUMBER = re.compile(r"[\d,.]+%?|–")
_UNSAFE = re.compile(r"[\s|`*<>]+")
_MARKS = ((r"`([^`]+)`", "code"), (r"\*\*([^*]+)\*\*", "b"), (r"\*([^*]+)\*", "i"))


def markdown(evaluation: Evaluation) -> str:
    """Return the card as Markdown, without pictures."""
    return _card(evaluation, {})


def page(evaluation: Evaluation, thumbnails: Mapping[Path, bytes]) -> str:
    """Return the card as a page. `thumbnails`: JPEG files of the worst photos; without any, a table lists them."""
    total = evaluation.total
    figures = {"named": total.named, "of these, right": total.right_of_named, "right first, named or not": total.right}
    pictures = {
        "figures": "".join(f"<p><b>{percent(share)}</b>{name}</p>" for name, share in figures.items()),
        "confusion": confusion_picture(*_confusion(evaluation)),
        "reliability": reliability_picture(evaluation.reliability),
        "curve": curve_picture(evaluation.curve, outlook(evaluation.curve)),
        "worst": "".join(_photo(evaluation, each, thumbnails.get(each.photo)) for each in evaluation.worst()),
    }
    return Template((PAGES / "card.html").read_text(encoding="utf-8")).substitute(
        title=escape(evaluation.name.replace("_", " ")),
        style="\n".join((PAGES / name).read_text(encoding="utf-8") for name in ("report.css", "card.css")),
        body="\n".join(map(_html, _card(evaluation, pictures).split("\n\n"))),
    )


def _card(evaluation: Evaluation, pictures: Mapping[str, str]) -> str:
    """Return the card as Markdown, with HTML where there are pictures."""
    shown = {"figures": ""} | _tables(evaluation)
    for name, picture in pictures.items():
        if picture:
            table = shown[name] and f"<details><summary>The same as a table</summary>{_html(shown[name])}</details>"
            shown[name] = f'<div class="picture {name}">{picture}</div>{table}'
    text = Template((PAGES / "card.md").read_text(encoding="utf-8")).substitute(_facts(evaluation), **shown)
    return re.sub(r"\n{3,}", "\n\n", text)


def _facts(evaluation: Evaluation) -> dict[str, str]:
    """Return what the sentences of the card say."""
    places, night, right = _listed(evaluation.places), evaluation.night, evaluation.total.right_of_named
    areas = len(evaluation.places)
    people = sum(each.box is not None and each.box.score == BY_PEOPLE for each in evaluation.known)
    few = [each for each in evaluation.rows if each.photos < FEW_PHOTOS or each.cameras < FEW_CAMERAS]
    least = ((each.name, evaluation.thresholds.get(each.taxon_id, 1.0)) for each in evaluation.taxa)
    strangers, named = len(evaluation.strangers), percent(evaluation.rows[-1].named)
    return {
        "title": evaluation.name.replace("_", " "),
        "name": evaluation.name,
        "kinds": count(len(evaluation.taxa), "animal"),
        "seen": ("infrared photos" if night else "photos") + (f" of {count(areas, 'area')}" if areas else ""),
        "photos": count(evaluation.photos, "photo"),
        "cameras": count(evaluation.cameras, "camera"),
        "named": percent(evaluation.total.named),
        "right": "" if right is None else f", and {percent(right)} of these names are right",
        "precision": percent(evaluation.precision),
        "range": _range(evaluation),
        "place": f"{places}; elsewhere, animals and backgrounds are others" if places else "anywhere",
        "light": "infrared photos alone; it knows nothing of animals by day" if night else "any",
        "strangers": f"of {count(strangers, 'photo')}, {named} got one of its names"
        if strangers
        else "there were no photos to try",
        "boxes": f"people's on {count(people, 'photo')} here; in use a detector's, less tight"
        if people
        else "a detector's",
        "unfound": count(evaluation.unfound, "photo"),
        "few": _listed([f"{_name(each.taxon)} ({each.photos:,}, {each.cameras:,})" for each in few]) or "none",
        "outlook": _outlook(evaluation),
        "general": evaluation.general,
        "thresholds": ", ".join(f"{name} {percent(at) if at < 1 else 'never'}" for name, at in least),
        "licence": evaluation.licence or "its maker has not said; ask before you pass it on",
    }


def _range(evaluation: Evaluation) -> str:
    """Return the 95 % interval of the share right, from cameras drawn with replacement (cluster bootstrap)."""
    cameras, at = np.unique([each.camera for each in evaluation.known], return_inverse=True)
    right = np.bincount(at, [evaluation.guess(each) == each.taxon for each in evaluation.known])
    drawn = np.random.default_rng(0).multinomial(len(cameras), np.full(len(cameras), 1 / len(cameras)), _DRAWS)
    low, high = np.quantile((drawn @ right) / (drawn @ np.bincount(at)), (0.025, 0.975)).tolist()
    return f"{percent(low)} to {percent(high)}"


def _outlook(evaluation: Evaluation) -> str:
    more = outlook(evaluation.curve)
    if more is None:
        return f"The curve has too few points to say: it takes {LEAST_POINTS}, of different numbers of photos"
    gain, low, high = (each * 100 for each in more)
    return f"Twice the photos, from twice the cameras, would bring about {gain:+.0f} points ({low:+.1f} to {high:+.1f})"


def _tables(evaluation: Evaluation) -> dict[str, str]:
    """Return the tables of the card, by their names in the template."""
    bins, rows = evaluation.reliability, [(_name(row.taxon), row) for row in evaluation.rows]
    names, counts = _confusion(evaluation)
    animals = ("animal", "scientific name", "photos", "cameras", "right first", "named", "right if so named")
    return {
        "animals": _table(
            animals,
            [
                (name, f"*{row.taxon.scientific_name}*" if row.taxon else "", *row[1:3], *map(percent, row[3:]))
                for name, row in (*rows, ("**all its own**", evaluation.total))
            ],
        ),
        "confusion": _table(("it is", *names), [(name, *row) for name, row in counts]),
        "reliability": _table(
            ("stated", "on average", "right", "photos"),
            [(f"{percent(low)} to {percent(high)}", *map(percent, each), n) for low, high, n, *each in bins],
        ),
        "curve": _table(
            ("photos", "cameras", "right first"), [(*each[:2], percent(each[2])) for each in evaluation.curve]
        ),
        "worst": _table(
            ("photo", "camera", "it said", "it is"), [_mistake(evaluation, each) for each in evaluation.worst()]
        )
        or "None here: it took no animal for another.",
    }


def _name(taxon: Animal | None) -> str:
    return taxon.name if taxon else OTHER


def _confusion(evaluation: Evaluation) -> tuple[list[str], list[tuple[str, list[int]]]]:
    """Return the outputs' names, and for each taxon that photos show, its name and its numbers of photos by output."""
    names = [*map(_name, evaluation.taxa), OTHER]
    rows = zip(names, evaluation.confusion.tolist(), strict=True)
    return names, [(name, row) for name, row in rows if any(row)]


def _mistake(evaluation: Evaluation, outcome: Outcome) -> tuple[str, str, str, str]:
    """Return a photo, its camera, what the head said and what it shows, as texts without marks of Markdown.

    A path begins in the folder of all photos, so that it says nothing about the machine.
    """
    names = {each.taxon_id: each.name for each in evaluation.taxa} | {OTHER: OTHER}
    photo = outcome.photo
    if photo.is_absolute():
        folders = [each.photo.parent for each in evaluation.outcomes if each.photo.is_absolute()]
        photo = photo.relative_to(os.path.commonpath(folders))
    said = f"{names[evaluation.guess(outcome)]}, {percent(float(outcome.probabilities.max()))}"
    name, camera = (_UNSAFE.sub(" ", text) for text in (photo.as_posix(), outcome.camera))
    return name, camera, said, names[outcome.taxon]


def _photo(evaluation: Evaluation, outcome: Outcome, small: bytes | None) -> str:
    """Return HTML of a photo with the animal's box, what the head said and what it shows; empty without a JPEG."""
    if not small:
        return ""
    photo, camera, said, shows = map(escape, _mistake(evaluation, outcome))
    frame = ""
    if box := outcome.box:
        sides = f"left:{box.x:.1%};top:{box.y:.1%};width:{box.width:.1%};height:{box.height:.1%}"
        frame = f'<span style="{sides}"></span>'
    return (
        f'<figure><div class="photo"><img src="data:image/jpeg;base64,{b64encode(small).decode()}" alt="">{frame}</div>'
        f"<figcaption><b>{said}; it is {shows}</b><br>{photo}, camera {camera}</figcaption></figure>"
    )


def _listed(words: Sequence[str]) -> str:
    return " and ".join(filter(None, (", ".join(words[:-1]), *words[-1:])))


def _table(heads: Sequence[str], rows: Sequence[Sequence[str | int]]) -> str:
    """Return a table in Markdown, numbers at the right; nothing without rows."""
    texts = [[cell if isinstance(cell, str) else f"{cell:,}" for cell in row] for row in rows]
    sides = ["---:" if all(map(_NUMBER.fullmatch, column)) else "---" for column in zip(*texts, strict=True)]
    return "\n".join(f"| {' | '.join(line)} |" for line in (heads, sides, *texts)) if texts else ""


def _html(block: str) -> str:
    """Return the HTML of a block of the card: a heading, a table, a list, HTML or a paragraph."""
    lines = block.strip().splitlines()
    if block.startswith("#"):
        mark, _, title = block.strip().partition(" ")
        return f"<h{len(mark)}>{_inline(title)}</h{len(mark)}>"
    if block.startswith("|"):
        heads, sides, *rows = ([cell.strip() for cell in line.strip("|").split("|")] for line in lines)
        kinds = [' class="number"' if side == "---:" else "" for side in sides]

        def row(cells: Sequence[str], tag: str) -> str:
            inner = (f"<{tag}{kind}>{_inline(cell)}</{tag}>" for kind, cell in zip(kinds, cells, strict=True))
            return f"<tr>{''.join(inner)}</tr>"

        body = "".join(row(cells, "td") for cells in rows)
        return f'<div class="wide"><table><thead>{row(heads, "th")}</thead><tbody>{body}</tbody></table></div>'
    if block.startswith("- "):
        points = re.split(r"^- ", block, flags=re.MULTILINE)[1:]
        return f"<ul>{''.join(f'<li>{_inline(point)}</li>' for point in points)}</ul>"
    return block if block.startswith("<") else f"<p>{_inline(block)}</p>"


def _inline(text: str) -> str:
    """Return the HTML of a line with code, bold and italics."""
    html = escape(text)
    for pattern, tag in _MARKS:
        html = re.sub(pattern, rf"<{tag}>\1</{tag}>", html)
    return html


_LEFT, _BOTTOM, _WIDE, _HIGH = 56, 308, 384, 284
"""Where the axes of a diagram meet, and their lengths."""
_LARGEST = 20.0
"""Radius of the circle of the fullest bin."""


def percent(share: float | None) -> str:
    """Return a share as text.

    >>> percent(0.954), percent(None)
    ('95%', '–')
    """
    return "–" if share is None else f"{share:.0%}"


def confusion_picture(names: Sequence[str], rows: Sequence[tuple[str, Sequence[int]]]) -> str:
    """Return a table whose cells are the stronger the larger their share of the row, in one hue for all eyes.

    `rows`: the name of what photos show, and their numbers by what they are taken for, in the order of `names`.
    """

    heads = "".join(f'<th scope="col"><span>{escape(name)}</span></th>' for name in names)
    lines = []
    for shown, counts in rows:
        cells = []
        for said, number in zip(names, counts, strict=True):
            share = number / sum(counts)
            kind = "right" if said == shown else "wrong"
            text = f"<b>{share:.0%}</b><small>{number:,}</small>" if number else ""
            cells.append(f'<td class="{kind}" style="--share:{share:.3f}">{text}</td>')
        lines.append(f'<tr><th scope="row">{escape(shown)}</th>{"".join(cells)}</tr>')
    head = f'<thead><tr><th scope="col">it is ↓ taken for →</th>{heads}</tr></thead>'
    return f'<div class="wide"><table>{head}<tbody>{"".join(lines)}</tbody></table></div>'


def reliability_picture(bins: Sequence[Bin]) -> str:
    """Return the share right against the certainty stated, as circles with their numbers of photos."""
    most = max((each.photos for each in bins), default=1)
    parts = [_line(0, 0, 1, 1, "guide"), _text(0.03, 0.94, "more often right than it says", "quiet start")]
    parts.append(_text(0.97, 0.04, "less often right", "quiet end"))
    for each in bins:
        radius = max(_LARGEST * sqrt(each.photos / most), 3)
        parts.append(_circle(each.stated, each.right, "dot", radius))
        parts.append(_text(each.stated, each.right, f"{each.photos:,}", above=radius + 4))
    ticks = {step / 5: f"{step / 5:.0%}" for step in range(6)}
    return _diagram("Share right by certainty", "certainty stated", ticks, parts)


def curve_picture(points: Sequence[Point], outlook: Outlook | None) -> str:
    """Return the share right by the number of photos, on a scale of doublings; the outlook is a hollow circle.

    Without points, return nothing.
    """
    if not points:
        return ""
    last = points[-1]
    doublings = log2(last.photos * 2 / points[0].photos)
    at = {each.photos: 0.05 + 0.9 * log2(each.photos / points[0].photos) / doublings for each in points}
    ticks = {x: f"{photos:,}" for photos, x in at.items()}
    parts = [_line(at[a.photos], a.right, at[b.photos], b.right, "curve") for a, b in pairwise(points)]
    for each in points:
        parts.append(_circle(at[each.photos], each.right, "point"))
        parts.append(_text(at[each.photos], each.right, f"{each.right:.0%}", above=12))
    if outlook:
        gain, low, high = (last.right + each for each in outlook)
        ticks[0.95] = f"{last.photos * 2:,}?"
        parts += [_line(at[last.photos], last.right, 0.95, gain, "curve guess"), _line(0.95, low, 0.95, high, "curve")]
        parts += [_circle(0.95, gain, "point guess"), _text(0.95, high, f"{outlook.gain * 100:+.0f}?", above=12)]
    return _diagram("Share right by the number of photos", "photos to learn from", ticks, parts)


def _place(x: float, y: float) -> tuple[float, float]:
    """Return where a point of a diagram lies in the picture. `x`, `y`: shares of the axes."""
    return round(_LEFT + x * _WIDE, 1), round(_BOTTOM - y * _HIGH, 1)


def _line(x: float, y: float, to_x: float, to_y: float, kind: str) -> str:
    (left, top), (right, bottom) = _place(x, y), _place(to_x, to_y)
    return f'<path class="{kind}" d="M{left} {top}L{right} {bottom}"/>'


def _circle(x: float, y: float, kind: str, radius: float = 5) -> str:
    left, top = _place(x, y)
    return f'<circle class="{kind}" cx="{left}" cy="{top}" r="{radius:.1f}"/>'


def _text(x: float, y: float, text: str, kind: str = "", above: float = 0) -> str:
    left, top = _place(x, y)
    return f'<text class="{kind}" x="{left}" y="{top - above:.1f}">{text}</text>'


def _diagram(title: str, below: str, ticks: Mapping[float, str], parts: Sequence[str]) -> str:
    """Return a diagram with shares from 0 to 1 upwards. `ticks`: texts of the other axis, which is called `below`."""
    shares = [step / 5 for step in range(6)]
    axes = [_line(0, share, 1, share, "grid") for share in shares]
    axes += [_text(-0.02, share, f"{share:.0%}", "end", above=-4) for share in shares]
    axes += [_text(x, 0, text, above=-20) for x, text in ticks.items()]
    axes.append(_text(0.5, 0, below, above=-44))
    return f'<svg viewBox="0 -16 460 376" role="img" aria-label="{title}">{"".join([*axes, *parts])}</svg>'
