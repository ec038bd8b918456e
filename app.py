"""Faunalens as a Chalice app: routes, schedule, and the one place that turns an error into a response. No logic."""

import gc
import os
from time import perf_counter

BEGAN = perf_counter()  # before the imports below, which take time
gc.disable()  # imports leave no garbage; collecting would cost a tenth of the start
# Nothing here multiplies matrices with numpy. OpenBLAS's threads would spin for 28 ms after the import, competing with
# the loading of the model (docs/explanation/cold-start.md).
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from functools import cache, wraps
from threading import Lock
from typing import TYPE_CHECKING, Any, cast
from uuid import uuid4

from chalice.app import Chalice, CloudWatchEvent, CORSConfig, Rate, Request, Response

from chalicelib import errors
from chalicelib.api import page
from chalicelib.api.body import BINARY_TYPES, read_body
from chalicelib.api.parameters import expect_no_parameters, read_deep, read_identify_params, read_location
from chalicelib.api.problem import headers_of, problem_of
from chalicelib.config.settings import Settings
from chalicelib.features.deadline import Deadline
from chalicelib.identify import animals_at, identify
from chalicelib.services import Services, build_warming
from chalicelib.telemetry import logs
from chalicelib.telemetry.cold_start import ColdStart
from chalicelib.telemetry.emf import Emitter
from chalicelib.telemetry.record import Failure, Record, WarmingRecord

if TYPE_CHECKING:
    from chalicelib.api.health import Health
    from chalicelib.api.responses import Answer, Residents, Upload
    from chalicelib.api.uploads import Uploads
    from chalicelib.features.warming import Warming

VERSION = "0.1.0"
ANY_ORIGIN = CORSConfig(allow_origin="*", expose_headers=["Retry-After"])
"""Pages of any origin may call the API and read when to retry."""

app = Chalice(app_name="faunalens", configure_logs=False)
app.api.binary_types = list(BINARY_TYPES)
settings = Settings.from_environment(os.environ)
app.log.setLevel(settings.log_level)
logs.configure(app.log, settings.log_format, {"function": settings.function, "stage": settings.stage})
emitter = Emitter(settings.service, settings.stage, settings.metrics_file)

cold_start = ColdStart(BEGAN)
_building = Lock()
_services: Services | None = None


def services() -> Services:
    """What answers requests. Built once on first use, because the Chalice CLI imports this file too.

    Raises `ModelError`; the next call tries again.
    """
    global _services
    with _building:
        if _services is None:
            _services = cold_start.measure(lambda: Services.build(settings))
        return _services


@cache
def warming() -> "Warming":
    """Cache warming, for the scheduled function: a Lambda function of its own, which needs no model."""
    return build_warming(settings)


@cache
def uploads() -> "Uploads":
    """The bucket for photos that are too large for a request. Opens no connection yet."""
    from chalicelib.api.uploads import build_uploads

    return build_uploads(settings)


type View = Callable[..., Response]


def route(path: str, method: str = "GET", *, counted: bool = True) -> Callable[[View], View]:
    """Register a route: its errors become problem details, and each request is logged. `counted`: it emits metrics."""

    def register(view: View) -> View:
        @wraps(view)
        def handler(**captured: str) -> Response:
            request = cast("Request", app.current_request)
            record = Record(_request_id(request), path)
            try:
                return view(request, record, **captured)
            except errors.HTTPError as error:
                return _problem(error, record)
            except errors.ModelError as error:
                absent = errors.Unavailable("the model is unavailable; try again later", retry_after=30)
                return _problem(absent, record, cause=error)
            except Exception as error:  # noqa: BLE001 — the last resort; the record keeps its stack trace
                failed = errors.InternalError("the error was logged; quote the request_id when you report it")
                return _problem(failed, record, cause=error)
            finally:
                if counted:
                    record.initialisation = cold_start.pop_seconds()
                    _emit(record)
                logs.log_request(app.log, record)

        # read_body checks content types: its error says what to send.
        app.route(path, methods=[method], name=view.__name__, content_types=["*/*"], cors=ANY_ORIGIN)(handler)
        return view

    return register


@route("/identify", "POST")
def post_identify(request: Request, record: Record) -> Response:
    body = read_body(cast("bytes", request.raw_body), request.headers.get("content-type", ""))
    params = read_identify_params(_query(request), body.fields)
    record.answer = identify(body.photo, params, services(), record)
    return _json(record.answer)


@route("/uploads", "POST")
def post_upload(request: Request, record: Record) -> Response:
    from chalicelib.api.responses import Upload

    expect_no_parameters(_query(request))
    form = uploads().form()
    upload = Upload(
        id=form.id,
        url=form.url,
        fields=form.fields,
        identify_url=f"{_base(request)}uploads/{form.id}/identify",
        max_bytes=settings.photo_max_bytes,
        expires_in=settings.upload_seconds,
        request_id=record.request_id,
    )
    return _json(upload, 201)


