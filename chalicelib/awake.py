"""Keep a Lambda container awake after its response, until a thread's work is done.

Lambda freezes a container once its runtime and all its extensions ask for the next event. A thread of the process may
be such an extension. Lambda sends the response before that, and bills the time until then:
https://aws.amazon.com/blogs/compute/running-code-after-returning-a-response-from-an-aws-lambda-function
"""

import json
from contextlib import closing, suppress
from http.client import HTTPConnection, HTTPException
from threading import Event, Lock, Thread
from time import time

_MARGIN = 0.5
"""Seconds before the function's timeout from which the container may sleep although the work is not done."""


class StayAwake:
    """A Lambda extension that keeps the container awake while another thread holds the lock `busy`.

    `api`: host and port of Lambda's Runtime API. Create the object while the process starts. If Lambda refuses the
    extension, the work of that thread continues during the next request.
    """

    def __init__(self, api: str, busy: Lock) -> None:
        self._busy, self._handled, self._connection = busy, Event(), HTTPConnection(api)
        with suppress(OSError, HTTPException):
            name, events = {"Lambda-Extension-Name": "shadow"}, '{"events": ["INVOKE"]}'
            identity, _ = self._ask("POST", "register", name, events)
            Thread(target=self._run, args=(identity,), daemon=True).start()

    def handled(self) -> None:
        """Report that the handler has returned or failed. The container may then sleep as soon as `busy` is free."""
        self._handled.set()

    def _run(self, identity: str) -> None:
        # An error means that Lambda has refused the extension, or ends the container.
        with closing(self._connection), suppress(OSError, HTTPException, LookupError, ValueError):
            while True:
                _, event = self._ask("GET", "event/next", {"Lambda-Extension-Identifier": identity})
                until = json.loads(event)["deadlineMs"] / 1e3 - _MARGIN
                self._handled.wait(max(until - time(), 0))
                self._handled.clear()
                if self._busy.acquire(timeout=max(until - time(), 0)):
                    self._busy.release()

    def _ask(self, method: str, path: str, headers: dict[str, str], body: str | None = None) -> tuple[str, bytes]:
        """Send a request to the Runtime API; return the extension's identity from its reply, and the reply's body."""
        self._connection.request(method, f"/2020-01-01/extension/{path}", body, headers)
        response = self._connection.getresponse()
        return response.headers.get("Lambda-Extension-Identifier", ""), response.read()
