"""The pictures of a model card, as HTML and SVG that follow the reader's light or dark page (cli/pages/card.css)."""

from collections.abc import Mapping, Sequence
from html import escape
from itertools import pairwise
from math import log2, sqrt

from cli.training.evaluation import Bin, Outlook, Point

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
        for said, count in zip(names, counts, strict=True):
            share = count / sum(counts)
            kind = "right" if said == shown else "wrong"
            text = f"<b>{share:.0%}</b><small>{count:,}</small>" if count else ""
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
