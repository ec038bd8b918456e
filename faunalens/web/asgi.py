"""The ASGI interface of the application: find a request's route, read the body within limits, and send the response."""

import asyncio
import re
from collections.abc import Callable, Iterable, Mapping, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial
from time import monotonic, perf_counter
from typing import Any, NamedTuple, Protocol
from urllib.parse import parse_qs, unquote
from uuid import uuid4

from chalicelib.api.http import EXPOSED_HEADERS, Request, Response, Route, problem_response
from chalicelib.api.page import language_of, languages
from chalicelib.application import Application
from chalicelib.errors import (
    BadRequest,
    BodyTooLarge,
    ClientError,
    HTTPError,
    MethodNotAllowed,
    MisdirectedRequest,
    NotFound,
    PhotoTooLarge,
    Unavailable,
    without_frames,
)
from chalicelib.routes import ROUTES
from chalicelib.telemetry.logs import log_request
from chalicelib.telemetry.record import Failure, Notes, Record
from faunalens.web.admission import Admission, Lane, Pulse, Refusals
from faunalens.web.body import ClientGone, HeldBytes, MemoryBody, Spool, receive_body
from faunalens.web.messages import Receive, Scope, Send, address_of, compressed, has_body, headers_of, send_response
from faunalens.web.results.page import nothing_page
from faunalens.web.settings import WebSettings

type RequestLog = Callable[[str, str, int, float], None]
"""Called after each request with its method, route, status (0 if the client closed the connection) and seconds."""

FORM_MARGIN = 1_000_000  # bytes that a form may add to its photo
NO_ROUTE = "(no such path)"  # for logs
HEALTHZ = "/healthz"
"""Path at which a load balancer asks whether this process accepts requests. It does not ask model and stores: a fault
that all processes share is no reason to replace them."""
CORS = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Headers": "Authorization,Content-Type,X-Amz-Date,X-Amz-Security-Token,X-Api-Key",
    "Access-Control-Expose-Headers": ",".join(EXPOSED_HEADERS),
    "Access-Control-Max-Age": "600",
}
"""CORS headers of the application's responses. Chalice sends the same headers for `ANY_ORIGIN` in app.py."""
_HOST = re.compile(r"(\[[^]]*\]|[^:]*)(?::[0-9]*)?")
"""A host in the header `Host`, with or without a port. Links in previews of results begin with it."""
LANES: Mapping[str, tuple[int, int]] = {"page": (4, 1000), "health": (2, 32), "search": (2, 32), "stores": (4, 64)}
"""The number of threads of each lane, and the largest number of requests that run or wait in it."""
RELAY_LANES: Mapping[str, tuple[int, int]] = {**LANES, "health": (8, 32), "search": (8, 32), "stores": (32, 64)}
"""`LANES` with `INFERENCE=lambda`, where threads only wait for the function or S3."""
SPOOL_THREADS = 4  # which write photos to temporary files


def _is_of_photo(route: Route) -> bool:
    """Return whether requests for a route wait in the queue of photos."""
    return "identify" in route.path


class RouteMatch(NamedTuple):
    """The routes of a path by method, and the values of its parameters, such as `id` in `/uploads/{id}/identify`."""

    routes: Mapping[str, Route]
    values: Mapping[str, str]

    @property
    def allow(self) -> str:
        """Return the methods of the path, in the format of the header `Allow`."""
        return ", ".join(method for route in self.routes.values() for method in route.methods)


class Router:
    """The routes of an application by path."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self._routes: dict[re.Pattern[str], dict[str, Route]] = {}
        for route in routes:
            pattern = re.compile(re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>[^/]+)", re.escape(route.path)))
            self._routes.setdefault(pattern, {})[route.method] = route

    def match(self, path: str) -> RouteMatch | None:
        """Return the routes of a path, or None. A trailing slash is ignored, as in API Gateway."""
        path = path.rstrip("/") or "/"
        matches = ((pattern.fullmatch(path), methods) for pattern, methods in self._routes.items())
        return next((RouteMatch(methods, found.groupdict()) for found, methods in matches if found), None)


class Beside(Protocol):
    """Another program, such as the dashboards, that this server also serves. `name`: the program's name in the log."""

    name: str

    def serves(self, path: str) -> bool:
        """Return whether the program serves a path."""

    def respond(self, address: str) -> Response:
        """Return the response to a GET request. `address`: path and query of the request. Raises `HTTPError`."""


