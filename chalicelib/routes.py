"""The routes of the API: each with its handler, whether it needs a key, and what the OpenAPI document says of it.

The first line of a handler's docstring is the operation's summary in that document, and its name gives the id.
"""

from collections.abc import Sequence
from pathlib import Path

from chalicelib import errors
from chalicelib.api import page, parameters
from chalicelib.api.http import (
    GEOJSON,
    JSON_HEADERS,
    SVG,
    Operation,
    Request,
    Response,
    Route,
    json_of,
    json_response,
    unless_current,
)
from chalicelib.api.page import PAGE, language_of, page_key, remembering
from chalicelib.api.parameters import ANIMALS, IDENTIFY, IDENTIFY_UPLOAD, TAXA, IdentifyParams, read_body
from chalicelib.application import Application
from chalicelib.config import VERSION
from chalicelib.identify import animals_at, classes_of, identify
from chalicelib.telemetry.record import Record


def post_identify(app: Application, request: Request, record: Record) -> Response:
    """Identify the animal in a photo, or in several photos of it."""
    body = read_body(request.body, request.headers.get("content-type", ""))
    return _identified(app, body.photos, parameters.read_identify_params(request.query, body.fields), record)


def post_upload(app: Application, request: Request, record: Record) -> Response:
    """Create an upload form for a photo too large for one request."""
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


def post_identify_upload(app: Application, request: Request, record: Record) -> Response:
    """Identify the animal in an uploaded photo."""
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
    """Search for taxa by name, or list those of a group, or the groups."""
    from chalicelib.api.taxa import groups_of, kept, list_of

    text, group = parameters.read_taxa(request.query)
    taxa = app.services().stores.taxa(app.count_damaged_value)
    if text is not None:
        body = list_of(taxa.search(text, group))
    else:
        body = groups_of(taxa.groups()) if group is None else list_of(taxa.in_group(group))
    return kept(request, json_of(body))


def get_taxon(app: Application, request: Request, _: Record) -> Response:
    """Get the names, ids, links and range of a taxon, in words."""
    from chalicelib.api.taxa import facts_of, kept

    parameters.expect_no_parameters(request.query)
    services, taxon = app.services(), request.path["id"]
    facts = services.stores.taxa(app.count_damaged_value).facts(taxon)
    return kept(request, json_of(facts_of(facts, services.recogniser.models.knowing(taxon))))


def get_taxon_range(app: Application, request: Request, _: Record) -> Response:
    """Get the range of a taxon as GeoJSON."""
    from chalicelib.api.taxa import kept

    parameters.expect_no_parameters(request.query)
    outlines = app.services().stores.taxa(app.count_damaged_value).outlines(request.path["id"])
    return kept(request, outlines.found, GEOJSON)


def get_taxon_map(app: Application, request: Request, _: Record) -> Response:
    """Get the range of a taxon as a small map."""
    from chalicelib.api.taxa import svg_response

    parameters.expect_no_parameters(request.query)
    return svg_response(request, app.services().stores.taxa(app.count_damaged_value).paths(request.path["id"]))


def get_health(app: Application, request: Request, record: Record) -> Response:
    """Check the model, the cache and the database."""
    deep = parameters.read_deep(request.query)
    if deep and request.api_id:
        what = "deep=true would wake a paused database"
        raise errors.Forbidden(f"{what}, so only operators may ask for it, by invoking the function")
    from chalicelib.api.health import health_of

    health = health_of(app.services(), record.request_id, deep=deep)
    return json_response(health, 503 if health["status"] == "down" else 200)


def get_openapi(app: Application, request: Request, __: Record) -> Response:
    """Get this document."""
    from chalicelib.api.openapi import text_of

    parameters.expect_no_parameters(request.query)
    return Response(text_of(ROUTES, VERSION, request.base, api_keys=app.settings.deployment.api_keys), JSON_HEADERS)


def get_page(app: Application, request: Request, _: Record) -> Response:
    """Get the web page."""
    key = page_key(app.settings.deployment.stage, request.api_id) if app.settings.deployment.api_keys else ""
    language = language_of(request, page.languages())
    pictures, has_files = app.settings.deployment.pictures, (_offline_files(app) / page.OFFLINE_LIST).is_file()
    text, headers = page.index(request.base, language, app.uploads.origins, key, pictures, offline=has_files)
    return unless_current(request, Response(text, {**headers, **remembering(request, language)}))


