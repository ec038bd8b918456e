"""`faunalens report`: a page about a study, with charts by Apache ECharts. It needs no network."""

import json
from base64 import b64encode
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from html import escape
from itertools import starmap
from pathlib import Path
from string import Template
from typing import Any

import click

from chalicelib.config import VERSION
from cli.exports.files import whole
from cli.exports.own import force_option, own_files
from cli.options import FILE, PUBLIC, StudyOptions, results_argument, study_options
from cli.photos import thumbnail
from cli.report.summary import Group, Station, Summary, summary_of
from cli.results import ResultsFile
from cli.review.agreement import Agreement, agreement
from cli.study.taxa import distinct
from cli.terminal import say, waiting
from cli.words import count

PAGES = Path(__file__).parents[1] / "pages"
SIDE = 240
"""Longest side of a shown photo in pixels."""
MOST_BARS = 30
"""Taxa in the bar chart; the table has all."""
TAXA = ("name", "scientific name", "rank", "events", "photos", "deployments", "perhaps")
STATIONS = ("deployment", "station", "latitude", "longitude", "events", "photos", "taxa")
AGREEMENT = ("reviewers", "photos of both", "named alike", "Cohen's kappa")
MOST_FAULTS = 500
"""Photos without an answer that are listed; `faunalens status` lists all."""


@click.command(short_help="Write one HTML page about the answers.")
@results_argument
@click.option("--html", type=FILE, help="Where to write the page. By default beside RESULTS.")
@click.option(
    "--hide-people",
    is_flag=True,
    help="Leave out photos of people. With --boxes at `identify`, also of people beside animals.",
)
@force_option
@study_options
def report(results: Path, *, html: Path | None, hide_people: bool, force: bool, reading: StudyOptions) -> None:
    """Write one HTML page about the answers in RESULTS: taxa, activity by hour of the sun, a map, taxa by effort, and
    the surest and the least sure photos of each taxon.

    The page holds everything it shows, and needs no network.
    """
    target = html or results.with_suffix(".html")
    with ResultsFile(results, write=False) as kept, own_files(results, target, force=force):
        study, about = reading.open(kept, PUBLIC)
        with waiting("reading the answers"):
            summary = summary_of(study, hide_people=hide_people)
            text = page(summary, about.title, Path(study.folder), agreement(kept).pairs)
        with whole(target) as partial:
            partial.write_text(text, encoding="utf-8")
    say(str(target))


def page(summary: Summary, title: str, folder: Path, agreements: Sequence[Agreement] = ()) -> str:
    """Return the page. `folder`: the study's, with the photos. `agreements`: of reviewers."""
    groups = sorted(
        summary.groups.values(), key=lambda group: (group.kind != "animal", group.is_wide, -group.events, group.name)
    )
    animals = [group for group in groups if group.kind == "animal"]
    return Template((PAGES / "report.html").read_text(encoding="utf-8")).substitute(
        title=escape(title),
        facts=escape(" ".join(_facts(summary))),
        style=(PAGES / "report.css").read_text(encoding="utf-8"),
        taxa=_table(TAXA, map(_row, groups), identity="taxa"),
        stations=_table(STATIONS, starmap(_station_row, summary.stations.items())),
        sheets="\n".join(_sheet(group, folder) for group in groups),
        agreements=_agreements(agreements),
        doubts=_doubts(summary.doubts),
        unanswered=_unanswered(summary.unanswered),
        hours=escape(_about_hours(summary)),
        charts=_json(chart_data(summary, animals)),
        coasts=(PAGES / "coasts.json").read_text(encoding="utf-8").replace("<", "\\u003c"),
        echarts=(PAGES / "echarts.min.js").read_text(encoding="utf-8").replace("</script", "<\\/script"),
        polyline=(PAGES / "polyline.js").read_text(encoding="utf-8"),
        script=(PAGES / "report.js").read_text(encoding="utf-8"),
    )


def _facts(summary: Summary) -> Iterator[str]:
    """Yield the sentences below the title."""
    photos, events = count(summary.photos, "photo"), count(summary.events, "event")
    yield f"{photos} in {events} of {count(len(summary.stations), 'deployment')}"
    yield f"({sum(summary.effort.values()):,.0f} trap days);"
    yield f"{count(distinct(summary.taxa), 'taxon', 'taxa')}; {count(summary.reviewed, 'photo')} reviewed by people."
    if summary.models:
        yield f"Identified by {', '.join(summary.models)}."
    yield f"Made by faunalens {VERSION} on {datetime.now(UTC):%Y-%m-%d}."
    if summary.untimed:
        yield f"{count(summary.untimed, 'photo has')} no time: each is an event of its own."
    if summary.copies:
        yield f"{count(summary.copies, 'copy', 'copies')} of other photos: not counted."
    if summary.precision:
        yield f"Coordinates are rounded to {summary.precision:g}°."


def _about_hours(summary: Summary) -> str:
    """Return what the chart of hours shows."""
    if not summary.by_sun:
        return "Events by the cameras' clocks; for hours of the sun, deployments need a place and a time zone."
    text = "Events by hour of the sun, whatever season and latitude: at 6 it rises, at 18 it sets (NOAA's formulas)."
    if summary.by_clock:
        text += f" {count(summary.by_clock, 'event')} without a place or a time zone: at the hour of the clock."
    return text


