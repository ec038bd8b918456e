"""HTTP as the application sees it, whatever transport carries it: one request, one response, one route."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from chalicelib.api.problem import headers_of, problem_of
from chalicelib.errors import HTTPError

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

    from chalicelib.telemetry.record import Record


@dataclass(frozen=True, slots=True)
class Request:
    """A request, read whole.

    `path`: values of the parts of the path in braces. `headers` have lower-case names. `base`: the path under which the
    API is served, ending with a slash. `id`: the gateway's id of the request, or a new one.
    """

    id: str
    headers: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, Sequence[str]] = field(default_factory=dict)
    path: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    base: str = "/"


@dataclass(frozen=True, slots=True)
class Response:
    """A response with a text body."""

    body: str
    headers: Mapping[str, str]
    status: int = 200


@dataclass(frozen=True, slots=True)
class Route:
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
    return Response(text, {"Content-Type": "application/json", "Cache-Control": "no-store"}, status)


def problem_response(error: HTTPError, request_id: str) -> Response:
    """An error as problem details (RFC 9457)."""
    body = json.dumps(problem_of(error, request_id), ensure_ascii=False)
    return Response(body, headers_of(error), error.status)
