"""The page of a result, as HTML without any script."""

import base64
import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from functools import cache
from html import escape
from pathlib import Path
from typing import Any

from chalicelib.api.answers import LEAST_SHOWN
from chalicelib.api.http import Response
from chalicelib.api.page import DEFAULT_LANGUAGE
from chalicelib.api.words import FORMER
from web.results.results import Result

_PAGE = Path(__file__).parents[1] / "page"
_VALUE = re.compile(r"\{(\w+)\}")


class Words:
    """The words of a language. `name`: its code in a `lang` attribute. `direction`: ltr or rtl."""

    def __init__(self, language: str) -> None:
        found = json.loads((_PAGE / "words" / f"{language}.json").read_text(encoding="utf-8"))
        self.name, self.direction = str(found["html"]["lang"]), str(found["html"]["dir"])
        self._own, self._shared = found["result"], found["script"]
        names = _PAGE / "names" / f"{language}.json"
        sources = json.loads(names.read_text(encoding="utf-8")) if names.exists() else None
        self._names = sources and {**sources["birdnet"], **sources["own"]}

    def own(self, key: str, **values: object) -> str:
        """Return words of result pages. `values` replace their names in braces; `count` selects the plural."""
        return _filled(self._own[key], values)

    def shared(self, key: str, **values: object) -> str:
        """Return words of the page of the API, or an empty string if it has none with this key."""
        return _filled(self._shared.get(key, ""), values)

    def of_code(self, kind: str, code: str) -> str:
        """Return the words for one of the API's codes, such as a reason; empty for a code that is not known."""
        return self.shared(f"{kind}.{FORMER.get(code, code)}")

    def animals(self, taxa: Iterable[Mapping[str, Any]]) -> str:
        """Return the names of animals, of which one is meant."""
        return " / ".join(map(self.animal, taxa))

    def animal(self, taxon: Mapping[str, Any]) -> str:
        """Return the name of an animal: its Latin one if it has none in the language."""
        if self._names is None:  # English, as the answer
            return str(taxon["name"])
        return str(self._names.get(str(taxon["name"]).lower(), taxon["scientific_name"]))

    def percent(self, share: float) -> str:
        """Return a probability as text, never as 0 or 100 %, like the page of the API."""
        sign, shown = (">", 0.99) if share >= 0.995 else ("<", 0.01) if share < 0.01 else ("", share)
        return f"{sign} {self.own('percent', share=f'{shown * 100:.0f}')}".strip()

    def position(self, latitude: float, longitude: float) -> str:
        """Return coordinates as text: 33.1° S, 150.9° E."""
        north = self.shared("south" if latitude < 0 else "north", degrees=self._decimal(latitude))
        east = self.shared("west" if longitude < 0 else "east", degrees=self._decimal(longitude))
        return self.shared("position", latitude=north, longitude=east)

    def date(self, day: datetime) -> str:
        """Return a date as text."""
        return day.strftime(self.own("date"))

    def _decimal(self, degrees: float) -> str:
        return f"{abs(degrees):.1f}".replace(".", self.own("decimal"))


@cache
def words_of(language: str) -> Words:
    """Return the words of a language, one of the page's."""
    return Words(language)


def _filled(found: str | Mapping[str, str], values: Mapping[str, object]) -> str:
    text = found if isinstance(found, str) else found["one" if values["count"] == 1 else "other"]
    return _VALUE.sub(lambda match: str(values[match[1]]), text)


_STYLE = """
:root { color-scheme: light dark; font: 1rem/1.5 system-ui, sans-serif; }
body { margin: 0 auto; max-width: 40rem; padding: 1rem; overflow-wrap: anywhere; }
h1 { margin: 0.5rem 0 0; }
h2 { font-size: 1.1rem; margin: 1.5rem 0 0.5rem; }
img { border-radius: 0.5rem; height: auto; max-width: 100%; }
li { margin: 0.25rem 0; }
ol, ul { margin: 0; padding-inline-start: 1.5rem; }
a { display: inline-block; min-height: 1.5rem; }
.quiet { opacity: 0.8; }
"""
_STYLE_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
HEADERS = {
    "Cache-Control": "no-store",  # a result that is deleted is gone
    "Content-Security-Policy": f"default-src 'none'; img-src 'self'; style-src 'sha256-{_STYLE_HASH}'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Content-Type": "text/html; charset=utf-8",
    "Referrer-Policy": "no-referrer",  # the address of the page is the right to read it
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex, nofollow",
}


def result_page(result: Result, origin: str, language: str = DEFAULT_LANGUAGE) -> Response:
    """Return the page of a result. `origin`: scheme and host of this server, for previews in messengers."""
    words = words_of(language)
    answer = result.answer
    title, rest = _headline(answer, words)
    summary = tuple(_summary(answer, rest, words))
    address = f"{origin}/r/{result.id}"
    deleted = words.own("deleted", date=words.date(result.expires))
    body = [
        *_head_of_answer(result, title, summary, words),
        *_perhaps(answer, words),
        *_candidates(answer, words),
        *_relatives(_named(answer) or {}, words),
        *_place(answer, words),
        f'<p class="quiet">{escape(deleted)} <a href="/">{escape(words.own("own"))}</a></p>',
    ]
    preview = {
        "og:type": "website",
        "og:site_name": "Faunalens",
        "og:title": title,
        "og:description": " ".join(summary),
        "og:url": address,
    }
    if result.has_picture:
        preview |= {"og:image": f"{address}.jpg", "og:image:alt": f"{words.own('picture')}: {title}"}
    return _document(title, body, preview, words)


