"""A package that runs on this machine: containers for its functions, and an API Gateway for one of them."""

import json
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from chalicelib.config.field import variables
from chalicelib.config.settings import Settings
from infra.package import Package
from local.lambda_sim.api_gateway import ApiGateway
from local.lambda_sim.events import scheduled_event
from local.lambda_sim.function import API, read_functions
from local.lambda_sim.log import FunctionLog
from local.lambda_sim.pool import Pool
from local.lambda_sim.report import InvocationResult
from local.lambda_sim.sandbox import Sandbox, unpacked

APPLICATION = "faunalens"
NOT_INHERITED = ("_HANDLER", "METRICS_FILE", "MODEL_PATH", "AWS_REGION", "STAGE")
"""Variables that functions do not get from the local environment: Lambda, the package or the stage sets them."""


@dataclass(frozen=True, slots=True)
class RunningPackage:
    """A package that runs. `functions`: the containers of each function, by handler. Use `deployed` to create one."""

    sandbox: Sandbox
    functions: Mapping[str, Pool]
    gateway: ApiGateway

    def run_schedule(self, handler: str) -> InvocationResult:
        """Send a scheduled event to a function, as EventBridge does."""
        pool = self.functions[handler]
        return pool.invoke(json.dumps(scheduled_event(pool.function.name), allow_nan=False).encode())


@contextmanager
def deployed(
    package: Package, folder: Path, environment: Mapping[str, str], *, stage: str = "dev", containers: int | None = None
) -> Iterator[RunningPackage]:
    """Run a package until the end of the block, with its logs in `folder`.

    `environment`: variables of this machine. The functions get those that are settings of the app. The functions'
    metrics are appended to METRICS_FILE. `containers`: maximum number for the API; it replaces the stage's reserved
    concurrency.
    """
    template = json.loads(package.template.read_text())
    settings = _settings_in(environment)
    log = FunctionLog(folder, Path(environment.get("METRICS_FILE") or folder / "metrics.jsonl"))
    with ExitStack() as stack:
        sandbox = stack.enter_context(unpacked(package, folder / "lambda"))
        pools = {}
        for handler, each in read_functions(template, APPLICATION, stage).items():
            limit = containers if handler == API and containers else each.concurrency
            function = replace(each, environment={**each.environment, **settings}, concurrency=limit)
            pools[handler] = Pool(function, sandbox, folder, partial(log.write, each.name))
            stack.callback(pools[handler].close)
        yield RunningPackage(sandbox, pools, ApiGateway(template, pools[API].invoke))


def _settings_in(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that functions get from the environment of this machine."""
    names = variables(Settings).keys() - set(NOT_INHERITED)
    return {name: value for name, value in environment.items() if name in names}
