"""HTTP as the application sees it, whatever transport carries it: one request, one response, one route."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from chalicelib.api.problem import headers_of, problem_of
from chalicelib.errors import HTTPError

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

    from chalicelib.telemetry.record import Record

JSON_HEADERS = {"Content-Type": "application/json", "X-Content-Type-Options": "nosniff"}


class Request(NamedTuple):
    """A request, read whole.

    `path`: values of the parts of the path in braces. `headers` have lower-case names. `base`: the path under which the
    API is served, ending with a slash. `id`: the gateway's id of the request, or a new one.
    """

    id: str
    headers: Mapping[str, str] = MappingProxyType({})
    query: Mapping[str, Sequence[str]] = MappingProxyType({})
    path: Mapping[str, str] = MappingProxyType({})
    body: bytes = b""
    base: str = "/"


class Response(NamedTuple):
    """A response; text is sent as UTF-8."""

    body: str | bytes
    headers: Mapping[str, str]
    status: int = 200


class Route(NamedTuple):
    """One operation of the API. `counted`: its requests count in the metrics."""

    method: str
    path: str
    view: Callable[[Any, Request, "Record"], Response]
    counted: bool = True

    @property
    def name(self) -> str:
        """The name of its view."""
        return self.view.__name__


def json_response(body: "DataclassInstance", status: int = 200) -> Response:
    """A dataclass as JSON."""
    text = json.dumps(asdict(body), separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return Response(text, {**JSON_HEADERS, "Cache-Control": "no-store"}, status)


def problem_response(error: HTTPError, request_id: str) -> Response:
    """An error as problem details (RFC 9457)."""
    body = json.dumps(problem_of(error, request_id), ensure_ascii=False)
    return Response(body, headers_of(error), error.status)
