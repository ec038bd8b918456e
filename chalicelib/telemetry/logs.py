"""Structured logs: one line each, in JSON, with the names that lines of metrics have, so that one query finds both.

Only the fields named here are written, whatever a log record carries: never a coordinate, never who asked.
"""

import json
import logging
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TextIO

from chalicelib.errors import InternalError
from chalicelib.redaction import trace_of

if TYPE_CHECKING:
    from types import TracebackType

    from chalicelib.telemetry.record import Record, WarmingRecord

FIELDS = ("request_id", "route", "cell", "status", "code", "error", "codes", "details")
"""What a line may hold besides its level, time, logger, message, function and stage.

Lines of metrics call `faults` what is `codes` here, so that a query which counts them counts no request twice.
"""


def configure(log: logging.Logger, form: str, context: Mapping[str, str], stream: TextIO | None = None) -> None:
    """Let a logger write to a stream (standard error if not given), and nowhere else.

    `form`: `json` or `text`. `context`: what each line says of the process, such as its stage. On Lambda the root
    logger has a handler of its own, which would write each line once more.
    """
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonLines(context) if form == "json" else TextLines())
    log.handlers[:] = [handler]
    log.propagate = False
    logging.getLogger("PIL").setLevel(logging.INFO)  # at DEBUG it tells all EXIF, whatever level others have


def log_request(log: logging.Logger, record: "Record") -> None:
    """Say what was wrong with a request, if anything was: rejections, what could not be done, faults met."""
    told: dict[str, Any] = {"request_id": record.request_id, "route": record.route, "cell": record.cell}
    features, failure = record.features, record.failure
    if features is not None and features.faults:
        said = {"codes": list(features.faults), "details": list(features.trace.details)}
        log.warning("the way to the features met faults", extra=told | said)
    if failure is None:
        return
    told |= {"status": failure.status, "code": failure.code, "error": failure.cause}
    if failure.code == InternalError.code:
        log.error("the request failed", extra=told | {"trace": failure.trace})
    elif failure.status >= 500:
        said = {"details": [failure.summary]} if failure.summary is not None else {}
        # A model does not mend itself, as what else is not there for now does.
        log.log(
            logging.ERROR if failure.is_lasting else logging.WARNING,
            "the request could not be answered",
            extra=told | said,
        )
    else:
        log.info("the request was turned down", extra=told)


def log_warming(log: logging.Logger, record: "WarmingRecord") -> None:
    """Say what a run of warming met, if anything."""
    report = record.report
    if report.faults:
        extra = {"request_id": record.request_id, "codes": report.faults, "details": report.details}
        log.warning("warming met faults", extra=extra)


class _Lines(logging.Formatter):
    """Stack traces without what an error may quote."""

    def formatException(  # noqa: N802  its name
        self,
        ei: "tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]",
    ) -> str:
        return trace_of(super().formatException(ei))

    def trace(self, record: logging.LogRecord) -> str | None:
        """The stack trace of a log record: of an exception that was caught just now, or text that a request kept."""
        return self.formatException(record.exc_info) if record.exc_info else getattr(record, "trace", None)


class JsonLines(_Lines):
    """One JSON object a line; a stack trace is its field `trace`."""

    def __init__(self, context: Mapping[str, str]) -> None:
        super().__init__()
        self._context = context

    def format(self, record: logging.LogRecord) -> str:
        """The line of a log record."""
        line: dict[str, Any] = {
            "level": record.levelname,
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "logger": record.name,
            "message": record.getMessage(),
            **self._context,
            **fields_of(record),
        }
        if trace := self.trace(record):
            line["trace"] = trace
        return json.dumps(line, separators=(",", ":"), default=str)


class TextLines(_Lines):
    """For a terminal: level, message, and what else is known; a stack trace below it.

    Words from elsewhere could clear the screen or look like a line of ours: what cannot be printed is written out.
    """

    def format(self, record: logging.LogRecord) -> str:
        """The line of a log record, and more below it if there is a stack trace."""
        known = (f"{name}={value}" for name, value in fields_of(record).items())
        lines = [" ".join([f"{record.levelname:<7}", record.getMessage(), *known])]
        if trace := self.trace(record):
            lines += trace.split("\n")
        return "\n".join(map(_printable, lines))


def fields_of(record: logging.LogRecord) -> dict[str, Any]:
    """The fields that a log record carries and that have a value."""
    values = record.__dict__
    return {name: values[name] for name in FIELDS if values.get(name) not in (None, [])}


def _printable(text: str) -> str:
    return "".join(each if each.isprintable() else repr(each)[1:-1] for each in text)
