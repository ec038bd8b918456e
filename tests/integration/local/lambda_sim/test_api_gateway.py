"""The API over HTTP, with a gateway whose function returns what it got."""

import json
import socket
import time
from collections.abc import Iterator
from http.client import HTTPConnection
from typing import Any

import pytest

from local.lambda_sim.api_gateway import ApiGateway, serving
from local.lambda_sim.container import InvocationReport, InvocationResult
from local.stack.ports import HOST

PROXY = {"x-amazon-apigateway-integration": {"type": "aws_proxy"}}
TEMPLATE = {
    "Resources": {
        "RestAPI": {
            "Type": "AWS::Serverless::Api",
            "Properties": {
                "StageName": "dev",
                "DefinitionBody": {
                    "paths": {"/photos": {"post": PROXY, "get": PROXY, "head": PROXY}, "/web/{name}": {"get": PROXY}},
                    "x-amazon-apigateway-binary-media-types": ["image/jpeg"],
                },
            },
        }
    }
}
REPORT = InvocationReport("r", 1.0, 128, 10, None)


def echo(event: bytes, *_: str) -> InvocationResult:
    """Return the event as the body of a response with a header that occurs twice."""
    response = {"statusCode": 200, "body": event.decode(), "multiValueHeaders": {"Via": ["a", "b"]}}
    return InvocationResult(json.dumps(response).encode(), None, REPORT)


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with serving(ApiGateway(TEMPLATE, echo), 0) as port:
        yield port


@pytest.fixture
def client(port: int) -> Iterator[HTTPConnection]:
    connection = HTTPConnection(HOST, port, timeout=30)
    yield connection
    connection.close()


def event_of(client: HTTPConnection, method: str, target: str, *arguments: Any) -> dict[str, Any]:
    client.request(method, target, *arguments)
    response = client.getresponse()
    assert response.status == 200
    event: dict[str, Any] = json.loads(response.read())
    return event


def test_the_log_has_routes_and_no_queries(
    client: HTTPConnection, port: int, capsys: pytest.CaptureFixture[str]
) -> None:
    event_of(client, "GET", "/web/a.js?lat=-33.9")
    client.request("GET", "/151.2?lon=151.2")
    assert client.getresponse().status == 403
    # AND a client that disconnects before it has sent the body
    with socket.create_connection((HOST, port)) as gone:
        gone.sendall(b"POST /photos HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nx")
    printed, deadline = "", time.monotonic() + 10
    while "gone" not in printed and time.monotonic() < deadline:
        time.sleep(0.01)
        printed += capsys.readouterr().out
    assert [line.rpartition(" ")[0].rpartition(" ")[0] for line in printed.splitlines()[-3:]] == [
        "GET /web/{name} 200",
        "GET (no such path) 403",
        "POST /photos gone",
    ]