@route("/uploads/{id}/identify", "POST")
def post_upload_identify(request: Request, record: Record, id: str) -> Response:  # noqa: A002  the path's name for it
    params = read_identify_params(_query(request))
    with record.step("fetch"):
        photo = uploads().fetch(id)
    record.answer = identify(photo, params, services(), record)
    return _json(record.answer)


@route("/animals")
def get_animals(request: Request, record: Record) -> Response:
    return _json(animals_at(read_location(_query(request)), services(), record))


@route("/health", counted=False)
def get_health(request: Request, record: Record) -> Response:
    health = services().health(record.request_id, deep=read_deep(_query(request)))
    return _json(health, 503 if health.status == "down" else 200)


@route("/openapi.json", counted=False)
def get_openapi(request: Request, _: Record) -> Response:
    from chalicelib.api.openapi import document

    expect_no_parameters(_query(request))
    return Response(document(VERSION, _base(request)), {"Content-Type": "application/json"})


@route("/", counted=False)
def get_page(request: Request, _: Record) -> Response:
    text, headers = page.index(_base(request), uploads().origins)
    return Response(text, {**headers})


@route("/web/{name}", counted=False)
def get_asset(_: Request, __: Record, name: str) -> Response:
    text, headers = page.asset(name)
    return Response(text, {**headers})


@app.schedule(Rate(settings.warm_minutes, unit=Rate.MINUTES))
def warm(event: CloudWatchEvent) -> dict[str, Any]:
    """Warm the cache; returns and counts what was done."""
    context = cast("Any", event.context)  # the Lambda context object
    report = warming().run(Deadline.after(context.get_remaining_time_in_millis() / 1e3 - settings.warm_reserve))
    record = WarmingRecord(context.aws_request_id, report)
    _emit(record)
    logs.log_warming(app.log, record)
    return asdict(report)


@app.lambda_function(name="admin")
def admin(event: object, _: object) -> dict[str, Any]:
    """Run a command of `python -m database` inside the database's network. `python -m infra` calls it."""
    from database.admin_function import run

    return run(event)


@app.middleware("http")
def chalice_errors_as_problems(request: Request, get_response: Callable[[Request], Response]) -> Response:
    """Turn errors that Chalice raises before a view runs into problem details."""
    response = get_response(request)
    if isinstance(response.body, dict) and response.body.get("Code") == "MethodNotAllowedError":
        allow = str(response.headers.get("Allow", ""))
        error = errors.MethodNotAllowed(f"this path accepts {allow}", allow)
        return _problem(error, Record(_request_id(request), "none"))
    return response


def _emit(record: Record | WarmingRecord) -> None:
    """Emit metrics. A failure to do so must not fail the request."""
    try:
        emitter.emit(record)
    except Exception as error:
        extra = {"request_id": record.request_id, "error": type(error).__name__}
        app.log.exception("metrics were not written", extra=extra)


def _json(body: "Answer | Residents | Upload | Health", status: int = 200) -> Response:
    text = json.dumps(asdict(body), separators=(",", ":"), ensure_ascii=False)
    return Response(text, {"Content-Type": "application/json", "Cache-Control": "no-store"}, status)


def _problem(error: errors.HTTPError, record: Record, cause: Exception | None = None) -> Response:
    record.failure = Failure.of(error, cause)
    body = json.dumps(problem_of(error, record.request_id), ensure_ascii=False)
    return Response(body, {**headers_of(error)}, error.status)


def _query(request: Request) -> Mapping[str, Sequence[str]]:
    query = request.query_params
    return {name: query.getlist(name) for name in query} if query else {}


def _request_id(request: Request) -> str:
    """API Gateway's request id; a new one without a gateway."""
    return str(request.context.get("requestId") or uuid4())


def _base(request: Request) -> str:
    """The base path of the API, ending with a slash: `/` locally, `/dev/` on a stage."""
    path, route = str(request.context["path"]), str(request.context["resourcePath"])
    return path.rstrip("/").removesuffix(route.rstrip("/")).rstrip("/") + "/"


if "chalice.cli" in sys.modules:  # a command of the Chalice CLI: package and deploy the way infra/ defines
    from infra import gateway_responses
    from infra.package import packager

    packager.install()
    gateway_responses.install()

if settings.behind_api:  # Lambda's init phase has more CPU than a request, and no client waits for it
    try:
        services()
    except errors.ModelError as error:  # keep running: requests get 503
        app.log.error("model unavailable: %s", error)
gc.freeze()  # these objects live as long as the process; exclude them from collection
gc.enable()
cold_start.mark_imported()
