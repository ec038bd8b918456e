"""The HTTP server: uvicorn with the settings of the application.

Granian (Rust) would not pay: it took 0.2 ms of processor time for a body of 80 kB, uvicorn 0.13.
"""

import errno
import resource
import signal
import socket
import sys
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import replace
from functools import partial
from threading import Thread, Timer
from time import sleep
from types import FrameType

import uvicorn

from chalicelib.api.http import Route
from chalicelib.api.uploads import Uploads
from chalicelib.application import Application
from chalicelib.errors import ModelError, SettingError, Unavailable
from chalicelib.photo.memory import decode_bytes
from chalicelib.routes import ROUTES
from chalicelib.telemetry.emf import Emitter
from chalicelib.telemetry.metrics import TIER
from faunalens.web.admission import return_large_blocks
from faunalens.web.asgi import Asgi, Beside, RequestLog
from faunalens.web.protocol import Protocol
from faunalens.web.relay import Function, relay_routes
from faunalens.web.results.results import open_results
from faunalens.web.results.routes import with_results
from faunalens.web.results.stores import SWEEP_SECONDS
from faunalens.web.settings import WebSettings

SHUTDOWN_SECONDS = 30  # for finishing running requests after the server has stopped to accept connections
BACKLOG = 2048  # connections that wait in the kernel until the server accepts them
STALL_SECONDS = 30  # after which the kernel closes a connection whose client takes nothing of a response


def serve(
    application: Application, host: str, port: int, beside: Beside | None = None, *, announce: bool = False
) -> int:
    """Load the model and serve the application until SIGTERM or SIGINT. Return the exit code.

    `beside`: another program to serve. `announce`: whether to print a line when clients can connect.
    """
    for number in (signal.SIGTERM, signal.SIGINT):  # while the model is loaded
        signal.signal(number, lambda *_: sys.exit(0))
    try:
        settings = WebSettings.from_environment()
        log: RequestLog = partial(print_request, quiet=beside.name if beside else "")
        if settings.relays and application.settings.telemetry.log_format == "json":
            log = lambda *_: None  # noqa: E731  metrics have a line for each request, and every line is JSON
        asgi = (relaying if settings.relays else identifying)(application, settings, log, beside)
        listener = listen(host, port)
    except (ModelError, SettingError) as error:
        model = application.settings.model.path.absolute()
        which = f" with the model {model}" if isinstance(error, ModelError) else ""
        print(f"the server cannot start{which}: {error}", file=sys.stderr)
        return 1
    return_large_blocks()
    allow_files(settings.connections)
    server = build_server(asgi, host, port, settings)
    for number in (signal.SIGTERM, signal.SIGINT):  # uvicorn raises them again after it has finished running requests
        signal.signal(number, server.handle_exit)
    if announce:
        shown = f"[{host}]" if ":" in host else host
        print(f"serving http://{shown}:{port}; Ctrl-C or SIGTERM stops the server", flush=True)
    server.run([listener])
    return 0


def identifying(application: Application, settings: WebSettings, log: RequestLog, beside: Beside | None) -> Asgi:
    """Return the server of an application, with the model loaded. Raises `ModelError` and `SettingError`."""
    several = settings.worker_count > 1 and not application.settings.model.threads
    if several:
        # Several photos run at the same time, so each gets one thread. With more threads, all would be slower.
        application.settings = replace(application.settings, model=replace(application.settings.model, threads=1))
    decode_bytes(application.settings.photo.decode_bytes, 0, other=settings.body_bytes)
    asgi = Asgi(application, settings, log, _with_results(ROUTES, application, settings), beside)
    services = application.services()
    if application.settings.model.is_own:  # a fault of theirs prevents the start
        services.recogniser.try_models()
    if several:
        services.recogniser.models.general.use_all_processors_when(lambda: asgi.admission.is_alone)
    return asgi


def relaying(application: Application, settings: WebSettings, log: RequestLog, beside: Beside | None) -> Asgi:
    """Return the server of an application without a model: a Lambda function identifies photos. Raises `SettingError`.

    Its metrics have the dimension `tier`, since the function counts the same requests.
    """
    own = application.settings
    if not own.s3.bucket:
        raise SettingError("setting PHOTO_BUCKET is empty; INFERENCE=lambda needs the bucket that the function reads")
    application.emitter = Emitter(own.telemetry.service, own.deployment.stage, own.telemetry.metrics_file, tier=TIER)
    workers = settings.worker_count
    function = Function(settings.identify_function, own.deployment.region, settings.invoke_seconds, workers)
    routes = _with_results(relay_routes(function, Uploads(own, workers)), application, settings)
    return Asgi(application, settings, log, routes, beside, on_pulse=application.emit)


