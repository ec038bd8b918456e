"""The report as one HTML page that needs no network: text, tables, charts by Apache ECharts, and small photos."""

import json
from datetime import UTC, datetime
from html import escape
from pathlib import Path
from string import Template
from typing import Any

from chalicelib.application import VERSION
from cli.report.summary import Group, Summary
from cli.report.thumbnails import as_data_uri, thumbnail

HERE = Path(__file__).parent
MOST_BARS = 30
"""Taxa in the bar chart; the table has all."""


def page(summary: Summary, title: str, folder: Path) -> str:
    """Return the page. `folder`: the study's, with the photos."""
    groups = sorted(summary.groups.values(), key=lambda group: (group.kind != "animal", -group.events, group.name))
    animals = [group for group in groups if group.kind == "animal"]
    return Template((HERE / "report.html").read_text(encoding="utf-8")).substitute(
        title=escape(title),
        facts=escape(
            f"{summary.photos:,} photos in {summary.events:,} events of {len(summary.stations):,} deployments; "
            f"{len(animals):,} taxa; {summary.reviewed:,} photos reviewed by people. "
            f"Made by faunalens {VERSION} on {datetime.now(UTC):%Y-%m-%d}."
        ),
        style=(HERE / "report.css").read_text(encoding="utf-8"),
        taxa="\n".join(map(_row, groups)),
        stations="\n".join(_station_rows(summary)),
        sheets="\n".join(_sheet(group, folder) for group in groups),
        charts=_json(charts(summary, animals)),
        echarts=(HERE / "echarts.min.js").read_text(encoding="utf-8").replace("</script", "<\\/script"),
        script=(HERE / "report.js").read_text(encoding="utf-8"),
    )


def charts(summary: Summary, animals: list[Group]) -> dict[str, Any]:
    """Return the options of each chart, as ECharts has them."""
    bars = animals[:MOST_BARS][::-1]
    tooltip = {"trigger": "axis"}
    points = [
        {"name": key, "value": [each.longitude, each.latitude, each.events, len(each.taxa)]}
        for key, each in summary.stations.items()
        if each.latitude is not None
    ]
    days = summary.accumulation()
    return {
        "counts": {
            "tooltip": tooltip,
            "grid": {"left": 8, "right": 24, "top": 8, "bottom": 8, "containLabel": True},
            "xAxis": {"type": "value", "name": "events"},
            "yAxis": {"type": "category", "data": [group.name for group in bars]},
            "series": [{"type": "bar", "name": "events", "data": [group.events for group in bars]}],
        },
        "hours": {
            "tooltip": tooltip,
            "legend": {"type": "scroll"},
            "xAxis": {"type": "category", "data": [f"{hour:02}" for hour in range(24)], "name": "hour"},
            "yAxis": {"type": "value", "name": "events", "minInterval": 1},
            "series": [
                {"type": "bar", "stack": "all", "name": group.name, "data": group.hours}
                for group in animals[:MOST_BARS]
            ],
        },
        "stations": {
            "tooltip": {"trigger": "item"},
            "xAxis": {"type": "value", "name": "longitude", "scale": True},
            "yAxis": {"type": "value", "name": "latitude", "scale": True},
            "series": [{"type": "scatter", "data": points}],
        },
        "accumulation": {
            "tooltip": tooltip,
            "xAxis": {"type": "time"},
            "yAxis": {"type": "value", "name": "taxa", "minInterval": 1},
            "series": [{"type": "line", "step": "end", "name": "taxa", "data": days}],
        },
    }


def _row(group: Group) -> str:
    cells = (group.name, group.scientific_name, group.rank, group.events, group.photos, len(group.stations))
    link = f'<a href="#{_anchor(group)}">{escape(group.name)}</a>'
    rest = "".join(f"<td>{escape(str(cell))}</td>" for cell in cells[1:])
    return f"<tr><td>{link}</td>{rest}</tr>"


def _station_rows(summary: Summary) -> list[str]:
    return [
        f"<tr><td>{escape(key)}</td><td>{_degrees(each.latitude)}</td><td>{_degrees(each.longitude)}</td>"
        f"<td>{each.events}</td><td>{each.photos}</td><td>{len(each.taxa)}</td></tr>"
        for key, each in summary.stations.items()
    ]


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


def _figures(title: str, photos: list[tuple[str, float]], folder: Path) -> str:
    return f"<h4>{title}</h4><div class='sheet'>{''.join(_figure(path, score, folder) for path, score in photos)}</div>"


def _figure(path: str, score: float, folder: Path) -> str:
    small = thumbnail(folder / path)
    text = f"{escape(path)} ({score:.2f})"
    image = f'<img src="{as_data_uri(small)}" alt="">' if small else "<p>the photo is not there any more</p>"
    return f"<figure>{image}<figcaption>{text}</figcaption></figure>"


def _anchor(group: Group) -> str:
    return (group.scientific_name or group.kind).lower().replace(" ", "-")


def _degrees(value: float | None) -> str:
    return "" if value is None else f"{value:g}"


def _json(value: Any) -> str:
    """Return JSON that cannot end the element that it stands in."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False).replace("<", "\\u003c")