def chart_data(summary: Summary, animals: Sequence[Group]) -> dict[str, Any]:
    """Return what the charts show; pages/report.js draws them. Taxa wider than a family are one bar, the last."""
    shown = [each for each in animals if each.events and not each.is_wide][:MOST_BARS]
    bars = [{"name": each.name, "events": each.events, "hours": each.hours} for each in shown]
    if wide := [each for each in animals if each.is_wide and each.events]:
        hours = [sum(at) for at in zip(*(each.hours for each in wide), strict=True)]
        events = sum(each.events for each in wide)
        bars.append({"name": "not named to a family", "events": events, "hours": hours, "is_wide": True})
    return {
        "taxa": bars,
        "is_sun": summary.by_sun > 0,
        "stations": _points(summary),
        "precision": summary.precision,
        "effort": summary.accumulation(),
    }


def _table(heads: Sequence[str], rows: Iterable[str], identity: str = "") -> str:
    """Return a table that can be sorted by each of its columns. `identity`: its id, if it has one."""
    name = f' id="{identity}"' if identity else ""
    cells = "".join(f"<th><button>{head}</button></th>" for head in heads)
    body = "\n".join(rows)
    return (
        f'<div class="wide"><table class="sortable"{name}>\n<thead><tr>{cells}</tr></thead>\n'
        f"<tbody>\n{body}\n</tbody>\n</table></div>"
    )


def _tr(*cells: object, link: str = "") -> str:
    """Return a row of a table. `link`: the anchor to which its first cell leads, if any."""
    texts = [escape(str(cell)) for cell in cells]
    if link:
        texts[0] = f'<a href="#{link}">{texts[0]}</a>'
    return f"<tr>{''.join(f'<td>{text}</td>' for text in texts)}</tr>"


def _row(group: Group) -> str:
    perhaps = "; ".join(f"{name}: {photos:,}" for name, photos in group.perhaps.most_common(3))
    cells = (group.name, group.scientific_name, group.rank, group.events, group.photos, len(group.stations), perhaps)
    return _tr(*cells, link=_anchor(group))


def _points(summary: Summary) -> list[dict[str, Any]]:
    """Return the map's points: one for each place, with all stations there."""
    places: dict[tuple[float, float], list[Station]] = {}
    for each in summary.stations.values():
        if each.latitude is not None and each.longitude is not None:
            places.setdefault((each.longitude, each.latitude), []).append(each)
    return [
        {
            "name": ", ".join(dict.fromkeys(each.name for each in here)),
            "value": [
                *place,
                sum(each.events for each in here),
                distinct(frozenset().union(*(each.taxa for each in here))),
            ],
        }
        for place, here in places.items()
    ]


def _station_row(key: str, each: Station) -> str:
    places = ("" if degrees is None else f"{degrees:g}" for degrees in (each.latitude, each.longitude))
    return _tr(key, each.name, *places, each.events, each.photos, distinct(each.taxa))


def _sheet(group: Group, folder: Path) -> str:
    """Return a contact sheet: the surest photos of a group, then its least sure ones."""
    latin = f" <i>{escape(group.scientific_name)}</i>" if group.scientific_name else ""
    head = f'<section id="{_anchor(group)}"><h3>{escape(group.name)}{latin}</h3>'
    surest = group.surest.photos()
    if not surest:
        return f"{head}<p>The photos are left out.</p></section>"
    least = [each for each in group.least.photos() if each not in surest]
    parts = [_figures("surest", surest, folder)] + ([_figures("least sure", least, folder)] if least else [])
    return f"{head}{''.join(parts)}</section>"


def _agreements(pairs: Sequence[Agreement]) -> str:
    """Return the section of how far reviewers agree; empty if no photo was reviewed by two."""
    rows = (
        _tr(
            *(f"{each.one}, {each.other}", f"{each.photos:,}", f"{each.alike / each.photos:.0%}"),
            "-" if each.kappa is None else f"{each.kappa:.2f}",
        )
        for each in pairs
    )
    return f"<h2>Agreement of reviewers</h2>\n{_table(AGREEMENT, rows)}" if pairs else ""


def _doubts(sentences: Sequence[str]) -> str:
    """Return the section of what is doubtful; empty if nothing is."""
    items = "".join(f"<li>{escape(each[0].upper() + each[1:])}.</li>" for each in sentences)
    return f"<h2>Check this first</h2>\n<ul>{items}</ul>" if items else ""


def _unanswered(photos: list[tuple[str, str]]) -> str:
    """Return the section of the photos without an answer; empty if there are none."""
    if not photos:
        return ""
    rows = starmap(_tr, photos[:MOST_FAULTS])
    more = len(photos) - MOST_FAULTS
    rest = f"<p>And {more:,} more, which `faunalens status` lists.</p>" if more > 0 else ""
    return f"<h2>Photos without an answer</h2>\n{_table(('photo', 'what is wrong'), rows)}{rest}"


def _figures(title: str, photos: list[tuple[str, float, float]], folder: Path) -> str:
    return f"<h4>{title}</h4><div class='sheet'>{''.join(_figure(folder, *photo) for photo in photos)}</div>"


def _figure(folder: Path, path: str, score: float, seconds: float) -> str:
    small = thumbnail(folder / path, SIDE, seconds, folder)
    text = f"{escape(path)} ({score:.2f})"
    image = (
        f'<img src="data:image/jpeg;base64,{b64encode(small).decode()}" alt="">'
        if small
        else "<p>the photo is not there any more</p>"
    )
    return f"<figure>{image}<figcaption>{text}</figcaption></figure>"


def _anchor(group: Group) -> str:
    return escape(f"{group.name} {group.scientific_name}".strip().lower()).replace(" ", "-")


def _json(value: Any) -> str:
    """Return JSON for a <script> element, escaped so that no text in it can end the element."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False).replace("<", "\\u003c")
