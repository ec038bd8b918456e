"""A package that runs on this machine: containers for its functions, with their logs, and an API Gateway for the API.

The configurations of the functions come from the SAM template that Chalice generates.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from threading import Lock
from typing import Any, NamedTuple

from chalicelib.config.field import variables
from chalicelib.config.settings import Settings
from chalicelib.telemetry.emf import open_metrics
from infra.functions import function_name
from infra.package import Package
from local.lambda_sim.api_gateway import ApiGateway, scheduled_event
from local.lambda_sim.container import API, FunctionLimits, InvocationResult, Pool
from local.lambda_sim.sandbox import Sandbox, unpacked


def read_functions(template: Mapping[str, Any], stage: str) -> dict[str, FunctionLimits]:
    """Return the functions of a SAM template by handler, with the names that Chalice gives them when it deploys."""
    functions, all_resources = {}, template["Resources"].values()
    for properties in (each["Properties"] for each in all_resources if each["Type"] == "AWS::Serverless::Function"):
        handler = properties["Handler"]
        variables = properties.get("Environment", {}).get("Variables", {})
        functions[handler] = FunctionLimits(
            name=function_name(stage, "api_handler" if handler == API else handler.rpartition(".")[2]),
            handler=handler,
            memory=properties["MemorySize"],
            timeout=properties["Timeout"],
            # Other values refer to resources that exist only after deployment, for example an endpoint.
            environment={name: value for name, value in variables.items() if isinstance(value, str)},
            concurrency=properties.get("ReservedConcurrentExecutions", 10),
        )
    return functions


SHOWN = ("REPORT ", "RequestId: ")  # prefixes of the lines that are printed on the terminal too


class FunctionLog:
    """Writes each function's log to NAME.log in `folder`, and lines with metrics to the file `metrics`. Thread-safe."""

    def __init__(self, folder: Path, metrics: Path) -> None:
        self._folder, self._metrics = folder, metrics
        self._lock, self._opened = Lock(), set[str]()

    def write(self, function: str, container: str, line: str) -> None:
        """Log one line that a container has printed, or that Lambda logs about the container."""
        with self._lock:
            mode = "a" if function in self._opened else "w"
            self._opened.add(function)
            with (self._folder / f"{function}.log").open(mode, encoding="utf-8") as file:
                file.write(f"{container} {line}\n")
            if '"_aws"' in line:
                with open_metrics(self._metrics) as metrics:
                    metrics.write(f"{line}\n".encode())
        if line.startswith(SHOWN):
            print(f"{container} {line.expandtabs(2)}", flush=True)


NOT_INHERITED = ("_HANDLER", "METRICS_FILE", "MODEL_PATH", "AWS_REGION", "STAGE")
"""Variables that functions do not get from the local environment: Lambda, the package or the stage sets them."""


class RunningPackage(NamedTuple):
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
    metrics are appended to METRICS_FILE. `containers`: maximum number of containers for the API; it replaces the
    stage's reserved concurrency.
    """
    template = json.loads(package.template.read_text())
    inherited = variables(Settings).keys() - set(NOT_INHERITED)
    settings = {name: value for name, value in environment.items() if name in inherited}
    log = FunctionLog(folder, Path(environment.get("METRICS_FILE") or folder / "metrics.jsonl"))
    with ExitStack() as stack:
        sandbox = stack.enter_context(unpacked(package, folder / "lambda"))
        pools = {}
        for handler, each in read_functions(template, stage).items():
            limit = containers if handler == API and containers else each.concurrency
            function = replace(each, environment={**each.environment, **settings}, concurrency=limit)
            pools[handler] = Pool(function, sandbox, folder, partial(log.write, each.name))
            stack.callback(pools[handler].close)
        yield RunningPackage(sandbox, pools, ApiGateway(template, pools[API].invoke))
