"""Objects in S3 that a batch reads and writes, and clients of S3 with our time limits."""

from collections.abc import Callable, Collection, Mapping
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType
from typing import Any

from chalicelib.config.stores import Budget
from chalicelib.errors import Unavailable
from chalicelib.lazy import Lazy

_MISSING = frozenset({"NoSuchKey", "404", "AccessDenied", "403"})
"""Error codes of S3 for a missing object. To callers who may not list the bucket, S3 answers that access is denied."""
_EXISTS = frozenset({"PreconditionFailed"})


@dataclass(frozen=True, slots=True)
class Object:
    """An object that was read. `data`: None if it is larger than was asked for. `metadata`: by name, in lower case."""

    data: bytes | None
    size: int
    etag: str
    metadata: Mapping[str, str] = MappingProxyType({})


class Objects:
    """S3, as a batch uses it. Thread-safe; connects at first use. Every method raises `Unavailable` if S3 fails.

    `connections`: maximum number of calls at the same time.
    """

    def __init__(self, region: str, budget: Budget, connections: int) -> None:
        self._client = Lazy(partial(connect, region, budget, connections))

    def read(self, bucket: str, key: str, most: int) -> Object | None:
        """Read an object of at most `most` bytes. Return None if there is none, or the caller may not read it."""

        def get(s3: Any) -> Object:
            found = s3.get_object(Bucket=bucket, Key=key)
            with closing(found["Body"]) as body:
                size = found["ContentLength"]
                data = bytes(body.read()) if size <= most else None
                return Object(data, size, found["ETag"].strip('"'), found["Metadata"])

        return self._call(get, _MISSING)

    def exists(self, bucket: str, key: str) -> bool:
        """Return whether there is an object."""
        return self._call(lambda s3: s3.head_object(Bucket=bucket, Key=key), _MISSING) is not None

    def write(self, bucket: str, key: str, text: str, *, replace: bool) -> None:
        """Write an object. If there is one and `replace` is false, it stays as it is."""
        condition = {} if replace else {"IfNoneMatch": "*"}

        def put(s3: Any) -> None:
            s3.put_object(Bucket=bucket, Key=key, Body=text.encode(), ContentType="application/json", **condition)

        self._call(put, _EXISTS)

    def delete(self, bucket: str, key: str) -> None:
        """Delete an object, if there is one."""
        self._call(lambda s3: s3.delete_object(Bucket=bucket, Key=key))

    def _call[R](self, operation: Callable[[Any], R], expected: Collection[str] = ()) -> R | None:
        """Run an operation on the S3 client. Return None for the error codes that are expected."""
        from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError

        try:
            return operation(self._client.get())
        except ClientError as error:
            code = error.response["Error"]["Code"]
            if code in expected:
                return None
            raise Unavailable(f"S3 refuses a call ({code})") from error
        except (BotoCoreError, HTTPClientError, OSError) as error:
            raise Unavailable(f"S3 cannot be reached ({type(error).__name__})") from error


def connect(region: str, budget: Budget, connections: int = 10) -> Any:
    """Return a client of S3, which takes a while to create. `connections`: maximum number of calls at the same time.

    Raises botocore's errors, such as `NoCredentialsError`.
    """
    from botocore.config import Config
    from botocore.exceptions import NoCredentialsError
    from botocore.session import Session

    session = Session()
    if session.get_credentials() is None:  # otherwise signing a form raises AttributeError
        raise NoCredentialsError
    return session.create_client(
        "s3",
        region,
        config=Config(
            connect_timeout=budget.connect,
            read_timeout=budget.command,
            retries={"total_max_attempts": 2},
            max_pool_connections=connections,
            signature_version="s3v4",
            # Use the regional endpoint: the global one redirects for hours after a bucket is created.
            s3={"addressing_style": "virtual"},
        ),
    )


def run_with_timeout[R](seconds: float, operation: Callable[[], R]) -> R:
    """Return the result of `operation`. Raises `TimeoutError` after `seconds` and discards a later result.

    A socket timeout restarts with each byte, so it does not limit the duration of a slow download.
    """
    from concurrent.futures import ThreadPoolExecutor

    worker = ThreadPoolExecutor(1)
    try:
        return worker.submit(operation).result(seconds)
    finally:
        worker.shutdown(wait=False)
