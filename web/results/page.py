"""The page of a result, as HTML without any script."""

import base64
import hashlib
from collections.abc import Iterator, Mapping
from html import escape
from typing import Any

from chalicelib.api.http import Response
from web.results.results import Result

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
_HERE = {
    "native": "lives here",
    "introduced": "introduced here",
    "everywhere": "lives everywhere",
    "unexpected": "would be unusual here",
    "unknown": "not known whether it lives here",
}
_NO_ANIMAL = "No animal recognised"


def result_page(result: Result, origin: str) -> Response:
    """Return the page of a result. `origin`: scheme and host of this server, for previews in messengers."""
    answer = result.answer
    prediction = answer["prediction"] or {}
    title = str(prediction.get("name") or _NO_ANIMAL)
    title = title[:1].upper() + title[1:]
    address = f"{origin}/r/{result.id}"
    body = [*_head_of_answer(answer, title, result), *_candidates(answer), *_relatives(prediction), *_place(answer)]
    body.append(
        f'<p class="quiet">This page will be deleted on {result.expires:%-d %B %Y}. '
        'The photo itself was not kept. <a href="/">Identify a photo of yours</a></p>'
    )
    preview = {
        "og:type": "website",
        "og:site_name": "Faunalens",
        "og:title": title,
        "og:description": str(answer["message"]),
        "og:url": address,
    }
    if result.has_picture:
        preview |= {"og:image": f"{address}.jpg", "og:image:alt": f"The photo: {title}"}
    return _document(title, body, preview)


def missing_page() -> Response:
    """Return the page for an id that does not exist."""
    text = "It does not exist, or it was deleted: by who made it, or after 30 days."
    body = ["<h1>This result is gone</h1>", f'<p>{text} <a href="/">Identify a photo of yours</a></p>']
    return _document("This result is gone", body, {})._replace(status=404)


def _document(title: str, body: list[str], preview: Mapping[str, str]) -> Response:
    metas = "".join(f'<meta property="{name}" content="{escape(text)}">\n' for name, text in preview.items())
    text = (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f"<title>{escape(title)} · Faunalens</title>\n"
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f'<meta name="robots" content="noindex, nofollow">\n{metas}<style>{_STYLE}</style>\n</head>\n'
        f"<body>\n<main>\n{'\n'.join(body)}\n</main>\n</body>\n</html>\n"
    )
    return Response(text, HEADERS)


def _head_of_answer(answer: Mapping[str, Any], title: str, result: Result) -> Iterator[str]:
    if result.has_picture:
        yield f'<img src="/r/{result.id}.jpg" width="400" height="400" alt="The photo">'
    yield f"<h1>{escape(title)}</h1>"
    if prediction := answer["prediction"]:
        name, rank = escape(prediction["scientific_name"]), escape(prediction["rank"])
        yield f"<p><i>{name}</i> · {rank} · {_percent(prediction['score'])}</p>"
        taxa = {each["scientific_name"]: each["taxon"] for each in answer["candidates"]}
        if taxon := taxa.get(prediction["scientific_name"]):
            yield f'<p><a href="/taxa/{escape(taxon)}/range.svg">Where it lives: map</a></p>'
    yield f"<p>{escape(answer['message'])}</p>"
    if answer["why_not"]:
        yield f"<p>{escape(answer['why_not'])}</p>"


def _candidates(answer: Mapping[str, Any]) -> Iterator[str]:
    if not answer["prediction"]:
        return
    yield "<h2>The likeliest animals</h2>\n<ol>"
    for each in answer["candidates"]:
        here = f" · {_HERE[each['here']]}" if each["here"] in _HERE else ""
        map_link = f'<a href="/taxa/{escape(each["taxon"])}/range.svg">map</a>'
        name = f"{escape(each['name'])} (<i>{escape(each['scientific_name'])}</i>)"
        yield f"<li>{name} {_percent(each['score'])}{here} · {map_link}</li>"
    yield "</ol>"


def _relatives(prediction: Mapping[str, Any]) -> Iterator[str]:
    relatives = prediction.get("relatives_here")
    if not relatives:
        return
    shown = relatives["taxa"]
    count, more = relatives["count"], relatives["count"] - len(shown)
    yield f"<h2>{'A relative that lives' if count == 1 else f'{count} relatives that live'} here too</h2>"
    yield "<p>No model here knows them, so the photo may show one of them.</p>\n<ul>"
    for each in shown:
        yield f"<li>{escape(each['name'])} (<i>{escape(each['scientific_name'])}</i>)</li>"
    yield f"</ul>{f'<p>and {more} more</p>' if more > 0 else ''}"


def _place(answer: Mapping[str, Any]) -> Iterator[str]:
    location = answer["location"]
    if not location["center"]:
        return
    latitude, longitude = location["center"]
    north, east = ("S" if latitude < 0 else "N"), ("W" if longitude < 0 else "E")
    center = f"{abs(latitude):.1f}° {north}, {abs(longitude):.1f}° {east}"
    areas = f" ({escape(', '.join(location['areas']))})" if location["areas"] else ""
    yield f"<h2>Place</h2>\n<p>Somewhere in an area of about 110 km around {center}{areas}</p>"


def _percent(share: float) -> str:
    """Return a probability as text, never as 0 or 100 %, like the page of the API."""
    if share >= 0.995:
        return "&gt; 99 %"
    return f"{share:.0%}".replace("%", " %") if share >= 0.01 else "&lt; 1 %"