class Asgi:
    """An ASGI application that serves an `Application`.

    `log`: called after each request, without the query, which may contain coordinates. `beside`: another program to
    serve. `on_pulse`: called with the counts of each minute. The attribute `admission` is the queue of photos. If
    `draining` is set, `GET /healthz` fails, and responses close their connections.
    """

    def __init__(
        self,
        application: Application,
        settings: WebSettings,
        log: RequestLog,
        routes: Iterable[Route] = ROUTES,
        beside: Beside | None = None,
        on_pulse: Callable[[Notes], None] = lambda _: None,
    ) -> None:
        self._beside, self._pulse, self._on_pulse = beside, Pulse(), on_pulse
        self._application, self._settings, self._log = application, settings, log
        self._router = Router(routes)
        self._hosts = frozenset(settings.hosts.lower().split())
        self._refusals = Refusals(self._log_refusal)
        self.admission = Admission(settings.worker_count, settings.queue_seconds, self._pulse)
        self.memory = HeldBytes(settings.body_bytes)
        self._files = HeldBytes(settings.spool_bytes)
        self.draining = False
        lanes = RELAY_LANES if settings.relays else LANES
        self._lanes = {name: Lane(name, threads, most) for name, (threads, most) in lanes.items()}
        self._writers = ThreadPoolExecutor(SPOOL_THREADS, thread_name_prefix="spool")
        self._limit = application.settings.photo.max_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
        elif scope["type"] == "http":
            await self._http(scope, receive, send)

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        beating = asyncio.create_task(self._pulse.beat_for_ever(self._on_pulse))
        while (await receive())["type"] != "lifespan.shutdown":
            await send({"type": "lifespan.startup.complete"})
        beating.cancel()
        self._pulse.beat(self._on_pulse)
        self._refusals.flush()
        self.admission.close()
        for lane in self._lanes.values():
            lane.close()
        self._writers.shutdown()
        await send({"type": "lifespan.shutdown.complete"})

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        method = str(scope["method"])
        if scope["path"] == HEALTHZ and method in ("GET", "HEAD"):  # a load balancer sends an address as Host
            text, status = ("stopping", 503) if self.draining else ("ok", 200)
            headers = {"Content-Type": "text/plain", "Cache-Control": "no-store"}
            await send_response(send, method, Response(text, headers, status))
            return
        try:
            await self._respond(scope, receive, send)
        except asyncio.CancelledError:  # while the response was being sent
            self._pulse.cut_off += 1
            raise

    async def _respond(self, scope: Scope, receive: Receive, send: Send) -> None:
        started, method, name = perf_counter(), str(scope["method"]), NO_ROUTE
        request_id, unread, is_cut_off, limit = str(uuid4()), False, False, ""
        is_arriving = has_body(scope)

        async def receive_part() -> MutableMapping[str, Any]:
            nonlocal is_arriving
            message = await receive()
            is_arriving = bool(message.get("more_body"))
            return message

        try:
            self._check_host(scope)
            match = self._router.match(scope["path"])
            if match is not None:
                name = next(iter(match.routes.values())).path
                routed = await self._routed(match, scope, receive_part, request_id)
                response = routed._replace(headers={**CORS, **routed.headers})
            elif self._beside is not None and self._beside.serves(scope["path"]):
                name = self._beside.name
                if method not in ("GET", "HEAD"):
                    raise self.refusal_of_method(scope["path"])
                response = await self._lanes["page"].run(partial(self._beside.respond, address_of(scope)))
            else:
                raise self.refusal_of_method(scope["path"])
        except ClientGone:
            self._log(method, name, 0, perf_counter() - started)
            return
        except HTTPError as error:
            self.refused(without_frames(error), request_id, name)
            response, unread, limit = _refusal(error, name, scope, request_id), is_arriving, error.limit
        except asyncio.CancelledError:  # the server no longer waits for its running requests
            is_cut_off = True
            stopping = Unavailable("the server is stopping; send the request again", retry_after=1)
            response = problem_response(stopping, request_id)
        if self.draining or is_cut_off:
            response = response._replace(headers={**response.headers, "Connection": "close"})
        await send_response(send, method, response, drain=receive if unread else None)
        self._pulse.cut_off += is_cut_off
        self._pulse.drained += self.draining and not is_cut_off
        if not limit:
            self._log(method, name, response.status, perf_counter() - started)

    async def _routed(self, match: RouteMatch, scope: Scope, receive: Receive, request_id: str) -> Response:
        method = "GET" if scope["method"] == "HEAD" else scope["method"]
        if method == "OPTIONS":
            allowed = ",".join(sorted({*match.allow.split(", "), "OPTIONS"}))
            return Response("", {"Access-Control-Allow-Methods": allowed}, 200)
        route = match.routes.get(method)
        if route is None:
            raise self.refusal_of_method(scope["path"])
        headers, lane = headers_of(scope), self._lanes[route.lane]
        size = self._declared_size(route, headers)
        is_photo, is_spooled = _is_of_photo(route), self._settings.relays and route.most_body is None
        if is_photo:
            self.admission.check_queue()  # before the body is read
        query = parse_qs(scope["query_string"].decode("latin-1"), keep_blank_values=True)
        request = Request(request_id, headers, query, {name: unquote(value) for name, value in match.values.items()})
        if route.authorize is not None:
            request = request._replace(authorized=await lane.run(partial(route.authorize, request)))
        with (self._files if is_spooled else self.memory).receiving(size) as arrived, ExitStack() as files:
            if is_spooled:
                spool = files.enter_context(Spool(headers.get("content-type", ""), self._limit, self._writers))
                await self._receive(route, receive, spool, arrived)
                request = request._replace(spooled=await spool.finish())
            elif route.method == "POST":
                body = MemoryBody()
                await self._receive(route, receive, body, arrived)
                request = request._replace(body=body.whole())
            request = request._replace(arrived=monotonic())

            def respond() -> Response:
                return compressed(self._application.respond(route, request), headers.get("accept-encoding", ""))

            return await (self.admission.run(respond, receive) if is_photo else lane.run(respond))

    def turn_away(self, scope: Scope) -> tuple[Unavailable, str] | None:
        """Return the error for a photo for which the queue has no room, and its route's path; None for other requests.

        The protocol calls this before it starts a request. A request that has another fault too is not turned away
        here: its client gets the error for that fault.
        """
        if self.draining or scope["method"] != "POST" or not self.admission.is_full:
            return None
        match = self._router.match(scope["path"])
        route = match.routes.get("POST") if match else None
        if route is None or not _is_of_photo(route):
            return None
        try:
            self._check_host(scope)
            self._declared_size(route, headers_of(scope))
        except ClientError:
            return None
        return self.admission.refusal(), route.path

    def refused(self, error: HTTPError, request_id: str, route: str = NO_ROUTE) -> None:
        """Log a request that did not reach the application, and count it in the pulse."""
        if error.limit:
            self._pulse.refused += 1
            self._refusals.add(error, request_id, route)
        else:
            self._pulse.rejected += not isinstance(error, Unavailable)
            self._log_refusal(error, request_id, route)

    def _log_refusal(self, error: HTTPError, request_id: str, route: str, count: int = 1) -> None:
        failure = Failure.of(error)
        summary = failure.summary or error.detail  # which of our limits it was
        summary += f" ({count} requests in a second)" if count > 1 else ""
        log_request(self._application.log, Record(request_id, route, failure=failure._replace(summary=summary)))

    def refusal_of_method(self, path: str) -> HTTPError:
        """Return the error for a method that the path does not accept, or for a path that does not exist."""
        if match := self._router.match(path):
            allow = match.allow
        elif self._beside is not None and self._beside.serves(path):
            allow = "GET, HEAD"
        else:
            return NotFound("no route has this path; GET /openapi.json lists the routes")
        return MethodNotAllowed(f"this path accepts {allow}", allow)

    def _check_host(self, scope: Scope) -> None:
        """Raise `BadRequest` unless there is one Host header, and `MisdirectedRequest` if its host is not served."""
        hosts = [value for name, value in scope["headers"] if name == b"host"]
        if len(hosts) != 1:
            raise BadRequest("the request has no Host header, or more than one; send exactly one")
        host = _HOST.fullmatch(hosts[0].decode("latin-1").lower())
        if "*" not in self._hosts and (host is None or host[1] not in self._hosts):
            raise MisdirectedRequest("the server does not serve this host; to serve it, add its name to HTTP_HOSTS")

    def _declared_size(self, route: Route, headers: Mapping[str, str]) -> int:
        """Return the most bytes of a POST's body by its headers, else 0. Raises `PhotoTooLarge` and `BodyTooLarge`."""
        if route.method != "POST":
            return 0
        most, too_large = self._body_limit(route)
        length = headers.get("content-length")
        size = int(length) if length else (most if "transfer-encoding" in headers else 0)
        if size > most:
            raise too_large
        return size

    async def _receive(
        self, route: Route, receive: Receive, body: Spool | MemoryBody, arrived: Callable[[int], None]
    ) -> None:
        await receive_body(receive, body, arrived, *self._body_limit(route), self._settings.body_rate)

    def _body_limit(self, route: Route) -> tuple[int, ClientError]:
        """Return the most bytes that the body of a request may have, and the error for more."""
        most = route.most_body
        if most is None:
            text = f"the body is too large for a photo of at most {self._limit / 1e6:g} MB; send a smaller one"
            return self._limit + FORM_MARGIN, PhotoTooLarge(text)
        text = f"the body has more than {most} bytes; send a shorter one"
        return most, BodyTooLarge(text if most else "this path takes no body; send the request without one")


def _refusal(error: HTTPError, route: str, scope: Scope, request_id: str) -> Response:
    """Return the response to a refused request: problem details, or a page for a browser that follows a wrong link."""
    headers = headers_of(scope)
    if isinstance(error, NotFound) and route == NO_ROUTE and "text/html" in headers.get("accept", ""):
        return nothing_page(language_of(Request(request_id, headers, {}, {}), languages()))
    return problem_response(error, request_id)
