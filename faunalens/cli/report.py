"""`faunalens report`: a page about a study, with charts by Apache ECharts. It needs no network."""

from base64 import b64encode
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from chalicelib.config import VERSION
from faunalens.cli import options
from faunalens.cli.options import option
from faunalens.exports.files import own_files, whole
from faunalens.study.photos import thumbnail
from faunalens.study.results import ResultsFile
from faunalens.study.reviews import Agreement, agreement
from faunalens.tables.summary import Group, Station, Summary, summary_of
from faunalens.taxa.taxa import distinct
from faunalens.terminal import say, waiting
from faunalens.words import count, filled

PAGES = Path(__file__).parents[1] / "pages"
SIDE = 240
"""Longest side of a shown photo in pixels."""
MOST_BARS = 30
"""Largest number of taxa in the bar chart; the table has all."""
MOST_FAULTS = 500
"""Largest number of photos without an answer that are listed; `faunalens status` lists all."""


@options.command(short_help="Write one HTML page about the answers.")
def report(
    results: Path = options.RESULTS,
    html: Path | None = option("Where to write the page. By default beside RESULTS.", options.FILE),
    hide_people: bool = option(
        "Leave out photos of people; if `identify` ran with --boxes, also those of people beside animals."
    ),
    force: bool = options.FORCE,
    reading: options.StudyOptions = options.READING,
) -> None:
    """Write one HTML page about the answers in RESULTS: taxa, activity by hour of the sun, a map, number of taxa
    by effort, and the surest and the least sure photos of each taxon.

    The page holds everything it shows, and needs no network.
    """
    target = html or results.with_suffix(".html")
    with ResultsFile(results, write=False) as kept, own_files(results, kept, target, force=force):
        study, about = reading.open(kept, options.PUBLIC)
        with waiting("reading the answers"):
            summary = summary_of(study, hide_people=hide_people)
            text = page(summary, about.title, Path(study.folder), agreement(kept).pairs)
        with whole(target) as partial:
            partial.write_text(text, encoding="utf-8")
    say(str(target))


def page(summary: Summary, title: str, folder: Path, agreements: Sequence[Agreement] = ()) -> str:
    """Return the report as HTML. `folder`: the study's, with the photos. `agreements`: how far reviewers agree."""
    groups = sorted(
        summary.groups.values(), key=lambda group: (group.kind != "animal", group.is_wide, -group.events, group.name)
    )

    def picture(path: str, seconds: float) -> str:
        return b64encode(thumbnail(folder / path, SIDE, seconds, folder) or b"").decode()

    files = {"style": "report.css", "script": "report.js", "polyline": "polyline.js", "coasts": "coasts.json"}
    return filled(
        PAGES / "report.html",
        **{name: (PAGES / file).read_text(encoding="utf-8") for name, file in files.items()},
        echarts=(PAGES / "echarts.min.js").read_text(encoding="utf-8").replace("</script", "<\\/script"),
        charts=chart_data(summary, [group for group in groups if group.kind == "animal"]),
        found=summary,
        title=title,
        groups=groups,
        agreements=agreements,
        most_faults=MOST_FAULTS,
        count=count,
        distinct=distinct,
        picture=picture,
        version=VERSION,
        today=f"{datetime.now(UTC):%Y-%m-%d}",
    )


def chart_data(summary: Summary, animals: Sequence[Group]) -> dict[str, Any]:
    """Return what the charts show; pages/report.js draws them. All taxa wider than a family are one bar, the last."""
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


def _points(summary: Summary) -> list[dict[str, Any]]:
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