def missing_page(language: str = DEFAULT_LANGUAGE) -> Response:
    """Return the page for an id that does not exist."""
    words = words_of(language)
    title = words.own("gone")
    body = [
        f"<h1>{escape(title)}</h1>",
        f'<p>{escape(words.own("gone.why"))} <a href="/">{escape(words.own("own"))}</a></p>',
    ]
    return _document(title, body, {}, words)._replace(status=404)


def _document(title: str, body: list[str], preview: Mapping[str, str], words: Words) -> Response:
    metas = "".join(f'<meta property="{name}" content="{escape(text)}">\n' for name, text in preview.items())
    text = (
        f'<!doctype html>\n<html lang="{words.name}" dir="{words.direction}">\n<head>\n<meta charset="utf-8">\n'
        f"<title>{escape(title)} · Faunalens</title>\n"
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f'<meta name="robots" content="noindex, nofollow">\n{metas}<style>{_STYLE}</style>\n</head>\n'
        f"<body>\n<main>\n{'\n'.join(body)}\n</main>\n</body>\n</html>\n"
    )
    return Response(text, HEADERS)


def _named(answer: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return the prediction, unless it is wider than a class, as an earlier release made some."""
    prediction = answer["prediction"]
    return prediction if prediction and prediction["rank"] not in ("kingdom", "phylum") else None


def _headline(answer: Mapping[str, Any], words: Words) -> tuple[str, str]:
    """Return what an answer says, as the page of the API does, and how sure that is, where it does not say so."""
    prediction, perhaps = _named(answer), words.animals(answer.get("perhaps", ()))
    rest = ""
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
            title = words.shared("headline.unexpected") + title
            rest = words.shared("guess", name=sure, sure=score)
        elif sure and not perhaps:
            title = words.shared("headline", sure=sure) + title
    if perhaps:
        title = words.shared("headline.perhaps", name=title, perhaps=perhaps)
    return title[:1].upper() + title[1:], rest


def _summary(answer: Mapping[str, Any], rest: str, words: Words) -> Iterator[str]:
    """Yield how sure an answer is, as far as its headline does not say that, and why it is wide or missing."""
    reasons = [words.of_code("reason", each) for each in answer.get("reasons", ())]
    yield from filter(None, (rest, *(reasons or [answer["why_not"]])))


def _head_of_answer(result: Result, title: str, summary: Iterable[str], words: Words) -> Iterator[str]:
    answer = result.answer
    if result.has_picture:
        yield f'<img src="/r/{result.id}.jpg" width="400" alt="{escape(words.own("picture"))}">'
    yield f"<h1>{escape(title)}</h1>"
    if prediction := _named(answer):
        rank = words.shared(f"rank.{prediction['rank']}")
        yield f"<p><i>{escape(prediction['scientific_name'])}</i>{f' · {escape(rank)}' if rank else ''}</p>"
    yield from (f"<p>{escape(each)}</p>" for each in summary)
    taxa = {each["scientific_name"]: each["taxon"] for each in answer["candidates"]}
    if prediction and (taxon := taxa.get(prediction["scientific_name"])):
        yield f'<p><a href="/taxa/{escape(taxon)}/range.svg">{escape(words.own("where"))}</a></p>'


def _perhaps(answer: Mapping[str, Any], words: Words) -> Iterator[str]:
    """Yield what a wide or missing prediction perhaps is, with the likeliest animals of each."""
    if perhaps := answer.get("perhaps"):
        yield f"<h2>{escape(words.of_code('sure', 'perhaps').capitalize())}</h2>\n<ul>"
        for each in perhaps:
            members = words.animals(other for other in each["members"] if other["name"] != each["name"])
            yield f"<li>{_with_latin(each, words)}{f'<br>{escape(members)}' if members else ''}</li>"
        yield "</ul>"


def _candidates(answer: Mapping[str, Any], words: Words) -> Iterator[str]:
    if not _named(answer) or answer.get("perhaps"):  # they only look alike
        return
    yield f"<h2>{escape(words.shared('candidates'))}</h2>\n<ol>"
    for each in answer["candidates"]:
        if each["score"] < LEAST_SHOWN:
            continue
        here = words.shared(f"here.{each['here']}")
        map_link = f'<a href="/taxa/{escape(each["taxon"])}/range.svg">{escape(words.own("map"))}</a>'
        details = [escape(each) for each in (words.percent(each["score"]), here) if each]
        yield f"<li>{_with_latin(each, words)} {' · '.join([*details, map_link])}</li>"
    yield "</ol>"


def _relatives(prediction: Mapping[str, Any], words: Words) -> Iterator[str]:
    relatives = prediction.get("relatives_here")
    if not relatives:
        return
    shown = relatives["taxa"]
    count, more = relatives["count"], relatives["count"] - len(shown)
    yield f"<h2>{escape(words.own('relatives', count=count))}</h2>"
    yield f"<p>{escape(words.own('relatives.note'))}</p>\n<ul>"
    yield from (f"<li>{_with_latin(each, words)}</li>" for each in shown)
    yield f"</ul>{f'<p>{escape(words.own("relatives.more", count=more))}</p>' if more > 0 else ''}"


def _with_latin(taxon: Mapping[str, Any], words: Words) -> str:
    name, latin = words.animal(taxon), f"<i>{escape(taxon['scientific_name'])}</i>"
    return latin if name == taxon["scientific_name"] else f"{escape(name)} ({latin})"


def _place(answer: Mapping[str, Any], words: Words) -> Iterator[str]:
    location = answer["location"]
    if not location["center"]:
        return
    around = words.own("place.around", position=words.position(*location["center"]))
    areas = f" ({', '.join(location['areas'])})" if location["areas"] else ""
    yield f"<h2>{escape(words.own('place'))}</h2>\n<p>{escape(around + areas)}</p>"
