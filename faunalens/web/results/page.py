"""The page of a result, as HTML without any script. It has the style sheet and the look of the page of the API."""

import math
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final, NamedTuple

from chalicelib.api.answers import LEAST_SHOWN
from chalicelib.api.http import Response
from chalicelib.api.page import DEFAULT_LANGUAGE, WEB
from faunalens.web.results.results import Result
from faunalens.web.results.words import Words, words_of
from faunalens.words import filled

_ICON: Final = re.compile(r'href="(data:image/svg[^"]*)"')
_SHAPES: Final = re.compile(r'<path class="(?:sea|land)"[^>]*>')
_NAME: Final = re.compile(r"[^\W\d_]+(?:[ '’()-]{1,2}[^\W\d_]+)*\)?")
"""A person's text is shown as a name only if it matches this: a stranger may write anything."""
_WITHOUT_RANGE: Final = ("everywhere", "unknown", None)
_WIDTH, _HEIGHT = 1000, 487  # of the API's maps, in the Equal Earth projection: Šavrič, Patterson & Jenny (2018)
_EQUAL_EARTH: Final = (1.340264, -0.081106, 0.000893, 0.003796)
_SCALE: Final = _WIDTH / 2 / 2.7066
_FARTHEST: Final = 150.0  # km; beyond, a town says nothing about a place that is only known to about 110 km
_NUMBER: Final = re.compile(r"[_-~]*[?-^]")
"""A whole number in the characters of Google's encoded polylines: all but its last five bits are marked."""
_DEGREE: Final = 111.2  # kilometres in a degree of latitude
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


class _Town(NamedTuple):
    """A town. `country`: ISO 3166-1 alpha-2. `size`: the binary logarithm of its number of inhabitants."""

    name: str
    country: str
    latitude: float
    longitude: float
    size: int


def result_page(result: Result, origin: str, language: str = DEFAULT_LANGUAGE) -> Response:
    """Return the page of a result. `origin`: scheme and host of this server, for previews in messengers."""
    words, answer, address = words_of(language), result.answer, f"{origin}/r/{result.id}"
    answered, prediction = _headline(answer, words), _named(answer)
    headline = _said(result, words) or answered
    summary = _summary(answer, answered, headline, words)
    latin = result.said.scientific_name if result.said and headline is not answered else ""
    preview = {
        "og:type": "website",
        "og:site_name": "Faunalens",
        "og:title": headline.text,
        "og:description": " ".join(summary),
        "og:url": address,
    }
    if result.has_picture:
        preview |= {"og:image": f"{address}.jpg", "og:image:alt": f"{words.own('picture')}: {headline.text}"}
    return _document(
        words,
        headline.text,
        preview=preview,
        picture=f"/r/{result.id}.jpg" if result.has_picture else "",
        result=result,
        headline=headline,
        answered=answered,
        prediction=prediction,
        latin_said=latin if _NAME.fullmatch(latin) else "",
        summary=summary,
        perhaps=answer.get("perhaps"),
        relatives=(prediction or {}).get("relatives_here"),
        place=_place(answer, words),
    )


@cache
def nothing_page(language: str = DEFAULT_LANGUAGE, *, is_gone: bool = False) -> Response:
    """Return the page for an address at which there is nothing. `is_gone`: a result may have been there.

    It is made once for each language, because strangers ask for it most.
    """
    words = words_of(language)
    title, why = (words.own("gone"), words.own("gone.why")) if is_gone else (words.own("lost"), words.own("lost.why"))
    return _document(words, title, why=why, preview={}, picture="", result=None)._replace(status=404)


def _document(words: Words, title: str, **values: Any) -> Response:
    """Return the page. `values`: what else page.html shows."""
    return Response(
        filled(Path(__file__).with_suffix(".html"), words=words, title=title, **_constants(), **values), HEADERS
    )


