"""All of a package at work: its functions with their containers, and the API before one of them."""

import json
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import fields, replace
from functools import partial
from pathlib import Path
from typing import Any

from chalicelib.config.settings import Settings
from chalicelib.errors import HTTPError
from infra.gateway_responses import GATEWAY_RESPONSES
from infra.package import Package
from local.http.handler import Connection, Server
from local.lambda_sim.events import Request, scheduled_event
from local.lambda_sim.function import API, Function, functions_of
from local.lambda_sim.gateway import BODY_LIMIT, Gateway
from local.lambda_sim.log import FunctionLog
from local.lambda_sim.pool import Pool
from local.lambda_sim.report import Invoked
from local.lambda_sim.sandbox import Sandbox, Way, unpacked
from local.stack.ports import HOST

APPLICATION = "faunalens"
LAMBDAS = ("_HANDLER", "METRICS_FILE", "MODEL_PATH", "AWS_REGION", "STAGE")
"""Settings that Lambda, the package or the stage says, whatever they are at this desk."""


class Deployment:
    """A package at work. `functions`: the containers of each, by handler; `gateway`: the API. Made by `deployed`."""

    def __init__(self, template: Mapping[str, Any], place: Sandbox, functions: Mapping[str, Pool]) -> None:
        self.place = place
        self.functions = functions
        self.gateway = Gateway(template, functions[API].invoke)

    def run_schedule(self, handler: str) -> Invoked:
        """What EventBridge does when it is time for a function."""
        pool = self.functions[handler]
        return pool.invoke(json.dumps(scheduled_event(pool.function.name)).encode())

    def build_server(self, port: int) -> Server:
        """The API over HTTP, bound to the port (0: a free one). Raises OSError if it is taken."""
        return Server((HOST, port), partial(_Handler, gateway=self.gateway))


@contextmanager
def deployed(
    package: Package,
    folder: Path,
    environment: Mapping[str, str],
    *,
    stage: str = "dev",
    containers: int | None = None,
    way: Way | None = None,
    writable: bool = False,
) -> Iterator[Deployment]:
    """The package at work, its logs in `folder`; nothing of it runs at the end.

    `environment`: of this desk; what of it is settings of the app, its functions get. `containers`: most of the API at
    a time, in place of the stage's reserved concurrency. Metrics are added to METRICS_FILE of the environment.
    """
    template = json.loads(package.template.read_text())
    settings = _settings_in(environment)
    log = FunctionLog(folder, Path(environment.get("METRICS_FILE") or folder / "metrics.jsonl"))
    with ExitStack() as stack:
        place = stack.enter_context(unpacked(package, folder / "lambda", way, writable=writable))
        pools = {}
        for handler, each in functions_of(template, APPLICATION, stage).items():
            function = _configured(each, settings, containers if handler == API else None)
            pools[handler] = Pool(function, place, folder, partial(log.write, each.name))
            stack.callback(pools[handler].close)
        yield Deployment(template, place, pools)


class _Handler(Connection):
    """One connection to the API."""

    def __init__(self, request: Any, client_address: Any, server: Any, *, gateway: Gateway) -> None:
        self._gateway = gateway
        super().__init__(request, client_address, server, body_limit=BODY_LIMIT)

    def answer(self, body: bytes) -> None:
        request = Request(self.command, self.path, [*self.headers.items()], body, self.client_address[0])
        answer = self._gateway.answer(request)
        self.send(answer.status, answer.headers, answer.body)

    def too_large(self) -> HTTPError:
        return GATEWAY_RESPONSES["REQUEST_TOO_LARGE"]

    def route(self) -> str:
        return self._gateway.resource_of(self.path) or "(no such path)"


def _configured(function: Function, settings: Mapping[str, str], containers: int | None) -> Function:
    environment = {**function.environment, **settings}
    return replace(function, environment=environment, concurrency=containers or function.concurrency)


def _settings_in(environment: Mapping[str, str]) -> dict[str, str]:
    """What of an environment is settings of the app."""
    names = {each.metadata["variable"] for each in fields(Settings)} - set(LAMBDAS)
    return {name: value for name, value in environment.items() if name in names}
