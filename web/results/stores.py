"""Where results are kept: a local folder, or a bucket on S3. Each has small files by name."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from fcntl import LOCK_EX, flock
from functools import partial
from math import inf
from pathlib import Path
from secrets import token_hex
from shutil import disk_usage
from threading import Lock
from time import time
from typing import Any, Protocol

from chalicelib.config.stores import Budget
from chalicelib.errors import Unavailable
from chalicelib.lazy import Lazy
from chalicelib.stores.objects import connect, run_with_timeout

FOLDER = "results/"
"""Key prefix of results in the bucket; IAM policies refer to it."""
SWEEP_SECONDS = 3600.0
"""Time between two searches for files that are too old."""
DAY = 86_400.0
_ATTEMPTS = 5
"""How often a change of an object is tried while others change it too."""


class Store(Protocol):
    """Small files by name. Thread-safe. All methods raise `Unavailable` if the store fails."""

    def put(self, name: str, data: bytes, media_type: str) -> None:
        """Write a file, as a whole or not at all."""

    def get(self, name: str, *, is_listed: bool = False) -> bytes | None:
        """Return the content of a file; None if it does not exist. `is_listed`: whether `names` has just named it."""

    def update(self, name: str, change: Callable[[bytes], bytes]) -> bool:
        """Change the content of a file, which keeps its age. Return whether it exists: one that is deleted stays so."""

    def delete(self, name: str) -> None:
        """Delete a file if it exists."""

    def names(self) -> Iterator[str]:
        """Yield the names of all files, in no order."""

    def check_room(self) -> None:
        """Raise `Unavailable` if there is no room for another result."""

    def sweep(self) -> None:
        """Delete files that are too old, if this store has to do so itself."""


class Quota:
    """The room for results. Thread-safe. `most_bytes`, `most_files`: of all of them together."""

    def __init__(self, most_bytes: int, most_files: int) -> None:
        self._most_bytes, self._most_files = most_bytes, most_files
        self._bytes = self._files = 0
        self._lock = Lock()

    def count(self, size: int) -> None:
        """Count a new file of `size` bytes."""
        with self._lock:
            self._bytes, self._files = self._bytes + size, self._files + 1

    def reset(self, size: int = 0, files: int = 0) -> None:
        """Begin again, with so many bytes in so many files."""
        with self._lock:
            self._bytes, self._files = size, files

    def check(self) -> None:
        """Raise `Unavailable` if there is no room for another file."""
        if self._bytes >= self._most_bytes or self._files >= self._most_files:
            raise Unavailable("no more results can be kept just now; try again another day", retry_after=3600)


class FolderStore:
    """A local folder, which only this user can read. Files older than `lifetime` seconds are deleted.

    `least_free`: bytes that stay free on the disk.
    """

    def __init__(self, folder: Path, lifetime: float, quota: Quota, least_free: int = 0) -> None:
        self._folder, self._lifetime, self._quota, self._least_free = folder, lifetime, quota, least_free
        self._swept = -inf
        self._lock = Lock()

    def check_room(self) -> None:
        self.sweep()  # the first one finds out how much there is
        self._quota.check()
        with _unavailable():
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            free = disk_usage(self._folder).free
        if free < self._least_free:
            raise Unavailable("no more results can be kept, for lack of disk space", retry_after=3600)

    def put(self, name: str, data: bytes, media_type: str) -> None:  # noqa: ARG002  the name says the type
        with _unavailable():
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._write(self._folder / name, data)
        self._quota.count(len(data))

    def update(self, name: str, change: Callable[[bytes], bytes]) -> bool:
        path = self._folder / name
        with _unavailable(), self._changing(), suppress(FileNotFoundError):
            times = path.stat()
            part = self._write(path, change(path.read_bytes()))
            os.utime(part, ns=(times.st_atime_ns, times.st_mtime_ns))
            return True
        return False

    def _write(self, path: Path, data: bytes) -> Path:
        part = path.with_name(f".{path.name}.{token_hex(4)}.part")  # two may write the same file at once
        part.touch(mode=0o600)
        part.write_bytes(data)
        return part.replace(path)

    @contextmanager
    def _changing(self) -> Iterator[None]:
        """Wait until no other thread or process changes or deletes a file."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with (self._folder / ".lock").open("a") as lock:
            flock(lock, LOCK_EX)
            yield

    def get(self, name: str, *, is_listed: bool = False) -> bytes | None:  # noqa: ARG002  a folder says what is missing
        with _unavailable(), suppress(FileNotFoundError):
            return (self._folder / name).read_bytes()
        return None

    def delete(self, name: str) -> None:
        with _unavailable(), self._changing():
            (self._folder / name).unlink(missing_ok=True)

    def names(self) -> Iterator[str]:
        with _unavailable(), suppress(FileNotFoundError):
            for path in self._folder.iterdir():
                if not path.name.startswith("."):
                    yield path.name

    def sweep(self) -> None:
        """Delete files that are too old and count the others, at most once an hour."""
        with self._lock:
            now = time()
            if now - self._swept < SWEEP_SECONDS:
                return
            self._swept = now
            size = files = 0
            for path in [self._folder / name for name in self.names()]:
                with suppress(OSError):  # another process has deleted it, or this one may not; readers check the time
                    found = path.stat()
                    if now - found.st_mtime > self._lifetime:
                        path.unlink()
                    else:
                        size, files = size + found.st_size, files + 1
            self._quota.reset(size, files)


