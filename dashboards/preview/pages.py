"""Make the responses of the preview. These are the paths:

(empty)            the overview: all dashboards and alarms
NAME               a dashboard
runbook            docs/how-to/runbook.md
data/…             the data of a page as JSON: overview, NAME?range=&until= or runbook
static/…           scripts and styles
"""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from threading import RLock
from typing import Any

from chalicelib.api.http import Response
from chalicelib.telemetry.metrics import NAMESPACE
from dashboards.alarms import MINUTE, Timeline, timelines_of
from dashboards.figures import stage_shown
from dashboards.files import Placeholders, map_strings, read_files
from dashboards.preview.recording import Recording, Span
from dashboards.preview.widgets import Scope, alarm_json, alarms_of, count_states, urgency, widgets_of
from dashboards.project import DASHBOARDS, ROOT, RUNBOOK, STAGE_VARIABLE, belongs_to_tier

STATIC = Path(__file__).parent / "static"
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

    def __init__(self, recording: Recording, *, folder: Path = DASHBOARDS) -> None:
        self._recording = recording
        self._folder = folder
        self._lock = RLock()
        self._cached: tuple[object, dict[str, Timeline]] = (None, {})

    def respond(self, path: str, query: Mapping[str, str]) -> Response:
        """Return the response to a request. `path` is relative to the root of the preview."""
        place, _, name = path.partition("/")
        try:
            if place == "static":
                return _static_file(name)
            if place == "data":
                return _json(200, self.data(name, query))
            return _response(200, _TYPES[".html"], self.page(path).encode())
        except NoSuchPage as error:
            return _json(404, {"detail": str(error)})
        except (ValueError, OSError) as error:
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
            return {"markdown": (ROOT / RUNBOOK).read_text(encoding="utf-8")}
        with self._lock:
            recording, lines = self._recording, self._recording.read_new_lines()
            stage = self._stage()
            placeholders = Placeholders(stage=stage, runbook="runbook", limits=stage_shown(stage, self._folder.parent))
            files = read_files(placeholders, self._folder, tier=None if self._has_tier() else False)
            if name != "overview" and name not in files.dashboards:
                raise NoSuchPage(f"there is no dashboard with this name; choose {', '.join(files.dashboards)}")
            span, chosen = self._span(query, "all" if name == "overview" else "3h")
            # The cache is for all widgets and pages, until a line, a file or the time changes. Timelines begin a minute
            # after the recording, because alarms would treat earlier times as missing data. Without lines, all alarms
            # have insufficient data.
            key = (stage, span.start // 60, span.end // 60, lines, files.alarms, files.composites)
            if self._cached[0] != key:
                start, end = (max(span.start, recording.span().start + MINUTE), span.end) if lines else (0, 0)
                self._cached = (key, timelines_of(files, recording.store, start, end))
            timelines = self._cached[1]
            common = {
                "stage": stage,
                "start": span.start * 1e3,
                "end": span.end * 1e3,
                "live": recording.live,
                "source": recording.description,
                "recorded": lines > 0,
                "incidents": [
                    {"at": at * 1e3, "title": title, "until": until * 1e3} for at, title, until in recording.incidents
                ],
            }
            if name == "overview":
                boards = [(each, files.dashboards[each]) for each in self.names()]
                return common | {
                    "dashboards": [
                        {
                            "name": each,
                            "purpose": _purpose(body),
                            "alarms": count_states(timelines, alarms_of(body, stage)),
                        }
                        for each, body in boards
                    ],
                    "alarms": [alarm_json(each) for each in sorted(timelines.values(), key=urgency)],
                }
            # as CloudWatch does
            body = map_strings(files.dashboards[name], lambda text: text.replace(STAGE_VARIABLE, stage))
            scope = Scope(stage, span, recording.store, timelines, recording.span().start)
            head = {
                "name": name,
                "range": chosen,
                "alarms": count_states(timelines, alarms_of(body, stage)),
            }
            return common | head | {"widgets": widgets_of(body, scope)}

    def _has_tier(self) -> bool:
        with self._lock:
            self._recording.read_new_lines()
            metrics = self._recording.store.search()
        return any(name in ("tier", "LoadBalancer") for metric in metrics for name, _ in metric.dimensions)

    def _stage(self) -> str:
        """Return the stage of the recording, or a default stage if the recording is empty."""
        ours = self._recording.store.search(lambda metric: metric.namespace == NAMESPACE)
        default = "local" if self._recording.live else "prod"
        return next((value for metric in ours for name, value in metric.dimensions if name == "stage"), default)

    def _span(self, query: Mapping[str, str], usual: str) -> tuple[Span, str]:
        """Return the time range to show, and its name. The default is the whole recording.

        The default of a live recording is the shortest range with all data, up to 3 hours: a few minutes of data would
        be hard to see in a longer range. The default of a recording with an `opening` is the `usual` range before it.
        """
        recorded, chosen, until = self._recording.span(), query.get("range", ""), query.get("until", "")
        opening = None if chosen or until else self._recording.opening
        if self._recording.live and not chosen:
            length = min(recorded.end - recorded.start, RANGES["3h"])
            chosen = next(name for name, seconds in RANGES.items() if seconds >= length)
        chosen = chosen or ("all" if opening is None else usual)
        end = min(_parse_time(until), recorded.end) if until else opening or recorded.end
        if chosen == "all":
            return Span(max(recorded.start, end - LONGEST) // 60 * 60, end), chosen
        if chosen not in RANGES:
            raise NoSuchPage(f"there is no time range '{chosen[:20]}'; choose {', '.join(RANGES)} or all")
        return Span(end - RANGES[chosen], end), chosen


def _parse_time(text: str) -> float:
    """Parse a UTC time, such as 2026-06-01T12:30. Return seconds since 1970. Raises `NoSuchPage`."""
    try:
        return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()
    except ValueError:
        raise NoSuchPage(f"time '{text[:30]}' is invalid; expected UTC, such as 2026-06-01T12:30") from None


def _purpose(body: Mapping[str, Any]) -> str:
    """Return the purpose of a dashboard: the first paragraph of its first text widget."""
    text: str = next((each["properties"]["markdown"] for each in body["widgets"] if each["type"] == "text"), "")
    paragraphs = (part.strip() for part in text.split("\n\n") if part.strip() and not part.lstrip().startswith("#"))
    purpose = next(paragraphs, "").replace("**", "").removeprefix("For: ")
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
