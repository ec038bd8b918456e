"""`make run`: everything up and served, step by step; and all of it gone when this process is, however it ends.

Valkey, PostgreSQL and the app start side by side: Valkey in cluster mode waits 2 s by itself, during which the others
get ready.
"""

import json
import sys
from http.client import HTTPConnection, HTTPException
from pathlib import Path

from local.stack.dev_stack import DevStack, parser_of, serve
from local.stack.errors import LocalError
from local.stack.ports import HOST
from local.stack.sample import chelsea

APP_TIMEOUT = 60.0
SIDE_PROCESSES = (("warming", ("local.stack.warm", "--on-schedule")),)
"""Name and `python -m` arguments of what runs beside the server, as schedules do when deployed."""


class Run(DevStack):
    """One `make run`: its steps, and what they started."""

    def start(self) -> None:
        environment = {"LOG_FORMAT": "text"} | self.launch()  # it is read on a terminal
        app = self.child("the app", ["-m", "local.http.serve", "--port", str(self.port)], environment)
        self.ready(environment)
        self.wait(app, self._healthy, APP_TIMEOUT)
        self.tell("server", "model loaded, every part answers")
        self.children.append(app)
        for name, module in SIDE_PROCESSES:
            log = self.folder / f"{name}.log"
            log.unlink(missing_ok=True)
            self.children.append(self.child(name, ["-m", *module], environment, log))

    def welcome(self) -> None:
        url = f"http://{HOST}:{self.port}"
        photo = chelsea()
        shown = photo.relative_to(Path.cwd()) if photo.is_relative_to(Path.cwd()) else photo
        print(
            f"\nReady in {self.seconds:.1f} s: {url}  (Ctrl-C stops everything)\n\n"
            f"    curl --data-binary @{shown} \\\n"
            f"         -H 'Content-Type: image/png' '{url}/identify?lat=-33.9&lon=151.2'\n\n"
            f"What it does is drawn at {url}/dashboards\n",
            flush=True,
        )

    def _healthy(self) -> bool:
        """Whether every part works. Raises `LocalError` if no photo can be identified."""
        connection = HTTPConnection(HOST, self.port, timeout=5.0)
        try:
            connection.request("GET", "/health?deep=true")
            status = json.load(connection.getresponse())["status"]
        except (OSError, HTTPException, ValueError, KeyError):
            return False
        finally:
            connection.close()
        if status == "down":  # waiting would not mend it
            raise LocalError("the model fails when it is run; `python -m model.check` with its file says how")
        return bool(status == "ok")


def main() -> int:
    """Start, say that it is ready, wait, stop. Returns the exit code."""
    arguments = parser_of("Run Faunalens on this machine.").parse_args()
    return serve("make run", lambda end, stack: Run(arguments.port, end, stack), with_parent=arguments.with_parent)


if __name__ == "__main__":
    sys.exit(main())
