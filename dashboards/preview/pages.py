"""Make the responses of the preview. These are the paths:

(empty)            the overview: all dashboards and alarms
NAME               a dashboard
runbook            docs/how-to/runbook.md
data/…             the data of a page as JSON: overview, NAME?stage=&range=&until= or runbook
static/…           scripts and styles
"""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from threading import RLock
from typing import Any

from chalicelib.api.http import Response
from chalicelib.telemetry.metrics import NAMESPACE
from dashboards.figures import FileError, stage_shown
from dashboards.files import Files, Placeholders, map_strings, read_files
from dashboards.preview.alarms import Timeline, alarm_json, alarms_of, count_states, incidents_of, timelines_of, urgency
from dashboards.preview.metric_alarm import MINUTE
from dashboards.preview.recording import Incident, Recording, Span
from dashboards.preview.widgets import Scope, seconds_of, widgets_of
from dashboards.project import DASHBOARDS, ROOT, STAGE_VARIABLE, belongs_to_tier

STATIC = Path(__file__).parent / "static"
RUNBOOK = ROOT / "docs" / "how-to" / "runbook.md"
RANGES: Mapping[str, float] = {"15m": 900, "1h": 3600, "3h": 3 * 3600, "24h": 24 * 3600}
"""Seconds of each time range that the page offers, in addition to `all`."""
ORDER = ("service", "web", "features", "model", "batches", "cost")
LONGEST = 15 * 86400.0
_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
}
_SECURITY_HEADERS = {
    # ECharts tries to add an inline style sheet, which this forbids. Charts look the same without it.
    "Content-Security-Policy": "default-src 'self'; img-src 'self' data:; base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
}


class NoSuchPage(Exception):
    """The page, dashboard, time range or file does not exist. The message names valid ones."""


