"""The application that every HTTP transport serves. It defines the routes and converts all errors to responses."""

import logging
from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path
from threading import Lock
from time import monotonic
from typing import TYPE_CHECKING

from chalicelib import errors
from chalicelib.api import page, parameters
from chalicelib.api.http import (
    JSON_HEADERS,
    KEY_HEADER,
    Request,
    Response,
    Route,
    json_of,
    json_response,
    policy_headers,
    problem_response,
    unless_current,
)
from chalicelib.api.page import language_of, page_key, remembering
from chalicelib.api.parameters import IdentifyParams, read_body
from chalicelib.config import VERSION
from chalicelib.config.settings import Settings
from chalicelib.identify import animals_at, classes_of, identify, prepare
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


def post_identify(app: Application, request: Request, record: Record) -> Response:
    """Identify the animal in the photos in the body."""
    body = read_body(request.body, request.headers.get("content-type", ""))
    return _identified(app, body.photos, parameters.read_identify_params(request.query, body.fields), record)


def post_upload(app: Application, request: Request, record: Record) -> Response:
    """Create a form with which the client can upload a large photo to the bucket."""
    from chalicelib.api.responses import Upload

    parameters.expect_no_parameters(request.query)
    form = app.uploads.form()
    upload = Upload(
        id=form.id,
        url=form.url,
        fields=form.fields,
        identify_url=f"{request.base}uploads/{form.id}/identify",
        max_bytes=app.settings.photo.max_bytes,
        expires_in=app.settings.s3.upload_seconds,
        request_id=record.request_id,
    )
    return json_response(upload, 201)


def post_upload_identify(app: Application, request: Request, record: Record) -> Response:
    """Identify the animal in an uploaded photo, or in several."""
    params = parameters.read_identify_params(request.query, known=parameters.IDENTIFY_UPLOAD)
    with record.step("fetch"):
        photos = [app.uploads.fetch(upload) for upload in (request.path["id"], *params.also)]
    return _identified(app, photos, params, record)


def get_animals(app: Application, request: Request, record: Record) -> Response:
    """List the animals that live at a location."""
    from chalicelib.api.answers import residents_of

    services = app.services()
    cell, features = animals_at(parameters.read_location(request.query), services, record)
    return json_response(residents_of(cell, features, services.recogniser.models.everything(), record.request_id))


def get_taxa(app: Application, request: Request, _: Record) -> Response:
    """Search for taxa by name, list the taxa of a group, or list all groups."""
    from chalicelib.api.taxa import groups_of, kept, list_of

    text, group = parameters.read_taxa(request.query)
    taxa = app.services().stores.taxa(app.count_damaged_value)
    if text is not None:
        body = list_of(taxa.search(text, group))
    else:
        body = groups_of(taxa.groups()) if group is None else list_of(taxa.in_group(group))
    return kept(request, json_of(body))


def get_taxon(app: Application, request: Request, _: Record) -> Response:
    """Return the names, lineage, ids, links and ranges of a taxon."""
    from chalicelib.api.taxa import facts_of, kept

    parameters.expect_no_parameters(request.query)
    services, taxon = app.services(), request.path["id"]
    facts = services.stores.taxa(app.count_damaged_value).facts(taxon)
    return kept(request, json_of(facts_of(facts, services.recogniser.models.knowing(taxon))))


def get_taxon_range(app: Application, request: Request, _: Record) -> Response:
    """Return the range of a taxon as GeoJSON."""
    from chalicelib.api.taxa import GEOJSON, kept

    parameters.expect_no_parameters(request.query)
    outlines = app.services().stores.taxa(app.count_damaged_value).outlines(request.path["id"])
    return kept(request, outlines.found, GEOJSON)


def get_taxon_map(app: Application, request: Request, _: Record) -> Response:
    """Return the range of a taxon as a small map."""
    from chalicelib.api.taxa import svg_response

    parameters.expect_no_parameters(request.query)
    return svg_response(request, app.services().stores.taxa(app.count_damaged_value).paths(request.path["id"]))


