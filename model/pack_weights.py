"""Get the weights of a pack: from the cache, from a folder, or from the repository that publishes them.

Every file is checked by its SHA-256. A wrong one is an error, never a reason to go on without the pack.
"""

import hashlib
import os
import sys
from collections.abc import Callable
from http.client import HTTPException
from pathlib import Path
from urllib.error import HTTPError
from urllib.parse import quote
from urllib.request import Request, urlopen

from chalicelib.errors import ModelError
from chalicelib.model.manifest import Weights

HOST = "https://raw.githubusercontent.com"
"""Serves the files of public repositories by repository, commit and path."""
LARGEST = 200_000_000
"""Bytes of a file, so that a wrong address cannot fill the disk."""
_TIMEOUT = 10.0
_CHUNK = 2**16
_TENTHS = 10


class WeightsUnavailable(Exception):  # no `ModelError`: setup goes on without the pack
    """The weights cannot be had here and now, for example because the file is not there."""


class HostUnreachable(WeightsUnavailable):
    """Nothing can be had from the host: no network, or no answer in time."""


def get(weights: Weights, cache: Path, folder: Path | None = None, host: str = HOST) -> Path:
    """Return the path of the weights in `cache`, where files are named by their SHA-256; put them there if need be.

    `folder`: has the file, without folders in between; then the network is not used. `host`: see `HOST`.
    Raise `WeightsUnavailable` if the file cannot be had, and `ModelError` if it has another SHA-256.
    """
    cached = cache / weights.sha256
    name = Path(weights.path).name
    if cached.is_file() and _sha256(cached.read_bytes()) == weights.sha256:
        return cached
    if folder is not None:
        source = str(folder / name)
        try:
            data = Path(source).read_bytes()
        except OSError as error:
            raise WeightsUnavailable(f"{source} cannot be read ({error.strerror})") from error
    else:
        source = address_of(weights, host)
        data = _download(source, _report(name))
    found = _sha256(data)
    if found != weights.sha256:
        raise ModelError(
            f"{source} has SHA-256 {found}, expected {weights.sha256}; it is another file than the pack was made for, "
            "so do not use it"
        )
    cache.mkdir(parents=True, exist_ok=True)
    partial = cached.with_name(f"{cached.name}.{os.getpid()}")
    partial.write_bytes(data)
    partial.replace(cached)  # another setup may write the same file
    return cached


def address_of(weights: Weights, host: str = HOST) -> str:
    """Return the address of a file in its repository.

    >>> address_of(Weights("owner/name", "c0ffee", "models/a b.tflite", ""))
    'https://raw.githubusercontent.com/owner/name/c0ffee/models/a%20b.tflite'
    """
    return f"{host}/{weights.repository}/{weights.commit}/{quote(weights.path)}"


def _download(address: str, report: Callable[[int, int], None]) -> bytes:
    try:
        with urlopen(Request(address), timeout=_TIMEOUT) as response:  # noqa: S310 - the host is ours to choose
            size = int(response.headers.get("Content-Length") or 0)
            data = bytearray()
            while chunk := response.read(_CHUNK):
                data += chunk
                if len(data) > LARGEST:
                    raise ModelError(f"{address} has more than {LARGEST / 1e6:.0f} MB; check the address")
                report(len(data), size)
    except HTTPError as error:
        raise WeightsUnavailable(f"{address} answers {error.code} {error.reason}") from error
    except (OSError, HTTPException) as error:
        reason = getattr(error, "reason", None) or str(error) or type(error).__name__
        raise HostUnreachable(f"{address} cannot be reached ({reason})") from error
    if len(data) < size:  # `read` with a limit does not notice that the connection was closed too early
        raise WeightsUnavailable(f"{address} ended after {len(data):,} of {size:,} bytes")
    return bytes(data)


def _report(name: str) -> Callable[[int, int], None]:
    """Return a function that prints each tenth of a download."""
    printed = 0

    def report(there: int, size: int) -> None:
        nonlocal printed
        tenth = there * _TENTHS // size if size else 0
        if tenth > printed:
            printed = tenth
            print(f"  {name}: {there / 1e6:.1f} of {size / 1e6:.1f} MB", file=sys.stderr, flush=True)

    return report


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
