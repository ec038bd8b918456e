"""The HTTP server: uvicorn, configured for the application."""

import sys
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import uvicorn

from chalicelib.application import Application
from chalicelib.config.process_memory import decode_bytes
from chalicelib.errors import ModelError, SettingError
from web.allocator import return_large_blocks
from web.asgi import Asgi, Beside, RequestLog
from web.protocol import Protocol
from web.settings import WebSettings

SHUTDOWN_SECONDS = 30
"""Longest time for running requests after SIGTERM or SIGINT."""


def serve(application: Application, host: str, port: int, beside: Beside | None = None) -> int:
    """Load the model, then serve until SIGTERM or SIGINT. Returns the exit code."""
    try:
        settings = WebSettings.from_environment()
        if settings.worker_count > 1 and not application.settings.model_threads:
            # One thread for each of several photos: sharing processors between them makes all of them slower.
            application.settings = replace(application.settings, model_threads=1)
        decode_bytes(application.settings.photo_decode_bytes, 0, other=settings.body_bytes)
        application.services()
    except ModelError as error:
        path = application.settings.model_path.absolute()
        print(f"the server cannot start with the model {path}: {error}", file=sys.stderr)
        return 1
    except SettingError as error:
        print(f"the server cannot start: {error}", file=sys.stderr)
        return 1
    return_large_blocks()
    log = partial(print_request, quiet=beside.name if beside else "")
    build_server(Asgi(application, settings, log, beside=beside), host, port, settings, log).run()
    return 0


def print_request(method: str, route: str, status: int, seconds: float, quiet: str = "") -> None:
    """Print one line per request, without its query, which may hold coordinates.

    Successful requests for the route `quiet` are left out: an open page sends one every few seconds.
    """
    if route != quiet or status != 200:
        print(f"{method} {route} {status or 'gone'} {seconds * 1e3:.0f} ms", flush=True)


def build_server(
    asgi: Callable[..., Any], host: str, port: int, settings: WebSettings, log: RequestLog
) -> uvicorn.Server:
    """A server for an ASGI application; `run` or `serve` starts it. SIGTERM and SIGINT finish running requests.

    `log` gets the requests that are no valid HTTP; the application logs all others.
    """
    options = {
        "head_seconds": settings.head_seconds,
        "most_connections": settings.connections,
        "log": staticmethod(log),
    }
    if isinstance(asgi, Asgi):
        options["refusal_of_method"] = staticmethod(asgi.refusal_of_method)
    protocol = type("ConfiguredProtocol", (Protocol,), options)
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
        timeout_keep_alive=int(settings.keep_alive_seconds),
        timeout_graceful_shutdown=SHUTDOWN_SECONDS,
    )
    return uvicorn.Server(config)
