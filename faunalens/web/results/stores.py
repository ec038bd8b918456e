"""Where results are kept: a local folder, or a bucket on S3. Each has small files by name."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from fcntl import LOCK_EX, flock
from math import inf
from pathlib import Path
from secrets import token_hex
from shutil import disk_usage
from threading import Lock
from time import time
from typing import Any, NamedTuple

from chalicelib.config.stores import Budget
from chalicelib.errors import Unavailable
from chalicelib.stores.objects import S3

FOLDER = "results/"  # key prefix in the bucket; IAM policies refer to it
SWEEP_SECONDS = 3600.0  # between two searches for files that are too old
DAY = 86_400.0
_UNAVAILABLE = "results cannot be kept or read just now; try again in a moment"
_MISSING = ("NoSuchKey", "AccessDenied")
"""S3's error codes for a missing file. A role that may not list the bucket gets the second one."""


class File(NamedTuple):
    """A file as it was read. `version`: the store's identifier of this content, if it has one."""

    data: bytes
    media_type: str = ""
    version: str = ""


class Quota:
    """The room for results. Thread-safe. `most_bytes`, `most_files`: limits of all results together."""

    def __init__(self, most_bytes: int, most_files: int) -> None:
        self._most_bytes, self._most_files = most_bytes, most_files
        self._bytes = self._files = 0
        self._lock = Lock()

    def count(self, size: int) -> None:
        """Count a new file of `size` bytes."""
        with self._lock:
            self._bytes, self._files = self._bytes + size, self._files + 1

    def reset(self, size: int = 0, files: int = 0) -> None:
        """Set the counts to `size` bytes in `files` files."""
        with self._lock:
            self._bytes, self._files = size, files

    def check(self) -> None:
        """Raise `Unavailable` if there is no room for another file."""
        if self._bytes >= self._most_bytes or self._files >= self._most_files:
            raise Unavailable("no more results can be kept just now; try again another day", retry_after=3600)


