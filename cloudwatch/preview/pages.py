"""The pages and their data: what is answered to a path, wherever it is served.

(nothing)          the dashboards with how their alarms stand
NAME               a dashboard
runbook            docs/how-to/runbook.md
data/…             what these draw, as JSON: overview, NAME?stage=&range=, runbook
static/…           scripts and styles
"""

import datetime
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any

from cloudwatch.errors import FileError
from cloudwatch.files import Files, Placeholders, read_files
from cloudwatch.limits import stage_shown
from cloudwatch.preview.alarm_widget import Course, alarms_of, by_trouble, counted, courses_of
from cloudwatch.preview.alarms import MINUTE
from cloudwatch.preview.recording import Recording, Span
from cloudwatch.preview.widgets import View, automatic, seconds_of, widgets_of
from cloudwatch.project import DASHBOARDS, ROOT, STAGE_VARIABLE

STATIC = Path(__file__).parent / "static"
RUNBOOK = ROOT / "docs" / "how-to" / "runbook.md"
RANGES: Mapping[str, float] = {"15m": 900, "1h": 3600, "3h": 3 * 3600, "24h": 24 * 3600}
"""Time ranges that can be chosen, in seconds; besides `all`."""
ORDER = ("service", "features", "model", "cost")
LONGEST = 15 * 86400.0
_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
}
_JSON = "application/json"
_SAFE = {
    # ECharts measures and styles by script only; the one inline style sheet it could want is not needed.
    "Content-Security-Policy": "default-src 'self'; img-src 'self' data:; base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
}


@dataclass(frozen=True, slots=True)
class Reply:
    """What is answered."""

    status: int
    media_type: str
    body: bytes

    @property
    def headers(self) -> dict[str, str]:
        """All but its length."""
        return {"Content-Type": self.media_type, **_SAFE}


