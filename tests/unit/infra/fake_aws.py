"""Fake boto3 clients: a test gives each call's result by the call's name."""

from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import Any

from botocore.exceptions import ClientError


def error(code: str, message: str = "not found") -> type[ClientError]:
    """Return the class of a service's error with this code, as `client.exceptions` of boto3 has it."""
    refusal = {"Error": {"Code": code, "Message": message}}
    return type(code, (ClientError,), {"__init__": lambda self: ClientError.__init__(self, refusal, "Call")})


ResourceNotFoundException = error("ResourceNotFoundException")
TooManyRequestsException = error("TooManyRequestsException", "Rate Exceeded.")
"""Lambda's error for a function at its concurrency limit."""
ResourceConflictException = error("ResourceConflictException", "The function is currently Pending")
"""Lambda's error for a function that is not ready."""


class Pages:
    """A paginator with one page."""

    def __init__(self, call: Callable[..., Any]) -> None:
        self._call = call

    def paginate(self, **arguments: Any) -> list[Any]:
        return [self._call(**arguments)]


class Client:
    """A fake client. `answers`: a function for each call, by name. `calls`: name and arguments of each call so far."""

    exceptions = SimpleNamespace(
        ResourceNotFoundException=ResourceNotFoundException,
        TooManyRequestsException=TooManyRequestsException,
        ResourceConflictException=ResourceConflictException,
    )

    def __init__(self, **answers: Callable[..., Any]) -> None:
        self._answers = answers
        self.calls: list[tuple[str, Mapping[str, Any]]] = []

    def __getattr__(self, name: str) -> Callable[..., Any]:
        def call(**arguments: Any) -> Any:
            self.calls.append((name, arguments))
            return self._answers[name](**arguments)

        return call

    def get_paginator(self, name: str) -> Pages:
        return Pages(getattr(self, name))


class Session:
    """A fake session with these clients."""

    def __init__(self, **clients: Client) -> None:
        self._clients = {name.rstrip("_").replace("_", "-"): client for name, client in clients.items()}

    def client(self, service: str, **_: Any) -> Client:
        return self._clients[service]
