"""The model card of a trained head, as Markdown and as one HTML page that needs no network.

Both are made from faunalens/pages/card.md. The HTML page also has pictures, from faunalens/pages/card_pictures.html.
"""

import os
import re
from base64 import b64encode
from collections.abc import Mapping
from html import escape
from math import log2
from pathlib import Path
from typing import Any

import numpy as np
from markupsafe import Markup

from faunalens.training.evaluation import LEAST_POINTS, OTHER, Evaluation, Outcome, outlook
from faunalens.training.features import BY_PEOPLE
from faunalens.words import count, filled

PAGES = Path(__file__).parents[1] / "pages"
SIDE = 320
"""Longest side of a shown photo in pixels."""
FEW_PHOTOS, FEW_CAMERAS = 50, 10
"""Numbers of a taxon's photos and cameras below which the card warns of its figures."""
_DRAWS = 1000


def page(evaluation: Evaluation, thumbnails: Mapping[Path, bytes]) -> str:
    """Return the card as HTML. `thumbnails`: the worst photos as JPEG, by path; if empty, a table lists them."""
    from markdown_it import MarkdownIt

    styles = ((PAGES / name).read_text(encoding="utf-8") for name in ("report.css", "card.css"))
    body = MarkdownIt("commonmark").enable("table").render(markdown(evaluation, thumbnails))
    return filled(PAGES / "card.html", name=evaluation.about.name, style="\n".join(styles), body=body)


def markdown(evaluation: Evaluation, thumbnails: Mapping[Path, bytes] | None = None) -> str:
    """Return the card as Markdown. If `thumbnails` are given, it contains pictures as HTML."""
    about = evaluation.about
    names = [_text(each.name) for each in about.taxa] + [_text(OTHER)]
    return filled(
        PAGES / "card.md",
        about=about,
        found=evaluation,
        is_page=thumbnails is not None,
        places=[_text(each) for each in about.places],
        licence=_escaped(about.licence),
        count=count,
        percent=percent,
        log2=log2,
        range=_range(evaluation),
        people=sum(each.box is not None and each.box.score == BY_PEOPLE for each in evaluation.known),
        few=(FEW_PHOTOS, FEW_CAMERAS),
        outlook=outlook(evaluation.curve),
        least_points=LEAST_POINTS,
        rows=list(zip(names, evaluation.rows, strict=False)),  # strangers, which may have no row, are the last
        names=names,
        confusion=[(name, row) for name, row in zip(names, evaluation.confusion.tolist(), strict=True) if any(row)],
        worst=[_mistake(evaluation, each, thumbnails or {}) for each in evaluation.worst()],
        code=_code,
    )


def percent(share: float | None) -> str:
    """Return a share as text.

    >>> percent(0.954), percent(None)
    ('95%', '–')
    """
    return "–" if share is None else f"{share:.0%}"


def _escaped(text: str) -> Markup:
    """Escape HTML's special characters in a text, except quotes, since people also read the Markdown."""
    return Markup(escape(text, quote=False))  # noqa: S704, escaped


def _text(text: str) -> Markup:
    """Return a text as plain text for Markdown: Markdown's special characters become spaces, and HTML's are escaped."""
    return _escaped(re.sub(r"[\s|`*_\[\]\\]+", " ", text))


def _code(text: str) -> Markup:
    """Return a text as inline code in Markdown. Characters that would end the code or a table's cell become spaces."""
    return Markup("`{}`".format(re.sub(r"[|`]", " ", text)))  # noqa: S704, Markdown's own code is escaped later


def _range(evaluation: Evaluation) -> str:
    """Return the 95 % interval of the share right, from cameras drawn with replacement (cluster bootstrap)."""
    cameras, at = np.unique([each.camera for each in evaluation.known], return_inverse=True)
    right = np.bincount(at, [evaluation.guess(each) == each.taxon for each in evaluation.known])
    drawn = np.random.default_rng(0).multinomial(len(cameras), np.full(len(cameras), 1 / len(cameras)), _DRAWS)
    low, high = np.quantile((drawn @ right) / (drawn @ np.bincount(at)), (0.025, 0.975)).tolist()
    return f"{percent(low)} to {percent(high)}"


def _mistake(evaluation: Evaluation, outcome: Outcome, thumbnails: Mapping[Path, bytes]) -> dict[str, Any]:
    """Return what the card says of a photo with a wrong name: path, camera, what the head said, and what it shows.

    A path is relative to the folder of all photos, so that it does not name folders of this machine.
    """
    names = {each.taxon_id: each.name for each in evaluation.about.taxa} | {OTHER: OTHER}
    photo = outcome.photo
    if photo.is_absolute():
        folders = [each.photo.parent for each in evaluation.outcomes if each.photo.is_absolute()]
        photo = photo.relative_to(os.path.commonpath(folders))
    return {
        "photo": " ".join(photo.as_posix().split()),
        "camera": " ".join(outcome.camera.split()),
        "said": _text(names[evaluation.guess(outcome)]),
        "share": float(outcome.probabilities.max()),
        "shows": _text(names[outcome.taxon]),
        "box": outcome.box,
        "jpeg": b64encode(thumbnails.get(outcome.photo, b"")).decode(),
    }
