"""Settings of the HTTP server. chalicelib/config/settings.py has the settings of the application."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from chalicelib.config import casts
from chalicelib.config.field import read, setting
from chalicelib.errors import SettingError


@dataclass(frozen=True, slots=True)
class WebSettings:
    """The limits of the HTTP server. The process reads them once, when it starts."""

    hosts: str = setting("HTTP_HOSTS", "localhost 127.0.0.1 [::1]")
    """Host names that clients may send in `Host`, separated by spaces; `*` allows all. Requests for other hosts get
    421, which prevents DNS rebinding."""
    workers: int = setting("HTTP_WORKERS", 0, casts.non_negative_int)
    """Number of photos that are identified at the same time; 0 means one per processor, or 64 with `INFERENCE=lambda`.
    With more than one, `MODEL_THREADS` is 1 unless it is set; if several processes with 1 share a machine, set
    `MODEL_THREADS=1`, or they take each other's processors."""
    queue_seconds: float = setting("HTTP_QUEUE_SECONDS", 5.0, casts.positive_number, unit="s")
    """Longest expected wait of a photo; above it, the server is overloaded: only a few photos may wait, and all others
    get 503 with Retry-After."""
    body_bytes: int = setting("HTTP_BODY_BYTES", 100_000_000, casts.positive_int, unit="bytes")
    """Largest total size of the request bodies in memory; above it, further photos get 503."""
    head_seconds: float = setting("HTTP_HEAD_SECONDS", 10.0, casts.positive_number, unit="s")
    """Longest time for a client to send the request line and the headers; a slower client gets 408."""
    body_rate: float = setting("HTTP_BODY_RATE", 20_000.0, casts.positive_number, unit="bytes/s")
    """Lowest rate at which a client may send a body, measured over 10 s; a slower client gets 408."""
    keep_alive_seconds: float = setting("HTTP_KEEP_ALIVE_SECONDS", 75.0, casts.positive_number, unit="s")
    """Time after which the server closes an idle connection."""
    connections: int = setting("HTTP_CONNECTIONS", 1000, casts.positive_int)
    """Largest number of open connections; further ones get 503."""

    drain_seconds: float = setting("HTTP_DRAIN_SECONDS", 0.0, casts.non_negative_number, unit="s")
    """Time after SIGTERM in which `GET /healthz` already fails and requests are still accepted, so that a load balancer
    can send them elsewhere."""
    inference: str = setting("INFERENCE", "local", casts.one_of("local", "lambda"))
    """Where photos are identified: `local`, in this process; `lambda`, by the function `IDENTIFY_FUNCTION`, to which
    photos go through the bucket `PHOTO_BUCKET`. With `lambda`, this process needs no model."""
    identify_function: str = setting("IDENTIFY_FUNCTION", "")
    """Name of the API's function on Lambda, for `INFERENCE=lambda`."""
    invoke_seconds: float = setting("INVOKE_SECONDS", 32.0, casts.positive_number, unit="s")
    """Longest wait for the function; keep it above the function's own timeout of 29 s."""
    spool_bytes: int = setting("HTTP_SPOOL_BYTES", 6_000_000_000, casts.positive_int, unit="bytes")
    """Largest total size of the photos in temporary files (`TMPDIR`) with `INFERENCE=lambda`; above it, further photos
    get 503."""

    results_folder: Path | None = setting("RESULTS_FOLDER", None, Path)
    """Folder for results that clients keep (`keep=true`); without it and `RESULTS_BUCKET`, nothing is kept."""
    results_bucket: str = setting("RESULTS_BUCKET", "")
    """S3 bucket for results, under `results/`; takes the place of the folder."""
    results_bytes: int = setting("RESULTS_BYTES", 5_000_000_000, casts.positive_int, unit="bytes")
    """Room for results; when it is full, answers come with `result: null`. Of a bucket, which a task may not list: what
    the task keeps in a day."""
    results_files: int = setting("RESULTS_FILES", 200_000, casts.positive_int)
    """The same as a number of files; a result has two."""
    results_free_bytes: int = setting("RESULTS_FREE_BYTES", 1_000_000_000, casts.non_negative_int, unit="bytes")
    """No result is kept in `RESULTS_FOLDER` while its disk has less free space than this."""
    public_url: str = setting("PUBLIC_URL", "", casts.origin)
    """Address of this server for the previews of shared results, such as `https://example.org`; if empty, that of each
    request, with `http`."""

    @classmethod
    def from_environment(cls) -> Self:
        """Return the settings from the environment variables of this process. Raises `SettingError`."""
        settings = read(cls, os.environ)
        if settings.relays and not settings.identify_function:
            raise SettingError("setting IDENTIFY_FUNCTION is empty; INFERENCE=lambda needs the name of a function")
        return settings

    @property
    def relays(self) -> bool:
        """Return whether the function on Lambda identifies the photos."""
        return self.inference == "lambda"

    @property
    def worker_count(self) -> int:
        """Return the number of photos that are identified at the same time. Waiting for Lambda costs little."""
        return self.workers or (64 if self.relays else os.process_cpu_count() or 1)
