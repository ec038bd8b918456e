"""The page of a result, as HTML without any script. It has the style sheet and the look of the page of the API."""

import math
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from html import escape
from pathlib import Path
from string import Template
from typing import Any, Final, NamedTuple

from chalicelib.api.answers import LEAST_SHOWN
from chalicelib.api.http import Response
from chalicelib.api.page import DEFAULT_LANGUAGE, WEB
from faunalens.web.results.nearby import town_near
from faunalens.web.results.results import Result
from faunalens.web.results.words import Words, words_of

_ICON: Final = re.compile(r'href="(data:image/svg[^"]*)"')
_SHAPES: Final = re.compile(r'<path class="(?:sea|land)"[^>]*>')
_NAME: Final = re.compile(r"[^\W\d_]+(?:[ '’()-]{1,2}[^\W\d_]+)*\)?")
"""A person's text is shown as a name only if it matches this: a stranger may write anything."""
_WITHOUT_RANGE: Final = ("everywhere", "unknown", None)
_WIDTH, _HEIGHT = 1000, 487  # of the API's maps, in the Equal Earth projection: Šavrič, Patterson & Jenny (2018)
_EQUAL_EARTH: Final = (1.340264, -0.081106, 0.000893, 0.003796)
_SCALE: Final = _WIDTH / 2 / 2.7066
HEADERS: Final = {
    "Cache-Control": "no-store",  # a result that is deleted is gone
    "Content-Security-Policy": "default-src 'none'; img-src 'self' data:; style-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Content-Type": "text/html; charset=utf-8",
    "Referrer-Policy": "no-referrer",  # the address of the page is the right to read it
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex, nofollow",
}


class _Headline(NamedTuple):
    """What an answer says. `lead`: words before the title. `rest`: how sure it is, unless lead and title say that."""

    lead: str
    title: str
    rest: str

    @property
    def text(self) -> str:
        text = self.lead + self.title
        return text[:1].upper() + text[1:]


def result_page(result: Result, origin: str, language: str = DEFAULT_LANGUAGE) -> Response:
    """Return the page of a result. `origin`: scheme and host of this server, for previews in messengers."""
    words = words_of(language)
    answer, answered = result.answer, _headline(result.answer, words)
    headline = _said(result, words) or answered
    summary = _summary(answer, answered, headline, words)
    address = f"{origin}/r/{result.id}"
    outcome = [
        *_head_of_answer(result, headline, words),
        *(f'<p class="remark">{escape(each)}</p>' for each in summary if each != answered.rest),
        *_perhaps(answer, words),
        *_candidates(answer, words),
        *_relatives(_named(answer) or {}, words),
        *_place(answer, words),
        f'<p class="quiet deleted">{escape(words.own("deleted", date=words.date(result.expires)))}</p>',
    ]
    preview = {
        "og:type": "website",
        "og:site_name": "Faunalens",
        "og:title": headline.text,
        "og:description": " ".join(summary),
        "og:url": address,
    }
    picture = ""
    if result.has_picture:
        preview |= {"og:image": f"{address}.jpg", "og:image:alt": f"{words.own('picture')}: {headline.text}"}
        picture = f'<img id="picture" src="/r/{result.id}.jpg" alt="{escape(words.own("picture"))}">'
    return _document(headline.text, picture, outcome, preview, words)


def nothing_page(language: str = DEFAULT_LANGUAGE, *, is_gone: bool = False) -> Response:
    """Return the page for an address at which there is nothing. `is_gone`: a result may have been there."""
    words = words_of(language)
    title, why = (words.own("gone"), words.own("gone.why")) if is_gone else (words.own("lost"), words.own("lost.why"))
    outcome = [f"<h2>{escape(title)}</h2>", f"<p>{escape(why)}</p>"]
    return _document(title, "", outcome, {}, words)._replace(status=404)


def _document(title: str, picture: str, outcome: Iterable[str], preview: Mapping[str, str], words: Words) -> Response:
    """Return the page. `picture`, `outcome`: HTML."""
    text = _template().substitute(
        language=words.name,
        direction=words.direction,
        title=escape(title),
        metas="".join(f'<meta property="{name}" content="{escape(text)}">\n' for name, text in preview.items()),
        state="answer" if picture else "many",
        question=escape(words.question),
        label=escape(words.own("picture")),
        picture=picture,
        own=escape(words.own("own")),
        outcome="\n".join(outcome),
    )
    return Response(text, HEADERS)


