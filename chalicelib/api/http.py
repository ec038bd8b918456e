"""HTTP requests, responses and routes, independent of the transport (Lambda or the HTTP server)."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, BinaryIO, Literal, NamedTuple

from chalicelib.config.casts import RateLimit
from chalicelib.errors import HTTPError

if TYPE_CHECKING:
    from chalicelib.telemetry.record import Record

POLICY_HEADER, LEFT_HEADER = "RateLimit-Policy", "RateLimit"
KEY_HEADER = "x-api-key"

_OF_A_KEY = "key"
"""Beginning of the names of rate limits that apply to every API key except the page's."""
PROBLEM_TYPE = "application/problem+json"
JSON, GEOJSON, SVG = "application/json", "application/geo+json", "image/svg+xml"
EXPOSED_HEADERS = (LEFT_HEADER, POLICY_HEADER, "Retry-After")
"""Headers that web pages of any origin may read, in alphabetical order, as Chalice sends them."""
PROBLEM_HEADERS = {
    "Content-Type": PROBLEM_TYPE,
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Expose-Headers": ",".join(EXPOSED_HEADERS),
}
"""Headers of every problem. Web pages of any origin may read the problem, and when to try again."""
HTTPS_ONLY = {"Strict-Transport-Security": "max-age=31536000"}
"""Header after which a browser does not call the host without TLS for a year. Only answers through API Gateway have it,
which is always behind TLS; the HTTP server may be at localhost, or behind a proxy that decides this."""

JSON_HEADERS = {"Content-Type": JSON, "X-Content-Type-Options": "nosniff"}


def json_of(body: Any) -> str:
    """Return a response's body as JSON."""
    return _ENCODER.encode(body)


_ENCODER = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False, allow_nan=False)


type LaneName = Literal["page", "health", "search", "stores"]
"""What a request without a photo waits for: nothing, the parts of the service, a search, or a short query."""


class SpooledBody(NamedTuple):
    """The body of an identification that the transport keeps in files: its photos, and the text fields of a form."""

    photos: Sequence[BinaryIO]
    fields: Mapping[str, str]


class Request(NamedTuple):
    """A complete request.

    `path`: values of the path parameters, such as `id` in `/uploads/{id}/identify`. `headers`: have lower-case names.
    `base`: the path under which the API is served, ending with a slash. `id`: API Gateway's request id, or a new id.
    `api_id`: API Gateway's id of the API; empty if the request did not come through API Gateway.
    `arrived`: time on the monotonic clock at which the whole request had arrived; None if requests do not queue.
    `spooled`: replaces `body` if the transport keeps photos in files. `authorized`: what `Route.authorize` returned.
    """

    id: str
    headers: Mapping[str, str] = MappingProxyType({})
    query: Mapping[str, Sequence[str]] = MappingProxyType({})
    path: Mapping[str, str] = MappingProxyType({})
    body: bytes = b""
    base: str = "/"
    api_id: str = ""
    arrived: float | None = None
    spooled: SpooledBody | None = None
    authorized: Any = None


class Response(NamedTuple):
    """A response. Text is sent as UTF-8."""

    body: str | bytes
    headers: Mapping[str, str]
    status: int = 200


class Parameter(NamedTuple):
    """The name, JSON Schema and description of one parameter."""

    name: str
    schema: Mapping[str, Any]
    help: str
    required: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Operation:
    """What the OpenAPI document says of a route's query and responses.

    `answer`: name of the type of a successful response, if it has a schema. `errors`: those that not every path has.
    `kept`: whether clients may keep a successful response. `down`: the meaning of a 503 that has an answer too.
    """

    answer: str = ""
    query: tuple[Parameter, ...] = ()
    errors: tuple[type[HTTPError], ...] = ()
    status: int = 200
    text: str = "Success."
    media_type: str = JSON
    kept: bool = False
    down: str = ""


class Route(NamedTuple):
    """One operation of the API.

    `operation`: its part of the OpenAPI document; None for the page's files and kept results. `counted`: whether its
    requests count in the metrics. `keyed`: whether it demands an API key in deployments with keys, and names the rate
    limits in its responses. `most_body`: bytes of its largest body; None for photos, whose limit is a setting. `lane`:
    what a request may have to wait for. `authorize`: called before the body is received; raises `AccessError` and
    `NotFound`.
    """

    method: str
    path: str
    handler: Callable[[Any, Request, "Record"], Response]
    operation: Operation | None = None
    counted: bool = True
    keyed: bool = True
    most_body: int | None = 0
    lane: LaneName = "stores"
    authorize: Callable[[Request], Any] | None = None

    @property
    def methods(self) -> tuple[str, ...]:
        """Return the methods of the route. A route for GET also accepts HEAD."""
        return ("GET", "HEAD") if self.method == "GET" else (self.method,)

    @property
    def name(self) -> str:
        """Return the name of the handler."""
        return self.handler.__name__


def unless_current(request: Request, response: Response) -> Response:
    """Return `response`, or a 304 without a body if its ETag shows that the client has it already."""
    tag = response.headers["ETag"].removeprefix("W/")
    known = {each.strip().removeprefix("W/") for each in request.headers.get("if-none-match", "").split(",")}
    if not {"*", tag} & known:
        return response
    return Response("", {name: value for name, value in response.headers.items() if name != "Content-Type"}, 304)


def etag(text: str) -> str:
    """Return an ETag for a text: a weak one, because the response may be compressed."""
    from hashlib import sha256  # imported here to save time at each cold start

    return f'W/"{sha256(text.encode()).hexdigest()[:16]}"'


def json_response(body: Mapping[str, Any], status: int = 200) -> Response:
    """Return a response with a body as JSON."""
    return Response(json_of(body), {**JSON_HEADERS, "Cache-Control": "no-store"}, status)


def headers_of(error: HTTPError) -> dict[str, str]:
    """Return the response headers of an error."""
    return {**PROBLEM_HEADERS, **error.headers}


def problem_of(error: HTTPError, request_id: str) -> dict[str, Any]:
    """Return the response body of an error."""
    return {
        "type": f"urn:problem-type:faunalens:{error.code}",
        "title": error.title,
        "status": error.status,
        "detail": error.detail,
        "code": error.code,
        "request_id": request_id,
    }


def problem_response(error: HTTPError, request_id: str) -> Response:
    """Return a response with an error as problem details (RFC 9457)."""
    body = json.dumps(problem_of(error, request_id), ensure_ascii=False, allow_nan=False)
    return Response(body, headers_of(error), error.status)


def policy_headers(limits: Iterable[RateLimit], path: str, *, of_page: bool = False) -> dict[str, str]:
    """Return the header that states the rate limits of a route; empty if it has none.

    `path`: path of the route. `of_page`: whether the request has the page's key, which per-key limits do not apply to.
    """
    items = [
        f'"{each.name}";q={each.quota};w={each.seconds}'
        for each in limits
        if each.path in ("*", path) and not (of_page and each.name.startswith(_OF_A_KEY))
    ]
    return {POLICY_HEADER: ", ".join(items)} if items else {}