def get_health(app: Application, request: Request, record: Record) -> Response:
    """Return the health of each part. The status is 503 if photos cannot be identified."""
    deep = parameters.read_deep(request.query)
    if deep and request.api_id:
        what = "deep=true would wake a paused database"
        raise errors.Forbidden(f"{what}, so only operators may ask for it, by invoking the function")
    from chalicelib.api.health import health_of

    health = health_of(app.services(), record.request_id, deep=deep)
    return json_response(health, 503 if health["status"] == "down" else 200)


def get_openapi(app: Application, request: Request, __: Record) -> Response:
    """Return the OpenAPI document."""
    from chalicelib.api.openapi import text_of

    parameters.expect_no_parameters(request.query)
    return Response(text_of(VERSION, request.base, api_keys=app.settings.deployment.api_keys), JSON_HEADERS)


def get_page(app: Application, request: Request, _: Record) -> Response:
    """Return the web page."""
    key = page_key(app.settings.deployment.stage, request.api_id) if app.settings.deployment.api_keys else ""
    language = language_of(request, page.languages())
    pictures, has_files = app.settings.deployment.pictures, (_offline_files(app) / page.OFFLINE_LIST).is_file()
    text, headers = page.index(request.base, language, app.uploads.origins, key, pictures, offline=has_files)
    return unless_current(request, Response(text, {**headers, **remembering(request, language)}))


def get_asset(_: Application, request: Request, __: Record) -> Response:
    """Return one file of the web page."""
    return Response(*page.asset(request.path["name"]))


def get_offline(app: Application, request: Request, _: Record) -> Response:
    """List the files that a browser needs to identify photos offline."""
    parameters.expect_no_parameters(request.query)
    return page.offline_list(request, _offline_files(app))


def get_offline_part(app: Application, request: Request, _: Record) -> Response:
    """Return a part of one of the files that a browser needs to identify photos offline."""
    return page.offline_part(_offline_files(app), request.path["part"])


def _offline_files(app: Application) -> Path:
    return app.settings.model.path.with_name(page.OFFLINE_FOLDER)


ROUTES = (
    Route("POST", "/identify", post_identify, most_body=None),
    Route("POST", "/uploads", post_upload),
    Route("POST", "/uploads/{id}/identify", post_upload_identify),
    Route("GET", "/animals", get_animals),
    Route("GET", "/taxa", get_taxa, counted=False, lane="search"),
    Route("GET", "/taxa/{id}", get_taxon, counted=False),
    Route("GET", "/taxa/{id}/range", get_taxon_range, counted=False),
    Route("GET", "/taxa/{id}/range.svg", get_taxon_map, counted=False),
    Route("GET", "/health", get_health, counted=False, keyed=False, lane="health"),
    Route("GET", "/openapi.json", get_openapi, counted=False, keyed=False, lane="page"),
    Route("GET", "/", get_page, counted=False, keyed=False, lane="page"),
    Route("GET", "/web/{name}", get_asset, counted=False, keyed=False, lane="page"),
    Route("GET", "/offline.json", get_offline, counted=False, keyed=False, lane="page"),
    Route("GET", "/offline/{part}", get_offline_part, counted=False, keyed=False, lane="page"),
)
"""All routes of the API. Each transport serves all of them.

Routes about taxa are not counted: they fail while the stores fail, and that must raise no alarm while photos are still
identified. They need a key, because they can wake a paused database.
"""


def _prepare_answers() -> None:
    """Import the modules that the first response needs after its photo is identified."""
    import chalicelib.api.answers  # noqa: F401

    emf.library()


def _identified(app: Application, photos: Sequence[bytes], params: IdentifyParams, record: Record) -> Response:
    services = app.services()
    found = identify(photos, params.request, services, record)
    from chalicelib.api.answers import answer_of  # not at the top: a thread imports this module during decoding

    answer = answer_of(found, record.request_id, params.top)
    services.features.see(classes_of(found, answer["reasons"]))
    return json_response(answer)


def _problem(error: errors.HTTPError, record: Record, cause: Exception | None = None) -> Response:
    record.failure = Failure.of(error, cause)
    errors.without_frames(cause or error)
    return problem_response(error, record.request_id)
