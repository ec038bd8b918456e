"""`make run`: start PostgreSQL, Valkey and the app, serve, and stop all of them when this process ends.

They start side by side: Valkey in cluster mode takes 2 s until it accepts writes, and the others get ready meanwhile.
"""

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path

from local.stack.dev_stack import DevStack, argument_parser, run_stack
from local.stack.errors import LocalError
from local.stack.http_get import http_get
from local.stack.progress import step

APP_TIMEOUT = 60.0


class AppStack(DevStack):
    """The stores, the app, and the warming that runs on a schedule when deployed."""

    def start(self) -> None:
        require_model(os.environ)
        environment = {"LOG_FORMAT": "text"} | self.launch_stores()  # people read the log on a terminal
        app = self.start_child("the app", ["-m", "local.http.serve", "--port", str(self.port)], environment)
        self.wait_for_stores(environment)
        with step("server", "starting", self._started) as running:
            self.wait(app, self._healthy, APP_TIMEOUT)
            running.result = "model loaded, all dependencies healthy"
        warming = ["-m", "local.stack.warm", "--on-schedule"]
        self.start_child("warming", warming, environment, self.folder / "warming.log")
        self.print_ready(f"Dashboards of this run: {self.url}/dashboards\n")

    def _healthy(self) -> bool:
        """Return whether the app and its dependencies work. Raises `LocalError` if the model cannot run."""
        try:
            status = json.loads(http_get(self.port, "/health?deep=true", timeout=5.0)[2])["status"]
        except (OSError, ValueError, KeyError):
            return False
        if status == "down":  # waiting would not help
            raise LocalError(
                "inference with the model fails; for details run `python -m model.check` with the path of the model"
            )
        return bool(status == "ok")


def require_model(environment: Mapping[str, str]) -> None:
    """Raise `LocalError` if MODEL_PATH is set and is not a readable file."""
    given = environment.get("MODEL_PATH")
    if not given:
        return
    path = Path(given).absolute()
    remedy = "set MODEL_PATH to an ONNX model, or unset it to use the one that `make setup` builds"
    if not path.exists():
        raise LocalError(f"MODEL_PATH is {given}, but there is no file {path}; {remedy}")
    if not path.is_file():
        raise LocalError(f"MODEL_PATH is {given}, but {path} is not a file; {remedy}")
    if not os.access(path, os.R_OK):
        raise LocalError(f"MODEL_PATH is {given}, but this user may not read {path}; change its permissions")


def main() -> int:
    """Run the app locally; return the exit code."""
    arguments = argument_parser("Run Faunalens on this machine.").parse_args()
    return run_stack("make run", lambda *parts: AppStack(arguments.port, *parts), with_parent=arguments.with_parent)


if __name__ == "__main__":
    sys.exit(main())
