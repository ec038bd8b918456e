"""Clients of AWS that answer what a test says: a name of a call, and what it gives or raises."""

from collections.abc import Callable, Mapping
from typing import Any

from botocore.exceptions import ClientError


class ResourceNotFoundException(ClientError):  # type: ignore[misc]  # botocore has no types
    """What Lambda and EventBridge say of what is not there."""

    def __init__(self) -> None:
        super().__init__({"Error": {"Code": "ResourceNotFoundException", "Message": "not found"}}, "Get")


class TooManyRequestsException(ClientError):  # type: ignore[misc]  # botocore has no types
    """What Lambda says of a function that is at work already, as often as may be."""

    def __init__(self) -> None:
        super().__init__({"Error": {"Code": "TooManyRequestsException", "Message": "Rate Exceeded."}}, "Invoke")


class ResourceConflictException(ClientError):  # type: ignore[misc]  # botocore has no types
    """What Lambda says of a function that is not ready."""

    def __init__(self) -> None:
        error = {"Code": "ResourceConflictException", "Message": "The function is currently Pending"}
        super().__init__({"Error": error}, "Invoke")


class NoSuchEntityException(ClientError):  # type: ignore[misc]  # botocore has no types
    """What IAM says of a role that is not there."""

    def __init__(self) -> None:
        super().__init__({"Error": {"Code": "NoSuchEntity", "Message": "not found"}}, "GetRole")


class Exceptions:
    """`client.exceptions`."""

    ResourceNotFoundException = ResourceNotFoundException
    TooManyRequestsException = TooManyRequestsException
    ResourceConflictException = ResourceConflictException
    NoSuchEntityException = NoSuchEntityException


class Pages:
    """A paginator with one page."""

    def __init__(self, call: Callable[..., Any]) -> None:
        self._call = call

    def paginate(self, **asked: Any) -> list[Any]:
        return [self._call(**asked)]


class Client:
    """A client. `answers`: a function for each call, by its name. `asked`: the calls so far."""

    exceptions = Exceptions

    def __init__(self, **answers: Callable[..., Any]) -> None:
        self._answers = answers
        self.asked: list[tuple[str, Mapping[str, Any]]] = []

    def __getattr__(self, name: str) -> Callable[..., Any]:
        def call(**asked: Any) -> Any:
            self.asked.append((name, asked))
            return self._answers[name](**asked)

        return call

    def get_paginator(self, name: str) -> Pages:
        return Pages(getattr(self, name))

    def get_waiter(self, name: str) -> Any:
        self._answers.setdefault(name, lambda **_: None)
        return type("Waiter", (), {"wait": staticmethod(getattr(self, name))})


class Session:
    """A session whose clients are given."""

    def __init__(self, **clients: Client) -> None:
        self._clients = {name.rstrip("_"): client for name, client in clients.items()}

    def client(self, service: str, **_: Any) -> Client:
        return self._clients[service]
