"""Serves a Chalice app through Chalice's local gateway, with our HTTP/1.1 request handler; used by `make run`."""

import json
from functools import partial
from typing import Any
from uuid import uuid4

from chalice.app import Chalice
from chalice.config import Config
from chalice.local import (
    ChaliceRequestHandler,
    CustomLocalChalice,
    LocalChalice,
    LocalDevServer,
    LocalGateway,
    LocalGatewayException,
)

from chalicelib.api.problem import headers_of, problem_of
from chalicelib.errors import HTTPError, NotFound, PhotoTooLarge, Unavailable
from local.http.dashboards import PATH, Dashboards, is_below
from local.http.handler import FORM_MARGIN, RequestHandler, Server
from local.stack.errors import LocalError


def build_server(
    app: Chalice, host: str, port: int, *, photo_max_bytes: int, dashboards: Dashboards | None = None
) -> LocalDevServer:
    """Return Chalice's local server for `app`, bound to the port. Raises OSError if the port is taken.

    `dashboards` answers requests below /dashboards for which the app has no route.
    """
    # Like chalice.local.create_local_server: threads share the app, and each has its own current request.
    CustomLocalChalice.__bases__ = (LocalChalice, app.__class__)
    app.__class__ = CustomLocalChalice
    handler = partial(Handler, photo_max_bytes=photo_max_bytes, dashboards=dashboards)
    config = Config(chalice_stage="local", user_provided_params={"app_name": app.app_name})
    return LocalDevServer(app, config, host, port, handler_cls=handler, server_cls=Server)


class Handler(RequestHandler, ChaliceRequestHandler):
    """One connection to a Chalice app."""

    def __init__(
        self,
        request: Any,
        client_address: Any,
        server: Any,
        app_object: Chalice,
        config: Config,
        *,
        photo_max_bytes: int,
        dashboards: Dashboards | None,
    ) -> None:
        self._photo_max_bytes = photo_max_bytes
        self._dashboards = dashboards
        self.local_gateway = LocalGateway(app_object, config)
        self._body = b""
        RequestHandler.__init__(self, request, client_address, server, body_limit=photo_max_bytes + FORM_MARGIN)

    def answer(self, body: bytes) -> None:
        self._body = body
        self._generic_handle()

    def too_large(self) -> PhotoTooLarge:
        return PhotoTooLarge(
            f"the body is over the {self._photo_max_bytes / 1e6:g} MB that a photo may have; send a smaller one"
        )

    def route(self) -> str:
        try:
            return str(self.local_gateway.event_converter._route_matcher.match_route(self.path).route)
        except (ValueError, AttributeError):
            return PATH if self._dashboards and is_below(self.path) else "(no such path)"

    def log(self, status: int, seconds: float) -> None:
        """Log one response, except successful ones of the dashboards, which a page requests every few seconds."""
        if status != 200 or self.route() != PATH:
            super().log(status, seconds)

    def _parse_payload(self) -> tuple[dict[str, str], bytes | None]:
        return dict(self.headers), self._body or None

    def _send_error_response(self, error: LocalGatewayException) -> None:  # noqa: ARG002  the gateway's text
        if self._dashboards and self.command in ("GET", "HEAD") and is_below(self.path):
            self._show(self._dashboards)
            return
        self._send_problem(NotFound("there is nothing at this path; GET /openapi.json lists the paths"))

    def _send_problem(self, error: HTTPError) -> None:
        self.send(error.status, headers_of(error), json.dumps(problem_of(error, str(uuid4()))))

    def _send_http_response_with_body(self, code: int, headers: dict[str, Any], body: str | bytes) -> None:
        self.send(code, {"Content-Type": "application/json", **headers}, body)

    def _show(self, dashboards: Dashboards) -> None:
        try:
            status, headers, body = dashboards.answer(self.path)
        except LocalError as error:
            self._send_problem(Unavailable(str(error)))
            return
        self.send(status, headers, body)