class FolderStore:
    """A local folder, which only this user can read. Files older than `lifetime` seconds are deleted.

    `least_free`: bytes that stay free on the disk. Thread-safe, as `BucketStore` is. All methods of both raise
    `Unavailable` if the store fails.
    """

    def __init__(self, folder: Path, lifetime: float, quota: Quota, least_free: int = 0) -> None:
        self._folder, self._lifetime, self._quota, self._least_free = folder, lifetime, quota, least_free
        self._swept = -inf
        self._lock = Lock()

    def check_room(self) -> None:
        """Raise `Unavailable` if there is no room for another result."""
        self.sweep()  # the first one finds out how much there is
        self._quota.check()
        with _unavailable():
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            free = disk_usage(self._folder).free
        if free < self._least_free:
            raise Unavailable("no more results can be kept, for lack of disk space", retry_after=3600)

    def put(self, name: str, data: bytes, media_type: str) -> None:  # noqa: ARG002  the name says the type
        """Write a file, as a whole or not at all."""
        with _unavailable():
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._write(self._folder / name, data)
        self._quota.count(len(data))

    def replace(self, name: str, old: File, data: bytes) -> bool:
        """Replace a file that was read as `old`. Return False if it was changed or deleted meanwhile."""
        path = self._folder / name
        with _unavailable(), self._changing(), suppress(FileNotFoundError):
            times, is_old = path.stat(), path.read_bytes() == old.data
            if is_old:
                os.utime(self._write(path, data), ns=(times.st_atime_ns, times.st_mtime_ns))  # it keeps its age
            return is_old
        return False

    def _write(self, path: Path, data: bytes) -> Path:
        part = path.with_name(f".{path.name}.{token_hex(4)}.part")  # two may write the same file at once
        try:
            part.touch(mode=0o600)
            part.write_bytes(data)
            return part.replace(path)
        except OSError:
            part.unlink(missing_ok=True)
            raise

    @contextmanager
    def _changing(self) -> Iterator[None]:
        """Wait until no other thread or process changes or deletes a file."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with (self._folder / ".lock").open("a") as lock:
            flock(lock, LOCK_EX)
            yield

    def get(self, name: str, *, is_listed: bool = False) -> File | None:  # noqa: ARG002  a folder says what is missing
        """Return a file, or None if it does not exist. `is_listed`: whether `names` has just yielded its name.

        From a bucket, `AccessDenied` means that a file is missing, unless it was listed; then it raises `Unavailable`.
        """
        with _unavailable(), suppress(FileNotFoundError):
            return File((self._folder / name).read_bytes())
        return None

    def delete(self, name: str) -> None:
        """Delete a file if it exists."""
        with _unavailable(), self._changing():
            (self._folder / name).unlink(missing_ok=True)

    def names(self) -> Iterator[str]:
        """Yield the names of all files, in no particular order."""
        yield from (path.name for path in self._paths() if not path.name.startswith("."))

    def _paths(self) -> list[Path]:
        """Return all files, also those that a process which was killed has written in part, without the lock."""
        with _unavailable(), suppress(FileNotFoundError):
            return [path for path in self._folder.iterdir() if path.name != ".lock"]
        return []

    def sweep(self) -> None:
        """Delete files that are too old and count the others, at most once an hour."""
        with self._lock:
            now = time()
            if now - self._swept < SWEEP_SECONDS:
                return
            self._swept, size, files = now, 0, 0
            for path in self._paths():
                with suppress(OSError):  # another process has deleted it, or this one may not; readers check the time
                    found = path.stat()
                    if now - found.st_mtime > self._lifetime:
                        path.unlink()
                    else:
                        size, files = size + found.st_size, files + 1
            self._quota.reset(size, files)


class BucketStore:
    """A bucket on S3, under `FOLDER`. Connects at first use. A rule of the bucket deletes old files.

    `quota`: limits what this process keeps in a day, since it may not list the bucket. `connections`: maximum number of
    calls at the same time. `names` needs the right to list the bucket.
    """

    def __init__(self, bucket: str, region: str, budget: Budget, quota: Quota, connections: int = 10) -> None:
        self._bucket, self._quota, self._day = bucket, quota, time() // DAY
        self._s3 = S3(region, budget, connections, _UNAVAILABLE)

    def put(self, name: str, data: bytes, media_type: str) -> None:
        self._s3.call(lambda s3: s3.put_object(**self._object(name), Body=data, ContentType=media_type))
        self._quota.count(len(data))

    def replace(self, name: str, old: File, data: bytes) -> bool:
        where = self._object(name) | {"IfMatch": old.version, "ContentType": old.media_type}
        changed = (*_MISSING, "404", "PreconditionFailed", "ConditionalRequestConflict")
        return self._s3.call(lambda s3: s3.put_object(**where, Body=data), changed) is not None

    def check_room(self) -> None:
        if (day := time() // DAY) != self._day:
            self._day = day
            self._quota.reset()
        self._quota.check()

    def sweep(self) -> None:
        """Do nothing: a rule of the bucket deletes old files."""

    def get(self, name: str, *, is_listed: bool = False) -> File | None:
        def read(s3: Any) -> File:
            found = s3.get_object(**self._object(name))
            return File(found["Body"].read(), found["ContentType"], found["ETag"])

        return self._s3.call(read, _MISSING[:1] if is_listed else _MISSING)

    def delete(self, name: str) -> None:
        self._s3.call(lambda s3: s3.delete_object(**self._object(name)))

    def names(self) -> Iterator[str]:
        def listed(s3: Any) -> list[str]:
            pages = s3.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=FOLDER)
            return [each["Key"].removeprefix(FOLDER) for page in pages for each in page.get("Contents", ())]

        yield from self._s3.call(listed, is_short=False) or ()

    def _object(self, name: str) -> dict[str, str]:
        return {"Bucket": self._bucket, "Key": f"{FOLDER}{name}"}


type Store = FolderStore | BucketStore


@contextmanager
def _unavailable() -> Iterator[None]:
    """Turn errors of the disk into `Unavailable`."""
    try:
        yield
    except OSError as error:
        raise Unavailable(_UNAVAILABLE) from error