@cache
def _constants() -> Mapping[str, Any]:
    """Return what all pages show, with the style sheet, the icon and the world of the page of the API."""
    icon = _ICON.search((WEB / f"{DEFAULT_LANGUAGE}.html").read_text(encoding="utf-8"))
    return {
        "style": next(iter(WEB.glob("page-*.css"))).name,
        "icon": icon[1] if icon else "",
        "world": "".join(_SHAPES.findall((WEB.parent / "world.svg").read_text(encoding="utf-8"))),
        "width": _WIDTH,
        "height": _HEIGHT,
        "least_shown": LEAST_SHOWN,
    }


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


def _place(answer: Mapping[str, Any], words: Words) -> Mapping[str, Any] | None:
    """Return where the photo was taken, in words and on a map, with the range of what it shows; None without both."""
    center, candidates = answer["location"]["center"], answer["candidates"]
    first = candidates[0] if candidates and _named(answer) and not answer.get("perhaps") else {"here": None}
    taxon = "" if first["here"] in _WITHOUT_RANGE else str(first["taxon"])
    if not center and not taxon:
        return None
    key = "both" if center and taxon else "range" if taxon else "cell"
    place = {"center": center, "taxon": taxon}
    place["label"] = words.shared(f"map.{key}", name=words.animal(first) if taxon else "")
    if center:
        place["whereabouts"] = _whereabouts(answer["location"], words)
        place["x"], place["y"] = _on_map(*center)
    return place


def _whereabouts(location: Mapping[str, Any], words: Words) -> str:
    """Return the words for a place: near which town, or else around which point and in which areas."""
    if town := _town_near(*location["center"]):
        return words.own("near", town=town.name, country=words.country(town.country))
    areas = [words.country(each) for each in location["areas"]]
    around = words.own("place.around", position=words.position(*location["center"]))
    return f"{around} ({', '.join(areas)})" if areas else around


def _town_near(latitude: float, longitude: float) -> _Town | None:
    """Return the town that names a place best: a large one rather than a village that is a little closer."""
    shrunk = math.cos(math.radians(latitude))

    def distance(town: _Town) -> float:
        east = ((town.longitude - longitude + 180) % 360 - 180) * shrunk
        return _DEGREE * math.hypot(town.latitude - latitude, east)

    near = [(town.size - far / 25, town) for town in _towns() if (far := distance(town)) <= _FARTHEST]
    return max(near)[1] if near else None


@cache
def _towns() -> tuple[_Town, ...]:
    towns, country, is_town = [], "", True
    before: tuple[int, ...] = (0, 0, 0)
    for line in next(WEB.glob("places-[0-9A-Z]*.txt")).read_text(encoding="utf-8").splitlines():
        names, tab, steps = line.partition("\t")
        if not tab:
            country = line[1:] if line.startswith("=") else country
            is_town, before = not line.startswith("+"), (0, 0, 0)
        elif is_town:
            tenths, more, size = before = tuple(
                a + _decoded(b) for a, b in zip(before, _NUMBER.findall(steps), strict=True)
            )
            towns.append(_Town(names.partition("|")[0].removeprefix("~"), country, tenths / 10, more / 10, size))
    return tuple(towns)


def _decoded(text: str) -> int:
    number = sum((ord(each) - 63 & 31) << 5 * i for i, each in enumerate(text))
    return ~(number >> 1) if number & 1 else number >> 1


def _on_map(latitude: float, longitude: float) -> tuple[float, float]:
    """Return x and y of a point on the API's maps, as faunalens/web/page/src/projection.js does."""
    a, m = _EQUAL_EARTH, math.sqrt(3) / 2
    t = math.asin(m * math.sin(math.radians(latitude)))
    slope = a[0] + 3 * a[1] * t**2 + t**6 * (7 * a[2] + 9 * a[3] * t**2)
    height = t * (a[0] + a[1] * t**2 + t**6 * (a[2] + a[3] * t**2))
    east = math.radians(longitude) * math.cos(t) / (m * slope)
    return _WIDTH / 2 + east * _SCALE, _HEIGHT / 2 - height * _SCALE
