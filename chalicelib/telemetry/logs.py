"""Structured logs: one JSON object per line. Its fields have the same names as in metrics, so one query finds both.

A line contains only the fields in `FIELDS`, so it never contains coordinates or client addresses.
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

    from chalicelib.features.warming import WarmingReport
    from chalicelib.telemetry.record import Record

FIELDS = ("request_id", "route", "cell", "status", "code", "error", "codes", "details")
"""The fields of a line, in addition to level, time, logger, message, function and stage: texts and whole numbers.

Fault codes are in `codes` here but in `faults` in lines of metrics, so that a query does not count a fault twice.
"""


def configure(log: logging.Logger, form: str, context: Mapping[str, str], stream: TextIO | None = None) -> None:
    """Make a logger write to one stream only, standard error by default.

    `form`: `json` or `text`. `context`: fields of every line, such as the stage. Propagation is off because Lambda's
    root logger has a handler that would write each line again.
    """
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonLines(context) if form == "json" else TextLines())
    log.handlers[:] = [handler]
    log.propagate = False
    logging.getLogger("PIL").setLevel(logging.INFO)  # at DEBUG, Pillow logs all EXIF tags


def log_request(log: logging.Logger, record: "Record") -> None:
    """Log any faults of a request's feature lookup, and the error if the request itself failed."""
    noted, failure = record.notes.properties, record.failure
    fields: dict[str, Any] = {"request_id": record.request_id, "route": record.route, "cell": noted.get("cell")}
    if codes := noted.get("faults"):
        extra = {**fields, "codes": codes, "details": record.notes.details}
        log.warning("feature lookup hit dependency faults", extra=extra)
    if failure is None:
        return
    fields |= {"status": failure.status, "code": failure.code, "error": failure.cause}
    if failure.code == InternalError.code:
        log.error("request failed: internal error", extra=fields | {"trace": failure.trace})
    elif failure.status >= 500:
        fields |= {"details": [failure.summary]} if failure.summary is not None else {}
        # A broken model stays broken; all other causes are temporary.
        level = logging.ERROR if failure.is_lasting else logging.WARNING
        log.log(level, "request failed: service unavailable", extra=fields)
    else:
        log.info("request rejected", extra=fields)


def log_warming(log: logging.Logger, request_id: str, report: "WarmingReport") -> None:
    """Log the faults of a warming run, if there were any."""
    if report.faults:
        extra = {"request_id": request_id, "codes": report.faults, "details": report.details}
        log.warning("cache warming hit dependency faults", extra=extra)


class _Redacted(logging.Formatter):
    """A formatter that redacts stack traces, because error messages may quote values."""

    def formatException(  # noqa: N802  the name in logging
        self, ei: "tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]"
    ) -> str:
        return trace_of(super().formatException(ei))

    def trace(self, record: logging.LogRecord) -> str | None:
        """Return the stack trace of the current exception, or the text in the attribute `trace`."""
        return self.formatException(record.exc_info) if record.exc_info else getattr(record, "trace", None)


class JsonLines(_Redacted):
    """A formatter that writes each record as one JSON object, with the stack trace in the field `trace`."""

    def __init__(self, context: Mapping[str, str]) -> None:
        super().__init__()
        self._context = context

    def format(self, record: logging.LogRecord) -> str:
        """Return the JSON line for a log record."""
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
        return json.dumps(line, separators=(",", ":"), default=str, allow_nan=False)


class TextLines(_Redacted):
    """A formatter for terminals: one line with level, message and fields, then the lines of the stack trace.

    Unprintable characters are escaped. Otherwise text from a client could clear the screen or forge a log line.
    """

    def format(self, record: logging.LogRecord) -> str:
        """Return the text line for a log record, followed by its stack trace."""
        fields = (f"{name}={value}" for name, value in fields_of(record).items())
        lines = [" ".join([f"{record.levelname:<7}", record.getMessage(), *fields])]
        if trace := self.trace(record):
            lines += trace.split("\n")
        return "\n".join(map(_escape, lines))


def fields_of(record: logging.LogRecord) -> dict[str, Any]:
    """Return the `FIELDS` of a log record that have a value."""
    values = record.__dict__
    return {name: values[name] for name in FIELDS if values.get(name) not in (None, [])}


def _escape(text: str) -> str:
    return "".join(each if each.isprintable() else repr(each)[1:-1] for each in text)
