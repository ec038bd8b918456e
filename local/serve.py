"""Serve the app on this machine, with the dashboards: `python -m local.serve --port 8000`.

The dashboards are at /dashboards, computed from the metrics that the app writes. The first request for one starts a
separate process. So dashboards do not slow down the app, and cost nothing unless someone opens them.
"""

import argparse
import json
import sys
from pathlib import Path
from threading import Lock

from chalicelib.api.http import Response
from chalicelib.errors import InternalError, NotFound, Unavailable
from local import LocalError, NotReady
from local.stack.child_process import ChildProcess
from local.stack.ports import HOST, free_port, http_get

PATH = "/dashboards"
COMMAND = ("-m", "dashboards", "preview")
_FORWARDED = ("Content-Type", "Location", "Content-Security-Policy", "X-Content-Type-Options", "Referrer-Policy")


class Dashboards:
    """Serves the dashboards of one file of metrics from a child process. Thread-safe. Call `close` at the end."""

    name = PATH

    def __init__(self, metrics: Path) -> None:
        self._metrics = metrics
        self._lock = Lock()
        self._port = 0
        self.child = ChildProcess("the dashboards", [], log=metrics.with_name("dashboards.log"))

    def serves(self, path: str) -> bool:
        """Return whether a path of the server, without a query, belongs to the dashboards."""
        return path == PATH or path.startswith(f"{PATH}/")

    def respond(self, address: str) -> Response:
        """Return the child process's response to a GET. Raises `Unavailable`, `NotFound` or `InternalError`."""
        try:
            status, all_headers, body = http_get(self._start(), address, timeout=60.0)
        except (LocalError, OSError) as error:
            raise Unavailable(f"the dashboards did not answer: {error}; see dashboards.log of this run") from error
        if status >= 400:
            try:
                detail = str(json.loads(body)["detail"])
            except ValueError:  # the text of its server, after an error in its own code
                detail = f"the dashboards responded with status {status}; see dashboards.log of this run"
            raise NotFound(detail) if status == 404 else InternalError(detail)
        headers = {name: value for name in _FORWARDED if (value := all_headers.get(name))}
        return Response(body, headers | {"Cache-Control": "no-cache"}, status)

    def close(self) -> None:
        """Stop the child process."""
        with self._lock:
            self.child.stop()

    def _start(self) -> int:
        """Start the child process if it is not running. Return its port. Raises `NotReady`."""
        with self._lock:
            if not self.child.running:
                self._port = free_port()
                options = ["--port", str(self._port), "--file", str(self._metrics), "--live"]
                self.child.command = [sys.executable, *COMMAND, *options]
                self.child.start()
                try:
                    self.child.wait_until(self._ready, timeout=30.0)
                except NotReady:
                    self.child.stop()
                    raise
            return self._port

    def _ready(self) -> bool:
        try:
            return http_get(self._port, f"{PATH}/static/icon.svg", timeout=5.0)[0] == 200
        except OSError:
            return False


def main() -> int:
    """Load the model, then serve until a signal stops the server. Return the exit code."""
    parser = argparse.ArgumentParser(description="Serve the app and its dashboards on this machine.")
    parser.add_argument("--port", type=int, default=8000, help="port to serve on (default: 8000)")
    port: int = parser.parse_args().port

    import app
    from faunalens.web.server import serve

    metrics = app.settings.telemetry.metrics_file
    dashboards = Dashboards(metrics) if metrics else None
    try:
        return serve(app.application, HOST, port, beside=dashboards)
    finally:
        if dashboards:
            dashboards.close()


if __name__ == "__main__":
    sys.exit(main())
