"""What the function may return, and what is no response of the API."""

from typing import Any

import pytest

from web.function import FunctionError
from web.relay import _parsed


def test_a_response_keeps_what_clients_need() -> None:
    # GIVEN a response as Chalice returns it, with headers of the transport
    result = {
        "statusCode": 200,
        "headers": {"Content-Type": "application/json", "Server": "x", "Vary": ""},
        "multiValueHeaders": {"ETag": ['"1"', '"2"']},
        "body": "aGVsbG8=",
        "isBase64Encoded": True,
    }
    response = _parsed(result)
    assert (response.status, response.body) == (200, b"hello")
    assert response.headers == {"Content-Type": "application/json", "Vary": "", "ETag": '"2"'}


@pytest.mark.parametrize(
    "result",
    [
        {},
        {"statusCode": "many"},
        {"statusCode": 42},
        {"statusCode": 101},
        {"statusCode": 999},
        {"statusCode": 200, "headers": "x"},
        {"statusCode": 200, "headers": {"Content-Type": "a\r\nX: 1"}},
        {"statusCode": 200, "headers": {"Content-Type": "\u2603"}},
        {"statusCode": 200, "body": "\ud800"},
        {"statusCode": 200, "body": "x", "isBase64Encoded": True},
    ],
)
def test_what_no_client_could_be_sent_is_malformed(result: dict[str, Any]) -> None:
    with pytest.raises(FunctionError) as raised:
        _parsed(result)
    assert raised.value.code == "malformed"