def get_asset(_: Application, request: Request, __: Record) -> Response:
    """Return one file of the web page."""
    return Response(*page.asset(request.path["name"]))


def get_offline(app: Application, request: Request, _: Record) -> Response:
    """List the files for use without signal."""
    parameters.expect_no_parameters(request.query)
    return page.offline_list(request, _offline_files(app))


def get_offline_part(app: Application, request: Request, _: Record) -> Response:
    """Get a part of a file."""
    return page.offline_part(_offline_files(app), request.path["part"])


def _offline_files(app: Application) -> Path:
    return app.settings.model.path.with_name(page.OFFLINE_FOLDER)


def _identified(app: Application, photos: Sequence[bytes], params: IdentifyParams, record: Record) -> Response:
    services = app.services()
    found = identify(photos, params.request, services, record)
    from chalicelib.api.answers import answer_of  # not at the top: a thread imports this module during decoding

    answer = answer_of(found, record.request_id, params.top)
    services.features.see(classes_of(found, answer["reasons"]))
    return json_response(answer)


_PHOTO = (errors.PhotoTooLarge, errors.UnsupportedMediaType, errors.PhotoUnreadable)
_PLACE = (errors.LocationMissing, errors.LocationInvalid)
_UPLOAD = (*_PHOTO, *_PLACE, errors.UploadMissing, errors.NotFound)
_RANGE = (errors.TaxonMissing, errors.RangeMissing)
_OUTLINES = Operation(errors=_RANGE, media_type=GEOJSON, kept=True)
_MAP = Operation(errors=_RANGE, media_type=SVG, kept=True)
_FACTS = Operation("TaxonFacts", errors=(errors.TaxonMissing,), kept=True)
_FORM = Operation("Upload", errors=(errors.NotFound,), status=201)
_FILES = Operation(errors=(errors.NotFound,), text="Files, each in parts", kept=True)
_GZIP = Operation(
    errors=(errors.NotFound,), text="A piece of a file's gzip stream", media_type="application/octet-stream"
)
_HTML = Operation(query=PAGE, text="HTML", media_type="text/html", kept=True)
_HEALTH = Operation(
    "Health",
    (parameters.DEEP,),
    text="The service can identify photos. The status is `degraded` if Redis or PostgreSQL is failing.",
    down="The service cannot identify photos.",
)

ROUTES = (
    Route("POST", "/identify", post_identify, Operation("Answer", IDENTIFY, (*_PHOTO, *_PLACE)), most_body=None),
    Route("POST", "/uploads", post_upload, _FORM),
    Route("POST", "/uploads/{id}/identify", post_identify_upload, Operation("Answer", IDENTIFY_UPLOAD, _UPLOAD)),
    Route("GET", "/animals", get_animals, Operation("Residents", ANIMALS, _PLACE)),
    Route("GET", "/taxa", get_taxa, Operation("TaxonList", TAXA, kept=True), counted=False, lane="search"),
    Route("GET", "/taxa/{id}", get_taxon, _FACTS, counted=False),
    Route("GET", "/taxa/{id}/range", get_taxon_range, _OUTLINES, counted=False),
    Route("GET", "/taxa/{id}/range.svg", get_taxon_map, _MAP, counted=False),
    Route("GET", "/health", get_health, _HEALTH, counted=False, keyed=False, lane="health"),
    Route("GET", "/openapi.json", get_openapi, Operation(text="OpenAPI 3.1"), counted=False, keyed=False, lane="page"),
    Route("GET", "/offline.json", get_offline, _FILES, counted=False, keyed=False, lane="page"),
    Route("GET", "/offline/{part}", get_offline_part, _GZIP, counted=False, keyed=False, lane="page"),
    Route("GET", "/", get_page, _HTML, counted=False, keyed=False, lane="page"),
    Route("GET", "/web/{name}", get_asset, counted=False, keyed=False, lane="page"),
)
"""All routes of the API. Each transport serves all of them.

Routes about taxa are not counted: they fail while the stores fail, and that must raise no alarm while photos are still
identified. They need a key, because they can wake a paused database.
"""