class Pages:
    """Answers for one recording. Safe for threads; what is read and computed is so one at a time."""

    def __init__(self, recording: Recording, *, folder: Path = DASHBOARDS, runbook: Path = RUNBOOK) -> None:
        self._recording = recording
        self._folder = folder
        self._runbook = runbook
        self._lock = Lock()
        self._known: tuple[object, dict[str, Course]] = (None, {})

    def answer(self, path: str, query: Mapping[str, str]) -> Reply:
        """The reply to a path below it."""
        try:
            if path.startswith("static/"):
                return _static(path.removeprefix("static/"))
            if path.startswith("data/"):
                return _json(200, self.data(path.removeprefix("data/"), query))
            return Reply(200, _TYPES[".html"], self.page(path).encode())
        except LookupError as error:
            return _json(404, {"detail": str(error.args[0])})
        except (FileError, ValueError, OSError) as error:
            return _json(500, {"detail": str(error)})

    def names(self) -> list[str]:
        """Names of the dashboards, what is looked at first in front."""
        names = sorted(path.stem for path in self._folder.glob("*.json"))
        return sorted(names, key=lambda name: ORDER.index(name) if name in ORDER else len(ORDER))

    def page(self, name: str) -> str:
        """The page of a dashboard, of the runbook or, without a name, of all. Raises LookupError."""
        names = self.names()
        if name not in {"", "runbook", *names}:
            raise LookupError(f"there is no page '{name[:40]}'; there are {', '.join(names)} and runbook")
        text = (STATIC / "page.html").read_text(encoding="utf-8")
        return text.replace("NAMES", " ".join(names)).replace("NAME", name)

    def data(self, name: str, query: Mapping[str, str], suffix: str = "") -> dict[str, Any]:
        """What a page draws; `suffix`: what addresses of other pages end with. Raises LookupError, `FileError`…"""
        if name == "runbook":
            if not self._runbook.exists():
                raise LookupError(f"there is no {self._runbook.name}")
            return {"markdown": self._runbook.read_text(encoding="utf-8")}
        with self._lock:
            lines = self._recording.read_on()
            stages = self._stages()
            stage = query.get("stage") or next(iter(stages))
            limits = stage_shown(stage, self._folder.parent)
            files = read_files(Placeholders(stage=stage, runbook=f"runbook{suffix}", limits=limits), self._folder)
            if name == "overview":
                return self._overview(files, lines)
            if name not in files.dashboards:
                raise LookupError(f"there is no dashboard '{name[:40]}'; there are {', '.join(files.dashboards)}")
            body = _with_stage(files.dashboards[name], stage)
            span, chosen = self._span(query, body)
            courses = self._courses(files, span, lines)
            oldest = self._recording.span().start
            view = View(stage, span, self._recording.store, files, courses, oldest, suffix)
            return {
                "name": name,
                "stage": stage,
                "stages": stages,
                "range": chosen,
                "start": span.start * 1e3,
                "end": span.end * 1e3,
                "period": _period(body, span),
                "live": self._recording.live,
                "source": self._recording.told,
                "alarms": counted(courses, alarms_of(body, stage)),
                "widgets": widgets_of(body, view),
            }

    def _overview(self, files: Files, lines: int) -> dict[str, Any]:
        span, chosen = self._span({}, {})
        courses = self._courses(files, span, lines)
        return {
            "stage": files.stage,
            "range": "the last 3 hours" if chosen == "3h" else "the whole recording",
            "start": span.start * 1e3,
            "end": span.end * 1e3,
            "live": self._recording.live,
            "source": self._recording.told,
            "dashboards": [
                {"name": name, "purpose": _purpose(body), "alarms": counted(courses, alarms_of(body, files.stage))}
                for name, body in ((name, files.dashboards[name]) for name in self.names())
            ],
            "alarms": [course.told() for course in sorted(courses.values(), key=by_trouble)],
        }

    def _stages(self) -> list[str]:
        """Stages that lines were recorded of; those of the dashboards if there are no lines yet."""
        found = self._recording.store.search("Faunalens", ("service", "stage"))
        stages = {dict(metric.dimensions)["stage"] for metric, _ in found}
        return sorted(stages) or ["local" if self._recording.live else "prod"]

    def _span(self, query: Mapping[str, str], body: Mapping[str, Any]) -> tuple[Span, str]:
        """The time to show, and the choice that it is: what was asked for, else all that was recorded.

        While time goes on, a dashboard starts with the range that its file says, or a shorter one that has all there
        is yet: the first minutes of three hours are a line at the edge.
        """
        whole, chosen = self._recording.span(), query.get("range", "")
        if query.get("until"):
            whole = Span(whole.start, min(_moment(query["until"]), whole.end))
        if not chosen:
            chosen = _first_range(body, whole) if self._recording.live else "all"
        if chosen == "all":
            return Span(max(whole.start, whole.end - LONGEST) // 60 * 60, whole.end), chosen
        if chosen not in RANGES:
            raise LookupError(f"there is no time range '{chosen[:20]}'; choose {', '.join(RANGES)} or all")
        return Span(whole.end - RANGES[chosen], whole.end), chosen

    def _courses(self, files: Files, span: Span, lines: int) -> dict[str, Course]:
        """The courses of all alarms; those of the last call if nothing has changed.

        They begin a minute after the recording: before, alarms would take for missing what nobody recorded.
        """
        key = (files.stage, span.start // 60, span.end // 60, lines, files.alarms, files.composites)
        if self._known[0] != key:
            observed = Span(max(span.start, self._recording.span().start + MINUTE), span.end)
            self._known = (key, courses_of(files, self._recording.store, observed))
        return self._known[1]


def _first_range(body: Mapping[str, Any], whole: Span) -> str:
    """The range that a dashboard starts with while time goes on."""
    own = seconds_of(body.get("start", "-PT3H"))
    if own not in RANGES.values():
        return "3h"
    return next(name for name, seconds in RANGES.items() if seconds >= min(own, whole.end - whole.start))


def _moment(text: str) -> float:
    """Seconds since 1970 of a time such as 2026-06-01T12:30, in UTC. Raises LookupError."""
    try:
        return datetime.datetime.fromisoformat(text).replace(tzinfo=datetime.UTC).timestamp()
    except ValueError:
        raise LookupError(f"there is no time '{text[:30]}'; expected one such as 2026-06-01T12:30, in UTC") from None


def _with_stage(body: Mapping[str, Any], stage: str) -> dict[str, Any]:
    """The dashboard as CloudWatch shows it once the stage is chosen."""
    filled: dict[str, Any] = json.loads(json.dumps(body).replace(STAGE_VARIABLE, stage))
    return filled


def _period(body: Mapping[str, Any], span: Span) -> int:
    """The shortest period of its graphs."""
    if body.get("periodOverride") != "inherit":
        return automatic(span.end - span.start)
    periods = [widget["properties"].get("period", 300) for widget in body["widgets"] if widget["type"] == "metric"]
    return min(periods, default=300)


def _purpose(body: Mapping[str, Any]) -> str:
    """What the first text of a dashboard says that it is for."""
    text: str = next((each["properties"]["markdown"] for each in body["widgets"] if each["type"] == "text"), "")
    paragraphs = [part.strip() for part in text.split("\n\n") if part.strip() and not part.lstrip().startswith("#")]
    purpose = paragraphs[0].replace("**", "").removeprefix("For: ") if paragraphs else ""
    return purpose[:1].upper() + purpose[1:]


def _static(name: str) -> Reply:
    allowed = {path.relative_to(STATIC).as_posix(): path for path in STATIC.rglob("*") if path.suffix in _TYPES}
    if name not in allowed:
        raise LookupError(f"there is no file '{name[:60]}'")
    return Reply(200, _TYPES[allowed[name].suffix], allowed[name].read_bytes())


def _json(status: int, body: Mapping[str, Any]) -> Reply:
    return Reply(status, _JSON, json.dumps(body, separators=(",", ":"), ensure_ascii=False).encode())