@cache
def _template() -> Template:
    """Return the HTML with the style sheet and the icon of the page of the API."""
    style = next(iter(WEB.glob("page-*.css"))).name
    icon = _ICON.search((WEB / f"{DEFAULT_LANGUAGE}.html").read_text(encoding="utf-8"))
    template = Template(Path(__file__).with_suffix(".html").read_text(encoding="utf-8"))
    return Template(template.safe_substitute(style=style, icon=icon[1] if icon else ""))


def _named(answer: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return the prediction, or None if it is wider than a class: an earlier release made such predictions."""
    prediction = answer["prediction"]
    return prediction if prediction and prediction["rank"] not in ("kingdom", "phylum") else None


def _headline(answer: Mapping[str, Any], words: Words) -> _Headline:
    """Return what an answer says, in the words of the page of the API."""
    prediction, perhaps = _named(answer), words.animals(answer.get("perhaps", ()))
    lead = rest = ""
    if prediction is None:
        subject = "animal" if answer["prediction"] else answer.get("subject", "none")
        title = words.of_code("subject", subject) or words.of_code("subject", "unclear")
    else:
        title, latin, members = words.animal(prediction), prediction["scientific_name"], prediction.get("members", ())
        if members:
            key = "breed" if members[0]["scientific_name"] == latin else "members"
            title = words.shared(f"headline.{key}", name=title, **{key: words.animals(members)})
        score, sure = words.percent(prediction["score"]), words.of_code("sure", prediction.get("sure", ""))
        rest = "" if perhaps else score  # a list has no calibrated number
        if any(each["scientific_name"] == latin and each["here"] == "unexpected" for each in answer["candidates"]):
            lead, rest = words.shared("headline.unexpected"), words.shared("guess", name=sure, sure=score)
        elif sure and not perhaps:
            lead = words.shared("headline", sure=sure)
    if perhaps:
        title = words.shared("headline.perhaps", name=title, perhaps=perhaps)
    return _Headline(lead, title, rest)


def _said(result: Result, words: Words) -> _Headline | None:
    """Return what the person who made a result said of it; None if they gave no name."""
    if result.said is None or not _NAME.fullmatch(result.said.animal):
        return None
    latin, taxa = result.said.scientific_name, (result.answer["prediction"] or {}, *result.answer["candidates"])
    name = next((words.animal(each) for each in taxa if latin and each.get("scientific_name") == latin), "")
    return _Headline(words.own("said"), name or result.said.animal, "")


def _summary(answer: Mapping[str, Any], answered: _Headline, headline: _Headline, words: Words) -> list[str]:
    """Return how sure an answer is, as far as its headline does not say that, and why it is wide or missing."""
    if headline is not answered:
        guess = words.shared("guess", name=answered.text, sure=answered.rest).strip(", ")
        return [words.own("said.answered", answer=guess)]
    reasons = [words.of_code("reason", each) for each in answer.get("reasons", ())]
    return [each for each in (answered.rest, *(reasons or [answer["why_not"]])) if each]


def _head_of_answer(result: Result, headline: _Headline, words: Words) -> Iterator[str]:
    lead = headline.lead[:1].upper() + headline.lead[1:]
    title = headline.title if lead else headline.text
    name = f'<span id="lead">{escape(lead)}</span> <span id="title">{escape(title)}</span>'
    yield f'<div id="answer-head"><div><h2 id="name">{name}</h2>'
    prediction = _named(result.answer)
    if result.said is not None and headline.lead == words.own("said"):
        if _NAME.fullmatch(latin := result.said.scientific_name):
            yield f'<p id="taxon"><i>{escape(latin)}</i></p>'
    elif prediction:
        rank = words.shared(f"rank.{prediction['rank']}")
        tag = f' <span class="tag">{escape(rank)}</span>' if rank else ""
        yield f'<p id="taxon"><i>{escape(prediction["scientific_name"])}</i>{tag}</p>'
        means = f' <span class="quiet">{escape(words.sure_means(prediction.get("sure", "")))}</span>'
        yield f"<p><strong>{escape(headline.rest)}</strong>{means}</p>" if headline.rest else ""
    yield "</div></div>"


def _perhaps(answer: Mapping[str, Any], words: Words) -> Iterator[str]:
    """Yield what a wide or missing prediction perhaps is, with the likeliest animals of each."""
    if perhaps := answer.get("perhaps"):
        yield f'<h3>{escape(words.of_code("sure", "perhaps").capitalize())}</h3>\n<ul id="perhaps-list" class="taxa">'
        for each in perhaps:
            members = words.animals(other for other in each["members"] if other["name"] != each["name"])
            yield f"<li>{_with_latin(each, words)}{f'<span>{escape(members)}</span>' if members else ''}</li>"
        yield "</ul>"


def _candidates(answer: Mapping[str, Any], words: Words) -> Iterator[str]:
    if not _named(answer) or answer.get("perhaps"):  # they only look alike
        return
    yield f'<h3>{escape(words.shared("candidates"))}</h3>\n<ol id="candidates">'
    for each in answer["candidates"]:
        if each["score"] < LEAST_SHOWN:
            continue
        here = words.shared(f"here.{each['here']}")
        badge = f'<span class="badge {escape(each["here"])}">{escape(here)}</span> ' if here else ""
        score = f'<span class="candidate-score">{escape(words.percent(each["score"]))}</span>'
        bar = f'<rect class="native" width="{100 * each["score"]:.1f}" height="4"/>'
        yield (
            f'<li><p class="candidate-name">{_with_latin(each, words)}</p><p class="candidate-facts">{badge}{score}</p>'
            f'<svg class="track" viewBox="0 0 100 4" preserveAspectRatio="none" aria-hidden="true">{bar}</svg></li>'
        )
    yield "</ol>"


def _relatives(prediction: Mapping[str, Any], words: Words) -> Iterator[str]:
    if relatives := prediction.get("relatives_here"):
        count, more = relatives["count"], relatives["count"] - len(relatives["taxa"])
        yield f"<h3>{escape(words.own('relatives', count=count))}</h3>"
        yield f'<p class="quiet">{escape(words.own("relatives.note"))}</p>\n<ul class="taxa">'
        yield from (f"<li>{_with_latin(each, words)}</li>" for each in relatives["taxa"])
        yield f"</ul>{f'<p>{escape(words.own("relatives.more", count=more))}</p>' if more > 0 else ''}"


def _with_latin(taxon: Mapping[str, Any], words: Words) -> str:
    name, latin = words.animal(taxon), f"<i>{escape(taxon['scientific_name'])}</i>"
    return latin if name == taxon["scientific_name"] else f"<b>{escape(name)}</b> {latin}"


def _place(answer: Mapping[str, Any], words: Words) -> Iterator[str]:
    """Yield where the photo was taken, in words and on a map with the range of what it shows."""
    location, candidates = answer["location"], answer["candidates"]
    first = candidates[0] if candidates and _named(answer) and not answer.get("perhaps") else {"here": None}
    taxon = "" if first["here"] in _WITHOUT_RANGE else str(first["taxon"])
    if not location["center"] and not taxon:
        return
    mark = ""
    if location["center"]:
        yield f"<h3>{escape(words.own('place'))}</h3>\n<p>{escape(_whereabouts(location, words))}</p>"
        x, y = _on_map(*location["center"])
        mark = f'<circle class="cell" cx="{x:.1f}" cy="{y:.1f}" r="9"/>'
    else:
        yield f"<h3>{escape(words.own('where'))}</h3>"
    key = "both" if mark and taxon else "range" if taxon else "cell"
    label = escape(words.shared(f"map.{key}", name=words.animal(first) if taxon else ""))
    drawn = f'<image href="/taxa/{escape(taxon)}/range.svg" width="{_WIDTH}" height="{_HEIGHT}"/>' if taxon else ""
    yield (
        f'<figure class="world"><svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{label}">'
        f"{_world()}{drawn}{mark}</svg><figcaption>{label}</figcaption></figure>"
    )


def _whereabouts(location: Mapping[str, Any], words: Words) -> str:
    """Return the words for a place: near which town, or else around which point and in which areas."""
    if town := town_near(*location["center"]):
        return words.own("near", town=town.name, country=words.country(town.country))
    areas = [words.country(each) for each in location["areas"]]
    around = words.own("place.around", position=words.position(*location["center"]))
    return f"{around} ({', '.join(areas)})" if areas else around


@cache
def _world() -> str:
    """Return the SVG shapes of sea and land."""
    return "".join(_SHAPES.findall((WEB.parent / "world.svg").read_text(encoding="utf-8")))


def _on_map(latitude: float, longitude: float) -> tuple[float, float]:
    """Return x and y of a point on the API's maps, as faunalens/web/page/src/projection.js does."""
    a, m = _EQUAL_EARTH, math.sqrt(3) / 2
    t = math.asin(m * math.sin(math.radians(latitude)))
    slope = a[0] + 3 * a[1] * t**2 + t**6 * (7 * a[2] + 9 * a[3] * t**2)
    height = t * (a[0] + a[1] * t**2 + t**6 * (a[2] + a[3] * t**2))
    east = math.radians(longitude) * math.cos(t) / (m * slope)
    return _WIDTH / 2 + east * _SCALE, _HEIGHT / 2 - height * _SCALE
