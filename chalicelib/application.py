"""The application that every HTTP transport serves. It converts all errors to responses."""

import logging
from collections.abc import Callable
from functools import cached_property
from threading import Lock
from time import monotonic
from typing import TYPE_CHECKING

from chalicelib import errors
from chalicelib.api import parameters
from chalicelib.api.http import KEY_HEADER, Request, Response, Route, policy_headers, problem_response
from chalicelib.api.page import page_key
from chalicelib.config.settings import Settings
from chalicelib.identify import prepare
from chalicelib.lazy import Lazy
from chalicelib.services import Services
from chalicelib.telemetry import emf, logs
from chalicelib.telemetry.emf import Emitter
from chalicelib.telemetry.record import ColdStart, Failure, Notes, Record, of_damaged_value

if TYPE_CHECKING:
    from chalicelib.api.uploads import Uploads


class Application:
    """The application. Thread-safe. The first call of `services` loads the model and the heavy libraries.

    `candidate`: settings of a version in shadow. `busy`: the lock that a thread holds while it compares answers with
    those of that version. `change`: called with the new services; returns them, for example with another project's
    models.
    """

    def __init__(
        self,
        settings: Settings,
        log: logging.Logger,
        cold_start: ColdStart,
        candidate: Settings | None = None,
        change: Callable[[Services], Services] = lambda services: services,
    ) -> None:
        self.settings, self.log, self.cold_start = settings, log, cold_start
        self._candidate, self._change, self.busy = candidate, change, Lock()
        self.emitter = Emitter(settings.telemetry.service, settings.deployment.stage, settings.telemetry.metrics_file)
        self._services = Lazy(lambda: cold_start.measure(self._build))

    def services(self) -> Services:
        """Return the services; the first call builds them. Raises `ModelError`, and the next call tries again."""
        return self._services.get()

    def _build(self) -> Services:
        services = self._change(Services.build(self.settings)).with_shadow(self._candidate, self.emit, self.busy)
        prepare(services, _prepare_answers)
        return services

    @cached_property
    def uploads(self) -> "Uploads":
        """Return the bucket for photos that are too large for a request, without connecting to it."""
        from chalicelib.api.uploads import Uploads

        return Uploads(self.settings)

    def respond(self, route: Route, request: Request) -> Response:
        """Return the response to a request, after logging and counting the request. Never raises.

        An error becomes problem details. Responses of keyed routes name the limits in front of the API.
        """
        response = self._answer(route, request)
        if not (route.keyed and self.settings.deployment.rate_limits):
            return response
        of_page = request.headers.get(KEY_HEADER) == page_key(self.settings.deployment.stage, request.api_id)
        limits = policy_headers(self.settings.deployment.rate_limits, route.path, of_page=of_page)
        return response._replace(headers={**response.headers, **limits})

    def _answer(self, route: Route, request: Request) -> Response:
        waited = 0.0 if request.arrived is None else monotonic() - request.arrived
        record = Record(request.id, route.path, waited)
        try:
            parameters.expect_no_nul(request)
            return route.handler(self, request, record)
        except errors.HTTPError as error:
            return _problem(error, record)
        except errors.ModelError as error:
            absent = errors.Unavailable("the model is unavailable; try again later", retry_after=30)
            return _problem(absent, record, cause=error)
        except Exception as error:  # noqa: BLE001  a bug; the log gets its stack trace
            failed = errors.InternalError("the error was logged; quote the request_id when you report it")
            return _problem(failed, record, cause=error)
        finally:
            if route.counted:
                record.initialisation = self.cold_start.pop_seconds()
                self.emit(record.summary())
            logs.log_request(self.log, record)

    def emit(self, notes: Notes) -> None:
        """Emit metrics. An error is logged, and does not fail the request."""
        try:
            self.emitter.emit(notes)
        except Exception as error:
            extra = {"request_id": notes.properties.get("request_id"), "error": type(error).__name__}
            self.log.exception("metrics were not written", extra=extra)

    def count_damaged_value(self) -> None:
        """Add one to the metric of damaged values: Redis returned a value about a taxon that cannot be decoded."""
        self.emit(of_damaged_value())


def _prepare_answers() -> None:
    """Import the modules that the first response needs after its photo is identified."""
    import chalicelib.api.answers  # noqa: F401

    emf.library()


def _problem(error: errors.HTTPError, record: Record, cause: Exception | None = None) -> Response:
    record.failure = Failure.of(error, cause)
    errors.without_frames(cause or error)
    return problem_response(error, record.request_id)
