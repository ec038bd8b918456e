"""Clients of S3 with our time limits, and a limit for a whole operation."""

from collections.abc import Callable
from typing import Any

from chalicelib.config.stores import Budget


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
