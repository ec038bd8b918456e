"""The ASGI interface of the application, on Starlette: routes, bodies within limits, refusals and responses.

Starlette finds routes, holds requests and responses, and runs what begins and ends with the process. Its middleware is
left out: it would answer otherwise than Lambda, and cost more. A small request takes 65 µs of processor time here;
`CORSMiddleware` would add about 10, and send nothing to clients without `Origin`; `TrustedHostMiddleware` 6, and answer
400 as text; the class `Starlette`, with two of its own, 5. A router of our own took 8 less, which is nothing beside a
photo: 1.01 as many were answered with Starlette, p99 0.96, processor time 1.00 (both by turns, benchmarks/peers).
"""

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, asynccontextmanager
from functools import partial
from time import monotonic, perf_counter
from typing import Protocol
from urllib.parse import parse_qs, unquote
from uuid import uuid4

from starlette import requests, responses, routing
from starlette.datastructures import Headers
from starlette.types import Message, Receive, Scope, Send

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
from faunalens.web.body import HeldBytes, MemoryBody, Spool, receive_body
from faunalens.web.messages import Unread, compressed, outgoing
from faunalens.web.results.page import nothing_page
from faunalens.web.settings import WebSettings

type RequestLog = Callable[[str, str, int, float], None]
"""Called after each request with its method, route, status (0 if the client closed the connection) and seconds."""

FORM_MARGIN = 1_000_000  # bytes that a form may add to its photo
NO_ROUTE = "(no such path)"  # for logs
NOWHERE = "no route has this path; GET /openapi.json lists the routes"
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


class Exchange(requests.Request):
    """One request, and what has been sent of its response. `name`: its route, for logs. `status`: 0 until it is sent.

    `is_arriving`: whether the client is still sending the body. `closes`: whether the response closes the connection.
    """

    def __init__(self, scope: Scope, receive: Receive, send: Send, closes: Callable[[], bool]) -> None:
        super().__init__(scope, receive, send)
        self.id, self.name, self.status, self.closes = str(uuid4()), NO_ROUTE, 0, closes
        self.is_arriving = "transfer-encoding" in self.headers or self.headers.get("content-length", "0") != "0"

    async def receive_part(self) -> Message:
        """Receive a part of the body."""
        message = await self._receive()
        self.is_arriving = bool(message.get("more_body"))
        return message

    async def send_part(self, message: Message) -> None:
        """Send a part of the response."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            if self.closes():
                message["headers"].append((b"connection", b"close"))
        await self._send(message)


class Path(routing.Route):
    """The routes of the API with the same path, by method. It matches any method, to refuse others with a problem."""

    def __init__(self, path: str, routes: Mapping[str, Route], respond: Callable[..., Awaitable[responses.Response]]):
        super().__init__(path, respond)
        self.methods = None
        self.path_regex = re.compile(self.path_regex.pattern.removesuffix("$") + r"\Z")  # `$` ignores a line break
        self.by_method = routes
        self.allow = ", ".join(method for route in routes.values() for method in route.methods)
        self.is_of_photo = "identify" in path  # its requests wait in the queue of photos

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        response = await self.endpoint(self, scope["exchange"])
        await response(scope, receive, send)


class Beside(Protocol):
    """Another program, such as the dashboards, that this server also serves. `name`: the program's name in the log."""

    name: str

    def serves(self, path: str) -> bool:
        """Return whether the program serves a path."""

    def respond(self, address: str) -> Response:
        """Return the response to a GET request. `address`: path and query of the request. Raises `HTTPError`."""