class BucketStore:
    """A bucket on S3, under `FOLDER`. Connects at first use. A rule of the bucket deletes old files.

    `quota`: of what this process keeps in a day, since it may not list the bucket. `connections`: maximum number of
    calls at the same time. `names` needs the right to list the bucket.
    """

    def __init__(self, bucket: str, region: str, budget: Budget, quota: Quota, connections: int = 10) -> None:
        self._bucket, self._seconds, self._quota = bucket, budget.total, quota
        self._day = time() // DAY
        self._client = Lazy(partial(connect, region, budget, connections))

    def put(self, name: str, data: bytes, media_type: str) -> None:
        with _unavailable(_of_s3()):
            self._within(lambda s3: s3.put_object(**self._object(name), Body=data, ContentType=media_type))
        self._quota.count(len(data))

    def update(self, name: str, change: Callable[[bytes], bytes]) -> bool:
        from botocore.exceptions import ClientError

        with _unavailable(_of_s3()):
            for _ in range(_ATTEMPTS):
                try:
                    found = self._within(lambda s3: s3.get_object(**self._object(name)))
                    data, where = change(found["Body"].read()), self._object(name)
                    where |= {"IfMatch": found["ETag"], "ContentType": found["ContentType"]}
                    self._within(partial(_put, data, where))
                except ClientError as error:
                    code = error.response.get("Error", {}).get("Code")
                    if code in ("NoSuchKey", "AccessDenied", "404"):
                        return False
                    if code not in ("PreconditionFailed", "ConditionalRequestConflict"):
                        raise
                else:
                    return True
        raise Unavailable("others change the result too; try again in a moment")

    def check_room(self) -> None:
        day = time() // DAY
        if day != self._day:
            self._day = day
            self._quota.reset()
        self._quota.check()

    def sweep(self) -> None:
        """Do nothing: a rule of the bucket does this."""

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

    def names(self) -> Iterator[str]:
        with _unavailable(_of_s3()):
            pages = self._client.get().get_paginator("list_objects_v2")
            for listed in pages.paginate(Bucket=self._bucket, Prefix=FOLDER):
                for each in listed.get("Contents", ()):
                    yield each["Key"].removeprefix(FOLDER)

    def _within[R](self, operation: Callable[[Any], R]) -> R:
        """Return the result of an operation on the client. Raises `TimeoutError`, an `OSError`, if it is too slow."""
        return run_with_timeout(self._seconds, lambda: operation(self._client.get()))

    def _object(self, name: str) -> dict[str, str]:
        return {"Bucket": self._bucket, "Key": f"{FOLDER}{name}"}


def _put(data: bytes, where: dict[str, str], s3: Any) -> None:
    s3.put_object(Body=data, **where)


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
