"""`make run`: start PostgreSQL, Valkey and the app, and stop all of them when this process ends.

All of them start at the same time, because Valkey in cluster mode accepts writes only after 2 s.
"""

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path

from local import LocalError
from local.stack.dev_stack import DevStack, argument_parser, run_stack
from local.stack.ports import http_get
from local.stack.terminal import step


def start(stack: DevStack) -> None:
    """Start the stores, the app, and the scheduled warming."""
    require_model(os.environ)
    environment = {"LOG_FORMAT": "text"} | stack.launch_stores()  # people read the log on a terminal
    app = stack.start_child("the app", ["-m", "local.serve", "--port", str(stack.port)], environment)
    stack.wait_for_stores(environment)
    with step("server", "starting", stack.started) as running:
        stack.wait(app, lambda: is_healthy(stack.port), timeout=60.0)
        running.result = "model loaded, all dependencies healthy"
    stack.start_child("warming", ["-m", "local.warm", "--on-schedule"], environment, stack.folder / "warming.log")
    stack.print_ready(f"Dashboards of this run: {stack.url}/dashboards\n")


def is_healthy(port: int) -> bool:
    """Return whether the app and its dependencies work. Raises `LocalError` if the model does not work."""
    try:
        status = json.loads(http_get(port, "/health?deep=true", timeout=5.0)[2])["status"]
    except (OSError, ValueError, KeyError):
        return False
    if status == "down":  # waiting would not help
        raise LocalError("inference with the model fails; for details run `python -m model.check` with its path")
    return bool(status == "ok")


def require_model(environment: Mapping[str, str]) -> None:
    """Check MODEL_PATH. Raises `LocalError` if it is set but is not the path of a readable file."""
    if not (given := environment.get("MODEL_PATH")):
        return
    path = Path(given).absolute()
    if not path.is_file() or not os.access(path, os.R_OK):
        remedy = "set MODEL_PATH to an ONNX model, or unset it to use the one that `make setup` builds"
        raise LocalError(f"MODEL_PATH is {given}, but {path} is not a file that this user may read; {remedy}")


def main() -> int:
    """Run `make run` with the arguments of the command line. Return the exit code."""
    parser = argument_parser("Run the app with PostgreSQL and Valkey on this machine.")
    return run_stack("make run", parser.parse_args(), start)


if __name__ == "__main__":
    sys.exit(main())
