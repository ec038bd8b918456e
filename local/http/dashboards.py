"""The dashboards at /dashboards on the local server, drawn from the metrics that it writes.

They are computed in a process of their own, started when somebody first looks: requests to the app never wait for them,
and nobody who does not look pays for them.
"""

import sys
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from threading import Lock

from local.stack.child import Child
from local.stack.errors import LocalError, NotReady
from local.stack.ports import HOST, free_port

PATH = "/dashboards"
COMMAND = ("-m", "cloudwatch", "preview")
START_TIMEOUT = 30.0
ANSWER_TIMEOUT = 60.0
_PASSED_ON = ("Content-Type", "Location", "Content-Security-Policy", "X-Content-Type-Options", "Referrer-Policy")


class Dashboards:
    """The preview, over the lines in one file. Safe for threads; use it as a context manager or `close` it."""

    def __init__(self, metrics: Path) -> None:
        self._metrics = metrics
        self._lock = Lock()
        self.child: Child | None = None
        self._port = 0

    def answer(self, address: str) -> tuple[int, dict[str, str], bytes]:
        """Status, headers and body of a page of it. Raises `LocalError` if the preview cannot be had."""
        port = self._running()
        connection = HTTPConnection(HOST, port, timeout=ANSWER_TIMEOUT)
        try:
            connection.request("GET", address)
            response = connection.getresponse()
            body = response.read()
        except (OSError, HTTPException) as error:
            raise LocalError(f"the dashboards did not answer: {error}") from error
        finally:
            connection.close()
        headers = {name: value for name in _PASSED_ON if (value := response.headers.get(name))}
        return response.status, headers | {"Cache-Control": "no-cache"}, body

    def close(self) -> None:
        """ShutdownEvent the process."""
        with self._lock:
            if self.child is not None:
                self.child.stop()
                self.child = None

    def _running(self) -> int:
        """The port of the process, which is started if it does not run. Raises `NotReady`."""
        with self._lock:
            if self.child is None or not self.child.running:
                if self.child is not None:
                    self.child.stop()
                self._port = free_port()
                options = ["--port", str(self._port), "--file", str(self._metrics), "--live"]
                log = self._metrics.with_name("dashboards.log")
                self.child = Child("the process of the dashboards", [sys.executable, *COMMAND, *options], log=log)
                self.child.start()
                try:
                    self.child.wait_until(self._answers, START_TIMEOUT)
                except NotReady:
                    self.child.stop()
                    raise
            return self._port

    def _answers(self) -> bool:
        connection = HTTPConnection(HOST, self._port, timeout=5.0)
        try:
            connection.request("GET", f"{PATH}/static/icon.svg")
            return connection.getresponse().status == 200
        except (OSError, HTTPException):
            return False
        finally:
            connection.close()


def is_below(address: str) -> bool:
    """Whether an address of the local server is one of the dashboards."""
    path = address.partition("?")[0]
    return path == PATH or path.startswith(f"{PATH}/")