class Pages:
    """The pages of one recording. Thread-safe: a lock lets one thread at a time use the recording."""

    def __init__(self, recording: Recording, *, folder: Path = DASHBOARDS, runbook: Path = RUNBOOK) -> None:
        self._recording = recording
        self._folder = folder
        self._runbook = runbook
        self._lock = RLock()
        self._cached: tuple[object, dict[str, Timeline]] = (None, {})

    def respond(self, path: str, query: Mapping[str, str]) -> Response:
        """Return the response to a request. `path` is relative to the root of the preview."""
        try:
            if path.startswith("static/"):
                return _static_file(path.removeprefix("static/"))
            if path.startswith("data/"):
                return _json(200, self.data(path.removeprefix("data/"), query))
            return _response(200, _TYPES[".html"], self.page(path).encode())
        except NoSuchPage as error:
            return _json(404, {"detail": str(error)})
        except (FileError, ValueError, OSError) as error:
            return _json(500, {"detail": str(error)})

    def names(self) -> list[str]:
        """Return the names of the dashboards, the most important first; the web tier's only if it was recorded."""
        names = sorted(path.stem for path in self._folder.glob("*.json"))
        shown = [name for name in names if not belongs_to_tier(name) or self._has_tier()]
        return sorted(shown, key=lambda name: ORDER.index(name) if name in ORDER else len(ORDER))

    def page(self, name: str) -> str:
        """Return the HTML of a dashboard or the runbook, or of the overview if `name` is empty. Raises `NoSuchPage`."""
        names = self.names()
        if name not in {"", "runbook", *names}:
            raise NoSuchPage(f"there is no page with this name; open {', '.join(names)} or runbook")
        text = (STATIC / "page.html").read_text(encoding="utf-8")
        return text.replace("NAMES", " ".join(names)).replace("NAME", name)

    def data(self, name: str, query: Mapping[str, str]) -> dict[str, Any]:
        """Return the data of a page. Raises `NoSuchPage` for an unknown page or time range, and `FileError`."""
        if name == "runbook":
            if not self._runbook.exists():
                raise NoSuchPage(f"file {self._runbook.name} is missing; add it to docs/how-to")
            return {"markdown": self._runbook.read_text(encoding="utf-8")}
        with self._lock:
            lines = self._recording.read_new_lines()
            stages = self._stages()
            stage = query.get("stage") or next(iter(stages))
            placeholders = Placeholders(stage=stage, runbook="runbook", limits=stage_shown(stage, self._folder.parent))
            files = read_files(placeholders, self._folder, tier=None if self._has_tier() else False)
            if name != "overview" and name not in files.dashboards:
                raise NoSuchPage(f"there is no dashboard with this name; choose {', '.join(files.dashboards)}")
            board = files.dashboards.get(name, {})
            body = map_strings(board, lambda text: text.replace(STAGE_VARIABLE, stage))  # as CloudWatch does
            span, chosen = self._span(query, body)
            timelines = self._timelines(files, span, lines)
            common = {
                "stage": stage,
                "start": span.start * 1e3,
                "end": span.end * 1e3,
                "live": self._recording.live,
                "source": self._recording.description,
                "recorded": lines > 0,
                "incidents": _incidents_json(self._recording.incidents),
            }
            if name == "overview":
                return common | self._overview(files, timelines)
            scope = Scope(stage, span, self._recording.store, timelines, self._recording.span().start)
            counts = count_states(timelines, alarms_of(body, stage))
            head = {"name": name, "stages": stages, "range": chosen}
            return common | head | {"alarms": counts, "widgets": widgets_of(body, scope)}

    def _overview(self, files: Files, timelines: Mapping[str, Timeline]) -> dict[str, Any]:
        stage = files.stage
        return {
            "incidents": _incidents_json(self._recording.incidents or incidents_of(timelines)),
            "dashboards": [
                {"name": name, "purpose": _purpose(body), "alarms": count_states(timelines, alarms_of(body, stage))}
                for name, body in ((name, files.dashboards[name]) for name in self.names())
            ],
            "alarms": [alarm_json(each) for each in sorted(timelines.values(), key=urgency)],
        }

    def _has_tier(self) -> bool:
        with self._lock:
            self._recording.read_new_lines()
            metrics = self._recording.store.search()
        return any(name in ("tier", "LoadBalancer") for metric in metrics for name, _ in metric.dimensions)

    def _stages(self) -> list[str]:
        """Return the stages in the recording, or a default stage if the recording is empty."""
        ours = self._recording.store.search(lambda metric: metric.namespace == NAMESPACE)
        dimensions = [dict(metric.dimensions) for metric in ours]
        stages = {each["stage"] for each in dimensions if each.keys() == {"service", "stage"}}
        return sorted(stages) or ["local" if self._recording.live else "prod"]

    def _span(self, query: Mapping[str, str], body: Mapping[str, Any]) -> tuple[Span, str]:
        """Return the time range to show, and its name. The default is the whole recording.

        The default of a live dashboard is its own range, or a shorter range if the shorter one contains all data: a
        few minutes of data would be hard to see in a range of 3 hours. The default of a recording with an `opening` is
        the 3 hours before the opening.
        """
        recorded, chosen, until = self._recording.span(), query.get("range", ""), query.get("until", "")
        if self._recording.live:
            chosen = chosen or _first_range(body, recorded)
        elif self._recording.opening is not None and not chosen and not until:
            recorded = Span(recorded.start, self._recording.opening)
            chosen = "3h" if body else "all"
        if until:
            recorded = Span(recorded.start, min(_parse_time(until), recorded.end))
        chosen = chosen or "all"
        if chosen == "all":
            return Span(max(recorded.start, recorded.end - LONGEST) // 60 * 60, recorded.end), chosen
        if chosen not in RANGES:
            raise NoSuchPage(f"there is no time range '{chosen[:20]}'; choose {', '.join(RANGES)} or all")
        return Span(recorded.end - RANGES[chosen], recorded.end), chosen

    def _timelines(self, files: Files, span: Span, lines: int) -> dict[str, Timeline]:
        """Return the timelines of all alarms, from the cache if nothing has changed.

        Timelines begin a minute after the recording begins, because alarms would treat earlier times as missing data.
        If the recording is empty, all alarms have insufficient data.
        """
        key = (files.stage, span.start // 60, span.end // 60, lines, files.alarms, files.composites)
        if self._cached[0] != key:
            observed = Span(max(span.start, self._recording.span().start + MINUTE), span.end) if lines else Span(0, 0)
            self._cached = (key, timelines_of(files, self._recording.store, observed.start, observed.end))
        return self._cached[1]


def _incidents_json(incidents: Sequence[Incident]) -> list[dict[str, Any]]:
    return [{"at": each.at * 1e3, "title": each.title, "until": each.until * 1e3} for each in incidents]


def _first_range(body: Mapping[str, Any], recorded: Span) -> str:
    """Return the name of the range that a live dashboard shows first: its own, or a shorter one with all data."""
    own = seconds_of(body.get("start", "-PT3H"))
    if own not in RANGES.values():
        return "3h"
    return next(name for name, seconds in RANGES.items() if seconds >= min(own, recorded.end - recorded.start))


def _parse_time(text: str) -> float:
    """Parse a UTC time, such as 2026-06-01T12:30. Return seconds since 1970. Raises `NoSuchPage`."""
    try:
        return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()
    except ValueError:
        raise NoSuchPage(f"time '{text[:30]}' is invalid; expected UTC, such as 2026-06-01T12:30") from None


def _purpose(body: Mapping[str, Any]) -> str:
    """Return the purpose of a dashboard: the first paragraph of its first text widget."""
    text: str = next((each["properties"]["markdown"] for each in body["widgets"] if each["type"] == "text"), "")
    paragraphs = [part.strip() for part in text.split("\n\n") if part.strip() and not part.lstrip().startswith("#")]
    purpose = paragraphs[0].replace("**", "").removeprefix("For: ") if paragraphs else ""
    return purpose[:1].upper() + purpose[1:]


def _static_file(name: str) -> Response:
    allowed = {path.relative_to(STATIC).as_posix(): path for path in STATIC.rglob("*") if path.suffix in _TYPES}
    if name not in allowed:
        raise NoSuchPage("there is no static file with this name")
    return _response(200, _TYPES[allowed[name].suffix], allowed[name].read_bytes())


def _json(status: int, body: Mapping[str, Any]) -> Response:
    return _response(status, "application/json", json.dumps(body, separators=(",", ":"), ensure_ascii=False).encode())


def _response(status: int, media_type: str, body: bytes) -> Response:
    return Response(body, {"Content-Type": media_type, **_SECURITY_HEADERS}, status)
