"""The Chalice app, which connects Faunalens to AWS Lambda. chalicelib/routes.py has the routes."""

import gc
import os
from time import perf_counter

BEGAN = perf_counter()  # before the imports below, which take time
gc.disable()  # imports create almost no garbage, and collection takes a tenth of the start-up time
# Faunalens multiplies no matrices with numpy, so OpenBLAS needs only one thread. More threads would spin for 28 ms
# after the import and slow down the loading of the model (docs/explanation/cold-start.md).
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import sys
from collections.abc import Callable
from dataclasses import asdict
from functools import cache
from typing import TYPE_CHECKING, Any, cast
from uuid import uuid4

from chalice import app as chalice
from chalice.app import Chalice, CloudWatchEvent, CORSConfig, Rate

from chalicelib.api.http import EXPOSED_HEADERS, HTTPS_ONLY, Request, Response, Route, problem_response
from chalicelib.api.parameters import BINARY_TYPES
from chalicelib.application import Application
from chalicelib.config.settings import Settings
from chalicelib.deadline import Deadline
from chalicelib.errors import MethodNotAllowed, ModelError
from chalicelib.routes import ROUTES
from chalicelib.services import build_cache, build_warming
from chalicelib.telemetry import logs
from chalicelib.telemetry.drift import Drift
from chalicelib.telemetry.record import ColdStart, of_warming

if TYPE_CHECKING:
    from chalicelib.batch.handler import BatchFunction
    from chalicelib.features.warming import Warming

ANY_ORIGIN = CORSConfig(allow_origin="*", expose_headers=[*EXPOSED_HEADERS], max_age=600)
"""Web pages of any origin may call the API, and read the headers about its rate limits."""


class App(Chalice):
    """A Chalice app that reports to `awake` when it has handled an event."""

    def __call__(self, event: Any, context: Any) -> Any:
        """Handle a Lambda event, then report to `awake`."""
        try:
            return super().__call__(event, context)
        finally:
            if awake:
                awake.handled()


app = App(app_name="faunalens", configure_logs=False)
app.api.binary_types = list(BINARY_TYPES)
settings = Settings.from_environment(os.environ).with_our_models()
app.log.setLevel(settings.telemetry.log_level)
logs.configure(
    app.log,
    settings.telemetry.log_format,
    {"function": settings.deployment.function, "stage": settings.deployment.stage},
)
candidate = settings.candidate(os.environ)
application = Application(settings, app.log, ColdStart(BEGAN), candidate)
awake: "StayAwake | None" = None
if candidate and settings.deployment.behind_api:
    from chalicelib.awake import StayAwake

    awake = StayAwake(settings.deployment.runtime_api, application.busy)


def _view(route: Route) -> Callable[..., chalice.Response]:
    """Return the Chalice view function that answers for a route."""

    def view(**path: str) -> chalice.Response:
        request = cast("chalice.Request", app.current_request)
        query = request.query_params
        response = application.respond(
            route,
            Request(
                id=_request_id(request),
                headers=request.headers,
                query={name: query.getlist(name) for name in query} if query else {},
                path=path,
                body=cast("bytes", request.raw_body),
                base=_base(request),
                api_id=str(request.context.get("apiId") or ""),
            ),
        )
        # API Gateway omits the body of a response to HEAD and keeps its length; `chalice local` would send the body.
        without_body = request.method == "HEAD" and "requestId" not in request.context
        return _sent(response._replace(body="") if without_body else response)

    return view


for each in ROUTES:  # Chalice accepts any content type; read_body rejects unsupported types
    app.route(each.path, methods=[*each.methods], name=each.name, content_types=["*/*"], cors=ANY_ORIGIN)(_view(each))


@cache
def warming() -> "tuple[Warming, Drift]":
    """Return cache warming and the drift check, built at the first call; only the scheduled function calls this."""
    patient = build_cache(settings, patient=True)
    return build_warming(settings, patient), Drift(patient, settings.deployment.release)


@app.schedule(Rate(settings.warming.minutes, unit=Rate.MINUTES))
def warm(event: CloudWatchEvent) -> dict[str, Any]:
    """Warm the cache, check for drift (docs/how-to/runbook.md#drift), emit metrics, and return the warming report."""
    context = cast("Any", event.context)  # the Lambda context object
    deadline = Deadline.after(context.get_remaining_time_in_millis() / 1e3 - settings.warming.reserve)
    to_warm, drift = warming()
    report = to_warm.run(deadline)
    application.emit(of_warming(context.aws_request_id, report))
    for notes in drift.run(deadline, renew=event.detail.get("drift") == "renew"):
        application.emit(notes)
    logs.log_warming(app.log, context.aws_request_id, report)
    return asdict(report)


@app.lambda_function(name="admin")
def admin(event: object, _: object) -> dict[str, Any]:
    """Run a `python -m faunalens.data` command inside the database's network, for `python -m infra`."""
    from faunalens.data.__main__ import run_event

    return run_event(event)


@cache
def batches() -> "BatchFunction":
    """Return the `BatchFunction`, built at the first call. Only the batch function calls this."""
    from chalicelib.batch.handler import BatchFunction

    return BatchFunction(settings, app.log, application.emit)


@app.lambda_function(name="batch")
def batch(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Identify the photos in S3 that SQS messages or a Distributed Map name, and write a result line for each."""
    return batches().answer(event, context.aws_request_id, Deadline.after(context.get_remaining_time_in_millis() / 1e3))


@app.middleware("http")
def chalice_errors_as_problems(
    request: chalice.Request, get_response: Callable[[chalice.Request], chalice.Response]
) -> chalice.Response:
    """Return problem details for the errors that Chalice raises before it calls a view function."""
    response = get_response(request)
    if isinstance(response.body, dict) and response.body.get("Code") == "MethodNotAllowedError":
        allow = str(response.headers.get("Allow", ""))
        return _sent(problem_response(MethodNotAllowed(f"this path accepts {allow}", allow), _request_id(request)))
    return response


def _sent(response: Response) -> chalice.Response:
    return chalice.Response(response.body, {**response.headers, **HTTPS_ONLY}, response.status)


def _request_id(request: chalice.Request) -> str:
    """Return API Gateway's request id, or a new id if there is no gateway."""
    return str(request.context.get("requestId") or uuid4())


def _base(request: chalice.Request) -> str:
    """Return the base path of the API, ending with a slash: `/` locally, `/dev/` on the stage `dev`."""
    path, route = str(request.context["path"]), str(request.context["resourcePath"])
    return path.rstrip("/").removesuffix(route.rstrip("/")).rstrip("/") + "/"


if "chalice.cli" in sys.modules:  # a Chalice command: replace its packager and gateway responses with infra's
    from infra import gateway_responses
    from infra.package import packager

    packager.install()
    gateway_responses.install()

if settings.deployment.behind_api:  # Lambda's init phase has more CPU than a request, and no client waits for it
    try:
        application.services()
    except ModelError as error:  # keep running: requests get 503
        app.log.error("model unavailable: %s", error)
gc.freeze()  # these objects live as long as the process; exclude them from collection
gc.enable()
application.cold_start.mark_imported()
