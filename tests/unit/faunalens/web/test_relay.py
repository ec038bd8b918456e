"""What the function may return, and what is no response of the API."""

import json
from typing import Any

import pytest

from faunalens.web.relay import Function, FunctionError, response_of
from tests.support.servers import scripted


def test_a_response_keeps_what_clients_need() -> None:
    # GIVEN a response as Chalice returns it, with headers of the transport
    result = {
        "statusCode": 200,
        "headers": {"Content-Type": "application/json", "Server": "x", "Vary": "", "ETag": '"2"'},
        "body": "aGVsbG8=",
        "isBase64Encoded": True,
    }
    response = response_of(result)
    assert (response.status, response.body) == (200, b"hello")
    assert response.headers == {"Content-Type": "application/json", "Vary": "", "ETag": '"2"'}


@pytest.mark.parametrize(
    "result",
    [
        {},
        *({"statusCode": each} for each in ("many", 42, 101, 999)),
        *({"statusCode": 200, "headers": each} for each in ("x", {"Vary": "a\r\nX: 1"}, {"Vary": "\u2603"})),
        {"statusCode": 200, "body": "\ud800"},
        {"statusCode": 200, "body": "x", "isBase64Encoded": True},
    ],
)
def test_what_no_client_could_be_sent_is_malformed(result: dict[str, Any]) -> None:
    with pytest.raises(FunctionError, match="malformed"):
        response_of(result)


@pytest.fixture(autouse=True)
def _credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")


def response(status: int, body: bytes, **headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status} x", f"Content-Length: {len(body)}", "Content-Type: application/json"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def result_of(monkeypatch: pytest.MonkeyPatch, reply: bytes | None, seconds: float = 5.0) -> dict[str, object]:
    """Return the result of an invocation that Lambda answers with `reply`. b"": not at all; None: it hangs up."""
    with scripted(lambda data: reply if b"POST" in data else b"") as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://{server.address.host}:{server.address.port}")
        return Function("faunalens-dev", "eu-west-1", seconds, 2).invoke({"a": 1})


def error_of(monkeypatch: pytest.MonkeyPatch, reply: bytes | None, seconds: float = 5.0) -> FunctionError:
    with pytest.raises(FunctionError) as raised:
        result_of(monkeypatch, reply, seconds)
    return raised.value


@pytest.mark.parametrize(
    ("status", "error_type", "more", "code", "retry_after"),
    [
        (429, "TooManyRequestsException", {"Retry_After": "7"}, "throttled", 7),
        (429, "TooManyRequestsException", {"Retry_After": "900"}, "throttled", 30),
        (429, "TooManyRequestsException", {}, "throttled", 1),
        (502, "EC2ThrottledException", {}, "throttled", 1),
        (500, "ServiceException", {}, "unavailable", 5),
        (403, "AccessDeniedException", {}, "refused", 30),
        (404, "ResourceNotFoundException", {}, "refused", 30),
    ],
)
def test_a_refusal_of_lambda_tells_the_client_when_to_try_again(
    monkeypatch: pytest.MonkeyPatch, status: int, error_type: str, more: dict[str, str], code: str, retry_after: int
) -> None:
    body = json.dumps({"message": "Rate Exceeded."}).encode()
    error = error_of(monkeypatch, response(status, body, x_amzn_ErrorType=error_type, **more))
    assert (error.code, error.as_unavailable().headers["Retry-After"]) == (code, str(retry_after))
    assert str(error) == f"{code}: {error_type} Rate Exceeded."
    # AND the client learns nothing of AWS
    assert "Exception" not in error.as_unavailable().detail
    assert f"{retry_after} s" in error.as_unavailable().detail


def test_a_function_that_crashed_or_ran_too_long_is_a_failure_without_coordinates(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert result_of(monkeypatch, response(200, b'{"statusCode": 200}')) == {"statusCode": 200}
    body = b'{"errorMessage": "no cell at (-33.8694, 151.2087)", "errorType": "ValueError"}'
    error = error_of(monkeypatch, response(200, body, X_Amz_Function_Error="Unhandled"))
    assert str(error) == 'failed: {"errorMessage": "no cell at (#, #)", "errorType": "ValueError"}'
    assert (error.code, error.as_unavailable().status) == ("failed", 503)


@pytest.mark.parametrize(
    ("reply", "code"),
    [
        *((response(200, body), "malformed") for body in (b"", b"null", b"[1]", b"\xff")),
        (b"", "timeout"),
        (None, "unreachable"),  # the connection breaks, and the function may have run: it is not called again
    ],
    ids=["empty", "null", "list", "not UTF-8", "silence", "broken"],
)
def test_what_is_no_result_is_named(monkeypatch: pytest.MonkeyPatch, reply: bytes | None, code: str) -> None:
    assert error_of(monkeypatch, reply, 0.2 if code == "timeout" else 5.0).code == code