class Asgi(routing.Router):
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
        by_path: dict[str, dict[str, Route]] = {}
        for route in routes:
            by_path.setdefault(route.path, {})[route.method] = route
        self._paths = [Path(path, its, self._serve) for path, its in by_path.items()]
        super().__init__(self._paths, redirect_slashes=False, default=self._elsewhere, lifespan=self._lifespan)
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
        nothing_page()  # loads Jinja, which would hold up the event loop for 0.1 s later

    @asynccontextmanager
    async def _lifespan(self, _: object) -> AsyncIterator[None]:
        beating = asyncio.create_task(self._pulse.beat_for_ever(self._on_pulse))
        yield
        beating.cancel()
        self._pulse.beat(self._on_pulse)
        self._refusals.flush()
        self.admission.close()
        for lane in self._lanes.values():
            lane.close()
        self._writers.shutdown()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await super().__call__(scope, receive, send)
        elif scope["path"] == HEALTHZ and scope["method"] in {"GET", "HEAD"}:  # whatever its Host is
            text, status = ("stopping", 503) if self.draining else ("ok", 200)
            headers = {"Content-Type": "text/plain", "Cache-Control": "no-store"}
            await responses.Response(text, status, headers)(scope, receive, send)
        else:
            scope["exchange"] = exchange = Exchange(scope, receive, send, lambda: self.draining)
            try:
                await self._answer(exchange)
            except asyncio.CancelledError:  # while the response was being sent
                self._pulse.cut_off += 1
                raise
            finally:
                del scope["exchange"]  # the cycle would keep the request in memory until the collector runs

    async def _answer(self, exchange: Exchange) -> None:
        started, scope, channel = perf_counter(), exchange.scope, (exchange.receive_part, exchange.send_part)
        scope["path"] = scope["path"].rstrip("/") or "/"  # a slash at the end is ignored, as in API Gateway
        limit, is_cut_off = "", False
        try:
            self._check_host(exchange.headers)
            await super().__call__(scope, *channel)
        except requests.ClientDisconnect:
            pass
        except HTTPError as error:
            self.refused(without_frames(error), exchange.id, exchange.name)
            limit, response = error.limit, _refusal(error, exchange)
            await (Unread if exchange.is_arriving else outgoing)(response)(scope, *channel)
        except asyncio.CancelledError:  # the server no longer waits for its running requests
            if exchange.status:
                raise
            is_cut_off, exchange.closes = True, lambda: True
            stopping = Unavailable("the server is stopping; send the request again", retry_after=1)
            await outgoing(problem_response(stopping, exchange.id))(scope, *channel)
        self._pulse.cut_off += is_cut_off
        self._pulse.drained += self.draining and exchange.status > 0 and not is_cut_off
        if not limit:
            self._log(exchange.method, exchange.name, exchange.status, perf_counter() - started)

    async def _elsewhere(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request for a path that the application does not have."""
        beside, exchange = self._beside, scope["exchange"]
        if beside is None or not beside.serves(scope["path"]):
            raise NotFound(NOWHERE)
        exchange.name = beside.name
        if exchange.method not in ("GET", "HEAD"):
            raise _not_allowed("GET, HEAD")
        query = b"?%b" % scope["query_string"] if scope["query_string"] else b""
        address = (scope["raw_path"] + query).decode("ascii")  # as the client encoded it
        await outgoing(await self._lanes["page"].run(partial(beside.respond, address)))(scope, receive, send)

    async def _serve(self, path: Path, exchange: Exchange) -> responses.Response:
        exchange.name, method = path.path, "GET" if exchange.method == "HEAD" else exchange.method
        if method == "OPTIONS":
            allowed = ",".join(sorted({*path.allow.split(", "), "OPTIONS"}))
            return responses.Response(headers={**CORS, "Access-Control-Allow-Methods": allowed})
        route = path.by_method.get(method)
        if route is None:
            raise _not_allowed(path.allow)
        headers, lane = dict(exchange.headers.items()), self._lanes[route.lane]
        size = self._declared_size(route, exchange.headers)
        is_spooled = self._settings.relays and route.most_body is None
        if path.is_of_photo:
            self.admission.check_queue()  # before the body is read
        query = parse_qs(exchange.scope["query_string"].decode("latin-1"), keep_blank_values=True)
        values = {name: unquote(value) for name, value in exchange.path_params.items()}
        request = Request(exchange.id, headers, query, values)
        if route.authorize is not None:
            request = request._replace(authorized=await lane.run(partial(route.authorize, request)))
        with (self._files if is_spooled else self.memory).receiving(size) as arrived, ExitStack() as files:
            if route.method == "POST":
                body: Spool | MemoryBody = MemoryBody()
                if is_spooled:
                    body = files.enter_context(Spool(headers.get("content-type", ""), self._limit, self._writers))
                await receive_body(
                    exchange.receive_part, body, arrived, *self._body_limit(route), self._settings.body_rate
                )
                if isinstance(body, Spool):
                    request = request._replace(spooled=await body.finish())
                else:
                    request = request._replace(body=body.whole())
            request = request._replace(arrived=monotonic())

            def respond() -> Response:
                response = self._application.respond(route, request)
                response = response._replace(headers={**CORS, **response.headers})
                return compressed(response, headers.get("accept-encoding", ""))

            if path.is_of_photo:
                return outgoing(await self.admission.run(respond, exchange.receive_part))
            return outgoing(await lane.run(respond))

    def turn_away(self, scope: Scope) -> tuple[Unavailable, str] | None:
        """Return the error for a photo for which the queue has no room, and its route's path; None for other requests.

        The protocol calls this before it starts a request. A request that has another fault too is not turned away
        here: its client gets the error for that fault.
        """
        if self.draining or scope["method"] != "POST" or not self.admission.is_full:
            return None
        path, headers = self._path(scope["path"]), Headers(scope=scope)
        route = path.by_method.get("POST") if path and path.is_of_photo else None
        if route is None:
            return None
        try:
            self._check_host(headers)
            self._declared_size(route, headers)
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
        if found := self._path(path):
            return _not_allowed(found.allow)
        is_beside = self._beside is not None and self._beside.serves(path)
        return _not_allowed("GET, HEAD") if is_beside else NotFound(NOWHERE)

    def _path(self, path: str) -> Path | None:
        scope = {"type": "http", "path": path.rstrip("/") or "/"}
        return next((each for each in self._paths if each.matches(scope)[0] is routing.Match.FULL), None)

    def _check_host(self, headers: Headers) -> None:
        """Raise `BadRequest` unless there is one Host header, and `MisdirectedRequest` if its host is not served."""
        hosts = headers.getlist("host")
        if len(hosts) != 1:
            raise BadRequest("the request has no Host header, or more than one; send exactly one")
        host = _HOST.fullmatch(hosts[0].lower())
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

    def _body_limit(self, route: Route) -> tuple[int, ClientError]:
        """Return the most bytes that the body of a request may have, and the error for more."""
        most = route.most_body
        if most is None:
            text = f"the body is too large for a photo of at most {self._limit / 1e6:g} MB; send a smaller one"
            return self._limit + FORM_MARGIN, PhotoTooLarge(text)
        text = f"the body has more than {most} bytes; send a shorter one"
        return most, BodyTooLarge(text if most else "this path takes no body; send the request without one")


def _not_allowed(allow: str) -> MethodNotAllowed:
    return MethodNotAllowed(f"this path accepts {allow}", allow)


def _refusal(error: HTTPError, exchange: Exchange) -> Response:
    """Return the response to a refused request: problem details, or a page for a browser that follows a wrong link."""
    is_lost = isinstance(error, NotFound) and exchange.name == NO_ROUTE
    if is_lost and "text/html" in exchange.headers.get("accept", ""):
        return nothing_page(language_of(Request(exchange.id, exchange.headers), languages()))
    return problem_response(error, exchange.id)
