"""Settings of the HTTP server, beside those of the application."""

import os
from dataclasses import dataclass
from typing import Self

from chalicelib.config import casts
from chalicelib.config.field import read, setting


@dataclass(frozen=True, slots=True)
class WebSettings:
    """How the HTTP server limits what it takes on. Read once, like `Settings`."""

    hosts: str = setting(
        "HTTP_HOSTS",
        "localhost 127.0.0.1 [::1]",
        casts.text,
        help="host names that are served, separated by spaces; `*` serves any. Others get 421, against DNS rebinding",
    )
    workers: int = setting(
        "HTTP_WORKERS",
        0,
        casts.non_negative_int,
        help="photos identified at the same time, each on one model thread unless MODEL_THREADS is set; "
        "0 means one per processor",
    )
    queue_seconds: float = setting(
        "HTTP_QUEUE_SECONDS",
        3.0,
        casts.positive_number,
        unit="s",
        help="longest expected wait for a photo in a burst; beyond it, the server is overloaded: only a few photos "
        "wait, and others get 503 with Retry-After",
    )
    body_bytes: int = setting(
        "HTTP_BODY_BYTES",
        100_000_000,
        casts.positive_int,
        unit="bytes",
        help="bytes of request bodies that are held in memory at the same time",
    )
    head_seconds: float = setting(
        "HTTP_HEAD_SECONDS",
        10.0,
        casts.positive_number,
        unit="s",
        help="longest time for a client to send a request's head",
    )
    body_rate: float = setting(
        "HTTP_BODY_RATE",
        20_000.0,
        casts.positive_number,
        unit="bytes/s",
        help="lowest rate at which a client may send a body, in every 10 s",
    )
    keep_alive_seconds: float = setting(
        "HTTP_KEEP_ALIVE_SECONDS",
        75.0,
        casts.positive_number,
        unit="s",
        help="time after which an idle connection is closed",
    )
    connections: int = setting(
        "HTTP_CONNECTIONS", 1000, casts.positive_int, help="connections open at the same time; further ones get 503"
    )

    @classmethod
    def from_environment(cls) -> Self:
        """The settings of this process. Raises `SettingError`."""
        return read(cls, os.environ)

    @property
    def worker_count(self) -> int:
        """Photos that are identified at the same time."""
        return self.workers or os.process_cpu_count() or 1
