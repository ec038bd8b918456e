"""`make lambda`: build the package that `make deploy` would upload, and run it as Lambda does, with real stores.

The package is built while the stores start. The API is served on `--port`, with one container for each request in
progress. `make warm` runs the warming, which AWS would run on a schedule.
"""

import json
import sys
import time
from functools import partial
from subprocess import CalledProcessError

from chalicelib.config.settings import ROOT
from infra import invoke
from infra.functions import stages
from infra.package import build
from infra.step import PreconditionFailed
from local import LocalError
from local.lambda_sim.api_gateway import serving
from local.lambda_sim.container import API
from local.lambda_sim.deployment import RunningPackage, deployed
from local.stack.dev_stack import DevStack, ShutdownRequested, argument_parser, run_stack, whole_number
from local.stack.terminal import step

PACKED_MODEL = ROOT / "vendor" / "model" / "faunalens.onnx"


def start(stack: DevStack, stage: str, containers: int | None) -> None:
    """Start the stores and the package of a stage. `containers`: limit for the API; None: the stage's own."""
    environment = stack.launch_stores() | {"MODEL_PATH": str(PACKED_MODEL)}  # selects the data to load
    with step("package", "building") as running:
        try:
            package = build(stack.folder / "package", stage, quiet=True)
        except CalledProcessError as error:
            if stack.shutdown.is_set():  # Ctrl-C has stopped Chalice too
                raise ShutdownRequested from None
            raise LocalError("building the package failed; see the output of Chalice above") from error
        deployment = stack.resources.enter_context(
            deployed(package, stack.folder, environment, stage=stage, containers=containers)
        )
        running.result = f"{package.zipped / 1e6:.1f} MB, unpacked at /var/task and /opt"
    stack.wait_for_stores(environment)
    with step("API", "checking its health") as running:
        _wait_for_health(stack, deployment)
        running.result = "answers, all dependencies healthy"
    stack.resources.enter_context(serving(deployment.gateway, stack.port))
    stack.print_ready()


def _wait_for_health(stack: DevStack, deployment: RunningPackage) -> None:
    """Poll the health of the package until all dependencies are ok. Raises `LocalError` and `ShutdownRequested`."""
    deadline = time.monotonic() + 20.0  # seconds after the start of the stores until a request can use them
    log = stack.folder / f"{deployment.functions[API].function.name}.log"
    while True:
        result = deployment.functions[API].invoke(json.dumps(invoke.HEALTH_EVENT, allow_nan=False).encode())
        try:
            health = invoke.read_health(json.loads(result.payload))
        except PreconditionFailed as error:
            raise LocalError(f"{error}; see {log}") from error
        if health["status"] == "ok":
            return
        if time.monotonic() > deadline:
            raise LocalError(f"the package reports the health {health}, expected the status ok; see {log}")
        if stack.shutdown.wait(0.5):
            raise ShutdownRequested


def main() -> int:
    """Run `make lambda` with the arguments of the command line. Return the exit code."""
    parser = argument_parser("Build the package and run it on this machine as Lambda does.")
    what = "stage for which the package is built (default: dev)"
    parser.add_argument("--stage", default="dev", choices=stages(), help=what)
    what = "maximum number of containers for the API (default: the stage's reserved concurrency)"
    number = whole_number(1000, "a number of containers; choose one from 1 to 1000")
    parser.add_argument("--containers", type=number, help=what, metavar="N")
    options = parser.parse_args()
    return run_stack("make lambda", options, partial(start, stage=options.stage, containers=options.containers))


if __name__ == "__main__":
    sys.exit(main())
