"""HTTP for the simulated API Gateway, with the server that also serves the app (`web/server.py`)."""

import asyncio
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Thread
from time import perf_counter
from uuid import uuid4

from chalicelib.api.http import problem_response
from chalicelib.errors import RequestTimeout
from local.lambda_sim.api_gateway import BODY_LIMIT, THREADS, ApiGateway
from local.lambda_sim.events import ApiRequest, ApiResponse
from local.stack.ports import HOST
from web.body import ClientGone
from web.messages import Receive, Scope, Send
from web.server import build_server, print_request
from web.settings import WebSettings

BODY_TIMEOUT = 75.0
"""Longest time for a client to send a body, in seconds."""


@contextmanager
def serving(gateway: ApiGateway, port: int) -> Iterator[int]:
    """Serve an API until the end of the block. Yield the port; 0 selects a free one.

    Raises OSError if another program uses the port.
    """
    with (
        socket.create_server((HOST, port)) as listener,
        ThreadPoolExecutor(THREADS, thread_name_prefix="request") as threads,
    ):
        server = build_server(GatewayAsgi(gateway, threads), HOST, port, WebSettings(), print_request)
        thread = Thread(target=server.run, args=([listener],))
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            server.should_exit = True
            thread.join()


class GatewayAsgi:
    """An ASGI application that passes each request to an `ApiGateway`, in one of `threads`."""

    def __init__(self, gateway: ApiGateway, threads: ThreadPoolExecutor) -> None:
        self._gateway = gateway
        self._threads = threads

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":  # uvicorn also reports when it starts and stops
            return
        started, method, target = perf_counter(), scope["method"], _target(scope)
        status = 0
        try:
            response = await self._respond(scope, target, receive)
            status = response.status
            await _send(send, response)
        except ClientGone:
            pass  # logged with status 0
        print_request(method, self._gateway.resource_of(target) or "(no such path)", status, perf_counter() - started)

    async def _respond(self, scope: Scope, target: str, receive: Receive) -> ApiResponse:
        """Return the response to a request. Raises `ClientGone`."""
        try:
            async with asyncio.timeout(BODY_TIMEOUT):
                body = await _read_body(receive)
        except TimeoutError:
            error = RequestTimeout(f"the body did not arrive within {BODY_TIMEOUT:g} s; send a smaller photo")
            problem = problem_response(error, str(uuid4()))
            return ApiResponse(problem.status, {**problem.headers, "Connection": "close"}, str(problem.body).encode())
        # uvicorn changes header names to lower case. Clients of HTTP/1.1 usually send them like titles.
        headers = [(name.decode("latin-1").title(), value.decode("latin-1")) for name, value in scope["headers"]]
        request = ApiRequest(scope["method"], target, headers, body, scope["client"][0])
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._gateway.handle, request)


def _target(scope: Scope) -> str:
    """Return path and query as the client sent them."""
    path, query = scope["raw_path"].decode("latin-1"), scope["query_string"].decode("latin-1")
    return f"{path}?{query}" if query else path


async def _read_body(receive: Receive) -> bytes:
    """Return the body, or its first `BODY_LIMIT` + 1 bytes, which the gateway refuses. Raises `ClientGone`."""
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGone
        body += message["body"][: BODY_LIMIT + 1 - len(body)]
        if not message["more_body"]:
            return bytes(body)


async def _send(send: Send, response: ApiResponse) -> None:
    """Send a response. uvicorn omits the body if the method is HEAD."""
    headers = [(b"content-length", str(len(response.body)).encode())] + [
        (name.encode("latin-1"), value.encode("latin-1"))
        for name, values in response.headers.items()
        for value in ([values] if isinstance(values, str) else values)
    ]
    await send({"type": "http.response.start", "status": response.status, "headers": headers})
    await send({"type": "http.response.body", "body": response.body})
