"""Where results are kept: a local folder, or a bucket on S3. Each has small files by name; a name may have folders."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from secrets import token_hex
from threading import Lock
from time import time
from typing import Any, Protocol

from chalicelib.config.stores import Budget
from chalicelib.errors import Unavailable
from chalicelib.lazy import Lazy
from chalicelib.stores.objects import connect, run_with_timeout

FOLDER = "results/"
"""Key prefix of results in the bucket; IAM policies refer to it."""
_SWEEP_SECONDS = 3600.0
"""Time between two searches for files that are too old."""


class Store(Protocol):
    """Small files by name. Thread-safe. All methods raise `Unavailable` if the store fails."""

    def put(self, name: str, data: bytes, media_type: str) -> None:
        """Write a file, as a whole or not at all."""

    def get(self, name: str, *, is_listed: bool = False) -> bytes | None:
        """Return the content of a file; None if it does not exist. `is_listed`: whether `names` has just named it."""

    def delete(self, name: str) -> None:
        """Delete a file if it exists."""

    def names(self, folder: str) -> Iterator[str]:
        """Yield the names of the files in a folder, such as `corrections/`, in no order."""


class FolderStore:
    """A local folder, which only this user can read. Files older than `lifetime` seconds are deleted."""

    def __init__(self, folder: Path, lifetime: float) -> None:
        self._folder, self._lifetime = folder, lifetime
        self._swept = 0.0
        self._lock = Lock()

    def put(self, name: str, data: bytes, media_type: str) -> None:  # noqa: ARG002  the name says the type
        self._sweep()
        path = self._folder / name
        part = path.with_name(f".{path.name}.{token_hex(4)}.part")  # two may write the same file at once
        with _unavailable():
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            path.parent.mkdir(mode=0o700, exist_ok=True)
            part.touch(mode=0o600)
            part.write_bytes(data)
            part.replace(path)

    def get(self, name: str, *, is_listed: bool = False) -> bytes | None:  # noqa: ARG002  a folder says what is missing
        with _unavailable(), suppress(FileNotFoundError):
            return (self._folder / name).read_bytes()
        return None

    def delete(self, name: str) -> None:
        with _unavailable():
            (self._folder / name).unlink(missing_ok=True)

    def names(self, folder: str) -> Iterator[str]:
        with _unavailable(), suppress(FileNotFoundError):
            for path in (self._folder / folder).iterdir():
                if not path.name.startswith("."):
                    yield f"{folder}{path.name}"

    def _sweep(self) -> None:
        """Delete files that are too old, at most once an hour. S3 does this by a rule of the bucket."""
        with self._lock:
            now = time()
            if now - self._swept < _SWEEP_SECONDS or not self._folder.is_dir():
                return
            self._swept = now
        for path in self._folder.rglob("*"):
            try:
                if path.is_file() and now - path.stat().st_mtime > self._lifetime:
                    path.unlink()
            except OSError:  # another process has deleted it, or this one may not; readers check the time themselves
                continue


class BucketStore:
    """A bucket on S3, under `FOLDER`. Connects at first use. A rule of the bucket deletes old files.

    `connections`: maximum number of calls at the same time. `names` needs the right to list the bucket.
    """

    def __init__(self, bucket: str, region: str, budget: Budget, connections: int = 10) -> None:
        self._bucket, self._seconds = bucket, budget.total
        self._client = Lazy(partial(connect, region, budget, connections))

    def put(self, name: str, data: bytes, media_type: str) -> None:
        with _unavailable(_of_s3()):
            self._within(lambda s3: s3.put_object(**self._object(name), Body=data, ContentType=media_type))

    def get(self, name: str, *, is_listed: bool = False) -> bytes | None:
        from botocore.exceptions import ClientError

        # AccessDenied: to a role that may not list the bucket, S3 does not say that a file is missing.
        missing = {"NoSuchKey"} if is_listed else {"NoSuchKey", "AccessDenied"}
        with _unavailable(_of_s3()):
            try:
                return self._within(lambda s3: bytes(s3.get_object(**self._object(name))["Body"].read()))
            except ClientError as error:
                if error.response.get("Error", {}).get("Code") in missing:
                    return None
                raise

    def delete(self, name: str) -> None:
        with _unavailable(_of_s3()):
            self._within(lambda s3: s3.delete_object(**self._object(name)))

    def names(self, folder: str) -> Iterator[str]:
        with _unavailable(_of_s3()):
            pages = self._client.get().get_paginator("list_objects_v2")
            for listed in pages.paginate(Bucket=self._bucket, Prefix=f"{FOLDER}{folder}"):
                for each in listed.get("Contents", ()):
                    yield each["Key"].removeprefix(FOLDER)

    def _within[R](self, operation: Callable[[Any], R]) -> R:
        """Return the result of an operation on the client. Raises `TimeoutError`, an `OSError`, if it is too slow."""
        return run_with_timeout(self._seconds, lambda: operation(self._client.get()))

    def _object(self, name: str) -> dict[str, str]:
        return {"Bucket": self._bucket, "Key": f"{FOLDER}{name}"}


@contextmanager
def _unavailable(errors: tuple[type[Exception], ...] = (OSError,)) -> Iterator[None]:
    """Turn errors, by default those of a disk, into `Unavailable`."""
    try:
        yield
    except errors as error:
        raise Unavailable("results cannot be kept or read just now; try again in a moment") from error


def _of_s3() -> tuple[type[Exception], ...]:
    from botocore.exceptions import BotoCoreError, ClientError

    return BotoCoreError, ClientError, OSError
