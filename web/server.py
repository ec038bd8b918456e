"""The HTTP server: uvicorn, configured for the application."""

from collections.abc import Callable
from typing import Any

import uvicorn

from web.protocol import Protocol
from web.settings import WebSettings


def build_server(asgi: Callable[..., Any], host: str, port: int, settings: WebSettings) -> uvicorn.Server:
    """A server for an ASGI application; `serve` or `run` starts it. SIGTERM and SIGINT finish running requests."""
    protocol = type("ConfiguredProtocol", (Protocol,), {"head_seconds": settings.head_seconds})
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
        timeout_graceful_shutdown=30,
        limit_concurrency=None,
        backlog=settings.connections,
    )
    return uvicorn.Server(config)
