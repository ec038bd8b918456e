"""`make lambda`: what would be deployed, packed, unpacked and run as Lambda runs it, over HTTP, on real stores.

The package is built while the stores start. Then the API stands on `--port`, with as many containers as requests are
worked on at a time, and the schedule runs beside it in a container of its own.
"""

import argparse
import sys
from contextlib import ExitStack
from pathlib import Path
from subprocess import CalledProcessError
from threading import Thread

from infra.chalice_config import stages
from infra.package import Package, build
from local.lambda_sim.deployment import Deployment, deployed
from local.lambda_sim.events import Request
from local.lambda_sim.function import API, rate_of
from local.stack.dev_stack import DevStack, Ended, parser_of, serve
from local.stack.errors import LocalError
from local.stack.initdb import ROOT
from local.stack.ports import HOST
from local.stack.sample import chelsea
from local.stack.shutdown import ShutdownEvent

PACKED_MODEL = ROOT / "vendor" / "model" / "faunalens.onnx"


class Lambdas(DevStack):
    """One `make lambda`. Parameters besides a desk's: stage, whose package is built; containers, most of the API."""

    def __init__(self, port: int, end: ShutdownEvent, stack: ExitStack, stage: str, containers: int | None) -> None:
        super().__init__(port, end, stack)
        self._stage = stage
        self._containers = containers

    def start(self) -> None:
        environment = self.launch() | {"MODEL_PATH": str(PACKED_MODEL)}  # whose animals are loaded
        package = self._packed()
        deployment = self._stack.enter_context(
            deployed(package, self.folder, environment, stage=self._stage, containers=self._containers)
        )
        place = deployment.place
        seen = "at /var/task and /opt" if place.way == "namespace" else f"below {place.task.parent}"
        self.tell("package", f"{package.zipped / 1e6:.1f} MB, unpacked {seen}")
        self.ready(environment)
        self._smoke_test(deployment)
        for handler, pool in deployment.functions.items():
            if pool.function.schedule:
                pause = rate_of(pool.function.schedule)
                Thread(target=self._run_on_schedule, args=(deployment, handler, pause), daemon=True).start()
        self._serve(deployment)

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

    def _smoke_test(self, deployment: Deployment) -> None:
        """A package that does not work is told here, not to the first client."""
        answer = deployment.gateway.answer(Request("GET", "/health?deep=true", [], b"", HOST))
        if answer.status != 200:
            log = self.folder / f"{deployment.functions[API].function.name}.log"
            raise LocalError(f"the package does not work: /health says {answer.status} {answer.body.decode()} ({log})")
        self.tell("API", "answers, every part works")

    def _run_on_schedule(self, deployment: Deployment, handler: str, pause: float) -> None:
        while not self._end.wait(pause):
            deployment.run_schedule(handler)

    def _serve(self, deployment: Deployment) -> None:
        server = deployment.build_server(self.port)
        self._stack.callback(server.server_close)
        self._stack.callback(server.shutdown)
        Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()


def main() -> int:
    """Start, say that it is ready, wait, stop. Returns the exit code."""
    parser = parser_of("Run the package as Lambda runs it, on this machine.")
    parser.add_argument("--stage", default="dev", choices=stages(), help="whose package is built (default: dev)")
    parser.add_argument(
        "--containers", type=_count, help="most containers of the API at a time (default: the stage's)", metavar="N"
    )
    arguments = parser.parse_args()

    def desk(end: ShutdownEvent, stack: ExitStack) -> Lambdas:
        return Lambdas(arguments.port, end, stack, arguments.stage, arguments.containers)

    return serve("make lambda", desk, with_parent=arguments.with_parent)


def _count(text: str) -> int:
    if not text.isdigit() or not 0 < int(text) <= 1000:
        raise argparse.ArgumentTypeError(f"{text} is no number of containers; choose one from 1 to 1000")
    return int(text)


if __name__ == "__main__":
    sys.exit(main())