def _with_results(routes: Iterable[Route], application: Application, settings: WebSettings) -> tuple[Route, ...]:
    """Return the routes, with those of results added if the settings say where to keep results."""
    results = open_results(application.settings, settings)
    if results is None:
        return tuple(routes)

    def sweep_for_ever() -> None:  # expired results go also if no new ones are kept
        while True:
            with suppress(Unavailable):  # the next request that keeps a result logs why
                results.sweep()
            sleep(SWEEP_SECONDS)

    Thread(target=sweep_for_ever, name="sweep", daemon=True).start()
    return with_results(routes, results, settings.public_url)


def listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens on the address. Raises `SettingError`."""
    try:
        family, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        listener = socket.create_server(address, family=family, backlog=BACKLOG)
        # Accepted connections inherit this option. asyncio sets it only for sockets created with IPPROTO_TCP. Without
        # it, each response on a kept-alive connection waits 40 ms for the client's delayed acknowledgement.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if sys.platform == "linux":
            listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, STALL_SECONDS * 1000)
        return listener
    except socket.gaierror:
        raise SettingError(f"host '{host}' is unknown; give an address of this machine, such as 127.0.0.1") from None
    except OSError as error:
        reasons = {
            errno.EADDRINUSE: f"port {port} is taken by another program; choose another with --port",
            errno.EACCES: f"port {port} needs root; choose one above 1023 with --port",
            errno.EADDRNOTAVAIL: f"this machine has no address {host}; listen on 127.0.0.1, or on 0.0.0.0 for all",
        }
        reason = reasons.get(error.errno or 0, f"listening on {host} port {port} failed: {error.strerror}")
        raise SettingError(reason) from None


def allow_files(connections: int) -> None:
    """Raise the limit of open files if it is too low for so many connections, as far as the system lets us.

    Many systems allow 1,024. Without a free file, asyncio cannot refuse a connection: it logs thousands of errors a
    second, and no client gets an answer.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 2 * connections + 1024  # connections to S3 and Lambda, and photos in temporary files
    if soft != resource.RLIM_INFINITY and soft < wanted:
        allowed = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, allowed), hard))


def print_request(method: str, route: str, status: int, seconds: float, quiet: str = "") -> None:
    """Print a line for a request. It has no query, which may contain coordinates.

    `quiet`: a route whose successful requests are not printed, because dashboards send them often.
    """
    if route != quiet or status != 200:
        print(f"{method} {route} {status or 'gone'} {seconds * 1e3:.0f} ms", flush=True)


def build_server(asgi: Asgi, host: str, port: int, settings: WebSettings) -> "Server":
    """Return a server for an application. Its methods `run` and `serve` serve until SIGTERM or SIGINT."""
    limits = {"head_seconds": settings.head_seconds, "most_connections": settings.connections}
    asked = {each: staticmethod(getattr(asgi, each)) for each in ("refusal_of_method", "refused", "turn_away")}
    protocol = type("ConfiguredProtocol", (Protocol,), {**limits, **asked})
    config = uvicorn.Config(
        asgi,
        host=host,
        port=port,
        http=protocol,
        ws="none",
        loop="asyncio",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=settings.keep_alive_seconds,  # type: ignore[arg-type] # 0.5 s are not 0
        timeout_graceful_shutdown=SHUTDOWN_SECONDS,
    )
    return Server(config, asgi, settings.drain_seconds)


class Server(uvicorn.Server):
    """A server that goes on for `drain_seconds` after SIGTERM, while `GET /healthz` already fails.

    After that it accepts no connections, and finishes the running requests. Another signal ends the wait.
    """

    def __init__(self, config: uvicorn.Config, asgi: Asgi, drain_seconds: float) -> None:
        super().__init__(config)
        self._asgi, self._drain_seconds = asgi, drain_seconds

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Begin to stop. The process calls this when it gets a signal."""
        asgi = self._asgi
        if asgi.draining or sig != signal.SIGTERM or not self._drain_seconds:
            super().handle_exit(sig, frame)
            return
        asgi.draining = True
        timer = Timer(self._drain_seconds, super().handle_exit, (sig, frame))
        timer.daemon = True  # a second signal ends the process before the timer does
        timer.start()
