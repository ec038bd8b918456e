"""S3 with our time limits, and the objects in it that a batch reads and writes."""

from collections.abc import Callable, Collection, Mapping
from contextlib import closing
from functools import partial
from types import MappingProxyType
from typing import Any, NamedTuple

from chalicelib.config.stores import Budget
from chalicelib.errors import HTTPError, Unavailable
from chalicelib.lazy import Lazy

_MISSING = frozenset({"NoSuchKey", "404", "AccessDenied", "403"})
"""Error codes of S3 for a missing object. To callers who may not list the bucket, S3 answers that access is denied."""


class Object(NamedTuple):
    """An object that was read. `data`: None if it is larger than the caller allows. `metadata`: by lower-case name."""

    data: bytes | None
    size: int
    etag: str
    metadata: Mapping[str, str] = MappingProxyType({})


class S3:
    """A client of S3 with our time limits. Thread-safe; connects at first use.

    `connections`: maximum number of calls at the same time. `unavailable`: message of the error if S3 fails.
    """

    def __init__(self, region: str, budget: Budget, connections: int = 10, unavailable: str = "") -> None:
        self._client = Lazy(partial(connect, region, budget, connections))  # only once, because that is slow
        self._seconds, self._unavailable = budget.total, unavailable

    def call[R](
        self,
        operation: Callable[[Any], R],
        expected: Collection[str] = (),
        missing: HTTPError | None = None,
        *,
        is_short: bool = True,
    ) -> R | None:
        """Run an operation on botocore's client.

        For the error codes `expected`, return None, or raise `missing` if given. `is_short`: whether to give up after
        the total time, which socket timeouts do not limit: they restart with each byte. Raises `Unavailable` if S3
        fails or is too slow.
        """
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            if not is_short:
                return operation(self._client.get())
            return _run_with_timeout(self._seconds, lambda: operation(self._client.get()))
        except ClientError as error:
            code = error.response.get("Error", {}).get("Code", "")
            if code not in expected:
                raise Unavailable(self._unavailable or f"S3 refuses a call ({code})") from error
            if missing is not None:
                raise missing from error
            return None
        except (BotoCoreError, OSError) as error:  # TimeoutError is one
            raise Unavailable(self._unavailable or f"S3 cannot be reached ({type(error).__name__})") from error


class Objects(S3):
    """S3, as a batch uses it. Every method raises `Unavailable` if S3 fails; the caller limits its time."""

    def read(self, bucket: str, key: str, most: int) -> Object | None:
        """Read an object of at most `most` bytes. Return None if it does not exist, or the caller may not read it."""

        def get(s3: Any) -> Object:
            found = s3.get_object(Bucket=bucket, Key=key)
            with closing(found["Body"]) as body:
                size = found["ContentLength"]
                data = bytes(body.read()) if size <= most else None
                return Object(data, size, found["ETag"].strip('"'), found["Metadata"])

        return self.call(get, _MISSING, is_short=False)

    def exists(self, bucket: str, key: str) -> bool:
        """Return whether the object exists."""
        return self.call(lambda s3: s3.head_object(Bucket=bucket, Key=key), _MISSING, is_short=False) is not None

    def write(self, bucket: str, key: str, text: str, *, replace: bool) -> None:
        """Write an object. If `replace` is false, leave an existing object unchanged."""
        condition = {} if replace else {"IfNoneMatch": "*"}

        def put(s3: Any) -> None:
            s3.put_object(Bucket=bucket, Key=key, Body=text.encode(), ContentType="application/json", **condition)

        self.call(put, ("PreconditionFailed",), is_short=False)

    def delete(self, bucket: str, key: str) -> None:
        """Delete an object, if it exists."""
        self.call(lambda s3: s3.delete_object(Bucket=bucket, Key=key), is_short=False)


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


def _run_with_timeout[R](seconds: float, operation: Callable[[], R]) -> R:
    """Return the result of `operation`. Raises `TimeoutError` after `seconds` and discards a later result."""
    from concurrent.futures import ThreadPoolExecutor

    worker = ThreadPoolExecutor(1)
    try:
        return worker.submit(operation).result(seconds)
    finally:
        worker.shutdown(wait=False)
