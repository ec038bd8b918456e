"""The identify function on Lambda, which the web tier invokes."""

import json
from collections.abc import Mapping
from typing import Any

from chalicelib.errors import Unavailable
from chalicelib.lazy import Lazy
from chalicelib.redaction import trace_of

_CONNECT_SECONDS = 1.0
_SLOW, _SOON, _LATER = 5, 1, 30
"""Seconds in `Retry-After`: after a failure, after throttling if Lambda names no time, and for a wrong deployment."""
_LONGEST_RETRY = 30
_THROTTLED = {"TooManyRequestsException", "EC2ThrottledException", "ThrottlingException"}
_REFUSED = {
    "AccessDeniedException",
    "ResourceNotFoundException",
    "UnrecognizedClientException",
    "ExpiredTokenException",
}
"""Error codes of a function or a role that is not what the settings say; they persist until someone fixes that."""


class FunctionError(Exception):
    """Lambda did not return the function's response. The message starts with a code for logs, such as `throttled`."""

    def __init__(self, code: str, detail: str, retry_after: int = _SLOW) -> None:
        super().__init__(f"{code}: {detail}")
        self.code, self.retry_after = code, retry_after

    def as_unavailable(self) -> Unavailable:
        """Return the error for clients."""
        seconds = self.retry_after
        if self.code == "throttled":
            return Unavailable(f"too many photos are being identified; try again in {seconds} s", seconds)
        return Unavailable(f"the identification did not answer; try again in {seconds} s", seconds)


class Function:
    """A Lambda function. Thread-safe; connects at the first call.

    `seconds`: longest wait for the result, longer than the function's own timeout. `connections`: maximum number of
    calls at the same time. No call is repeated: the client knows better whether it still waits.
    """

    def __init__(self, name: str, region: str, seconds: float, connections: int) -> None:
        self._name, self._region = name, region
        self._seconds, self._connections = seconds, connections
        self._client = Lazy(self._connect)

    def invoke(self, event: Mapping[str, Any]) -> dict[str, Any]:
        """Return the function's result, a JSON object. Raises `FunctionError`."""
        from botocore.exceptions import BotoCoreError, ClientError, ReadTimeoutError

        try:
            payload = json.dumps(event, allow_nan=False).encode()
            answer = self._client.get().invoke(FunctionName=self._name, Payload=payload)
            result = answer["Payload"].read()
        except ReadTimeoutError as error:
            raise FunctionError("timeout", f"no result within {self._seconds:g} s") from error
        except ClientError as error:
            raise _refusal(error.response) from error
        except (BotoCoreError, OSError) as error:
            raise FunctionError("unreachable", str(error)) from error
        if "FunctionError" in answer:  # it crashed, or ran into its timeout; the result tells which
            raise FunctionError("failed", trace_of(result[:200].decode("utf-8", "replace")))  # it may quote a place
        try:
            parsed = json.loads(result)
            if not isinstance(parsed, dict):
                raise TypeError(type(parsed).__name__)
        except (ValueError, TypeError) as error:
            raise FunctionError("malformed", "the result is not a JSON object") from error
        return parsed

    def _connect(self) -> Any:
        from botocore.config import Config
        from botocore.session import Session

        config = Config(
            connect_timeout=_CONNECT_SECONDS,
            read_timeout=self._seconds,
            retries={"total_max_attempts": 1},
            max_pool_connections=self._connections,
            tcp_keepalive=True,
        )
        return Session().create_client("lambda", self._region, config=config)


def _refusal(response: Mapping[str, Any]) -> FunctionError:
    """Return the error for an error response of Lambda."""
    code = str(response.get("Error", {}).get("Code", ""))
    detail = f"{code} {response.get('Error', {}).get('Message', '')}"
    if code in _THROTTLED:
        named = str(response.get("ResponseMetadata", {}).get("HTTPHeaders", {}).get("retry-after", ""))
        seconds = int(named) if named.isascii() and named.isdigit() else _SOON
        return FunctionError("throttled", detail, min(max(seconds, _SOON), _LONGEST_RETRY))
    if code in _REFUSED:
        return FunctionError("refused", detail, _LATER)
    return FunctionError("unavailable", detail)
