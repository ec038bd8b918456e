"""`make lambda`: what would be deployed, packed, unpacked and run as Lambda runs it, over HTTP, on real stores.

The package is built while the stores start. Then the API stands on `--port`, with as many containers as requests are
worked on at a time, and the schedule runs beside it in a container of its own.
"""

import argparse
import json
import sys
from contextlib import ExitStack
from dataclasses import fields, replace
from functools import partial
from pathlib import Path
from subprocess import CalledProcessError
from threading import Thread
from typing import Any

from chalicelib.settings import Settings
from infra.package import Package, build
from local.connection import Connection, Server
from local.desk import Desk, Ended, parser_of, serve
from local.end import End
from local.errors import LocalError
from local.lambda_events import Request, scheduled_event
from local.lambda_function import API, Function, functions_of, rate_of
from local.lambda_gateway import BODY_LIMIT, Gateway
from local.lambda_log import FunctionLog
from local.lambda_place import Place, unpacked
from local.lambda_pool import Pool
from local.ports import HOST
from local.sample import chelsea

APPLICATION = "faunalens"
OURS = ("_HANDLER", "METRICS_FILE", "MODEL_PATH", "AWS_REGION", "STAGE")
"""Settings that Lambda, the package or the stage says, whatever they are at this desk."""


class Lambdas(Desk):
    """One `make lambda`. Parameters besides a desk's: stage, whose package is built; containers, most of the API."""

    def __init__(self, port: int, end: End, stack: ExitStack, stage: str, containers: int | None) -> None:
        super().__init__(port, end, stack)
        self._stage = stage
        self._containers = containers

    def start(self) -> None:
        environment = self.launch()
        package = self._packed()
        place = self._stack.enter_context(unpacked(package, self.folder / "lambda"))
        seen = "at /var/task and /opt" if place.way == "namespace" else f"below {place.task.parent}"
        self.tell("package", f"{package.zipped / 1e6:.1f} MB, unpacked {seen}")
        self.ready(environment)
        template = json.loads(package.template.read_text())
        log = FunctionLog(self.folder, Path(environment["METRICS_FILE"]))
        functions = functions_of(template, APPLICATION, self._stage)
        settings = _settings_in(environment)
        pools = {
            handler: self._pool(replace(each, environment={**each.environment, **settings}), place, log)
            for handler, each in functions.items()
        }
        gateway = Gateway(template, pools[API].invoke)
        self._smoke_test(gateway)
        for pool in pools.values():
            if pool.function.schedule:
                Thread(target=self._run_on_schedule, args=(pool,), daemon=True).start()
        self._serve(gateway)

    def welcome(self) -> None:
        photo = chelsea()
        shown = photo.relative_to(Path.cwd()) if photo.is_relative_to(Path.cwd()) else photo
        url = f"http://{HOST}:{self.port}"
        print(
            f"\nReady in {self.seconds:.1f} s: {url}  (Ctrl-C stops everything)\n\n"
            f"    curl --data-binary @{shown} \\\n"
            f"         -H 'Content-Type: image/png' '{url}/identify?lat=-33.9&lon=151.2'\n",
            flush=True,
        )

    def _packed(self) -> Package:
        try:
            return build(self.folder / "package", self._stage)
        except CalledProcessError as error:
            if self._end.is_set():  # Ctrl-C reached it too
                raise Ended from None
            raise LocalError("the package could not be built; Chalice says why above") from error

    def _pool(self, function: Function, place: Place, log: FunctionLog) -> Pool:
        if function.handler == API and self._containers:
            function = replace(function, concurrency=self._containers)
        pool = Pool(function, place, self.folder, partial(log.write, function.name))
        self._stack.callback(pool.close)
        return pool

    def _smoke_test(self, gateway: Gateway) -> None:
        """A package that does not work is told here, not to the first client."""
        answer = gateway.answer(Request("GET", "/health?deep=true", [], b"", HOST))
        if answer.status != 200:
            logs = self.folder / f"{APPLICATION}-{self._stage}.log"
            raise LocalError(f"the package does not work: /health says {answer.status} {answer.body.decode()} ({logs})")
        self.tell("API", "answers, every part works")

    def _run_on_schedule(self, pool: Pool) -> None:
        pause = rate_of(pool.function.schedule)
        while not self._end.wait(pause):
            pool.invoke(json.dumps(scheduled_event(pool.function.name)).encode())

    def _serve(self, gateway: Gateway) -> None:
        server = Server((HOST, self.port), partial(_Handler, gateway=gateway))
        self._stack.callback(server.server_close)
        self._stack.callback(server.shutdown)
        Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()


class _Handler(Connection):
    """One connection to the API."""

    def __init__(self, request: Any, client_address: Any, server: Any, *, gateway: Gateway) -> None:
        self._gateway = gateway
        super().__init__(request, client_address, server, body_limit=BODY_LIMIT)

    def answer(self, body: bytes) -> None:
        request = Request(self.command, self.path, [*self.headers.items()], body, self.client_address[0])
        answer = self._gateway.answer(request)
        self.send(answer.status, answer.headers, answer.body)

    def route(self) -> str:
        return self._gateway.resource_of(self.path) or "(no such path)"


def _settings_in(environment: dict[str, str]) -> dict[str, str]:
    """What of an environment is settings of the app."""
    names = {each.metadata["variable"] for each in fields(Settings)} - set(OURS)
    return {name: value for name, value in environment.items() if name in names}


def main() -> int:
    """Start, say that it is ready, wait, stop. Returns the exit code."""
    parser = parser_of("Run the package as Lambda runs it, on this machine.")
    parser.add_argument("--stage", default="dev", help="whose package is built (default: dev)")
    parser.add_argument(
        "--containers", type=_count, help="most containers of the API at a time (default: the stage's)", metavar="N"
    )
    arguments = parser.parse_args()

    def desk(end: End, stack: ExitStack) -> Lambdas:
        return Lambdas(arguments.port, end, stack, arguments.stage, arguments.containers)

    return serve("make lambda", desk, with_parent=arguments.with_parent)


def _count(text: str) -> int:
    if not text.isdigit() or not 0 < int(text) <= 1000:
        raise argparse.ArgumentTypeError(f"{text} is no number of containers; choose one from 1 to 1000")
    return int(text)


if __name__ == "__main__":
    sys.exit(main())
