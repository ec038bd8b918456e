"""Random faults of Redis and PostgreSQL under load, for minutes: `python -m benchmarks.soak --minutes 10`.

The app runs in a process of its own behind HTTP; both servers are real, each with a proxy in front. While clients send
requests, a random fault from those of tests/faults happens for about a second, then nothing for another. Expected: no
answer above 499, none over its time limit, no leaked connection, flat memory.
"""

import argparse
import http.client
import os
import sys
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from itertools import count
from json import loads
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from threading import Event
from time import monotonic
from typing import NamedTuple
from urllib.parse import urlencode

import numpy as np

from benchmarks.backends import load_active, served_app
from benchmarks.measure import table
from database.dataset import read_dataset
from local.stack import postgres
from local.stack.child_process import ChildProcess
from local.stack.ports import HOST
from testing.faults import postgres_cases, redis_cases
from testing.faults.case import FaultCase
from testing.faults.rig import Rig, redis_behind_proxy
from testing.faults.servers import command
from testing.pictures import jpeg
from testing.proxy import Proxy

LIMIT = 1.5 + 1.0
"""Seconds that an answer may take: `FEATURES_TOTAL`, and one more for HTTP, the model and a busy machine."""
CLIENTS = 4
PLACES = 400
PHOTO_SHARE = 0.1
"""Share of requests that identify a photo; the others ask for the animals of a place, which takes only features."""
SESSION_LIMIT = 1
"""Sessions of one process in PostgreSQL. There can be more for a moment: one whose query was given up ends with the
statement timeout, one that the network forgot ends after its idle time."""
CONNECTION_LIMIT = 2 * 16
"""Connections of one process to Redis: `redis_client.RedisClient`."""
GROWTH_LIMIT = 1.0
"""Memory growth that still counts as flat, megabytes a minute."""
WARM_UP = 75
"""Photos that each client sends first, all at once, so that every memory arena exists before memory is measured."""
SETTINGS = {
    "FEATURES_SOFT_TTL": "4",
    "FEATURES_HARD_TTL": "60",
    "FEATURES_REST": "0.3",
    "MEMORY_FRESH": "0.3",
    "MEMORY_CELLS": "100",
    "VERSION_FRESH": "1",
    "BREAKER_REST": "0.5",
    "REDIS_IDLE": "3",
    "DATABASE_IDLE": "3",
    "METRICS_FILE": os.devnull,
    "LOG_LEVEL": "ERROR",
}
"""Lifetimes of seconds instead of hours, so that every path is taken often."""
EXCLUDED = {
    "value cut off",  # these know the names of the tests' datasets
    "value of another cell",
    "value that is not a string",
    "no active dataset",
    "killed mid-request",  # these wait for a request of the test
    "session idle for longer than `DATABASE_IDLE`",
    "connection forgotten by the network for longer than `DATABASE_IDLE`",
    "restarted as a read-only standby",  # this takes seconds
}
FAULTS: list[tuple[str, FaultCase[Rig]]] = [
    (server, case)
    for server, cases in (("redis", redis_cases.CASES), ("postgres", postgres_cases.CASES))
    for case in cases
    if case.name not in EXCLUDED
]


class Response(NamedTuple):
    """One response: seconds, HTTP status (0: none arrived), and `features.mode` and `.cache` of its body."""

    seconds: float
    status: int
    mode: str = ""
    cache: str = ""


@dataclass(slots=True)
class Findings:
    """The results. `memory`: (seconds, megabytes) of the app. The servers count `sessions` and `connections`.

    `files`: open files of the app at the start and at the end.
    """

    responses: list[Response] = field(default_factory=list)
    faults: Counter[str] = field(default_factory=Counter)
    memory: list[tuple[float, float]] = field(default_factory=list)
    sessions: list[int] = field(default_factory=list)
    connections: list[int] = field(default_factory=list)
    files: tuple[int, int] = (0, 0)

    @property
    def growth(self) -> float:
        """Memory growth by least squares, megabytes a minute."""
        seconds, megabytes = np.array(self.memory).T
        return float(np.polyfit(seconds, megabytes, 1)[0] * 60)

    def problems(self, *, short: bool = False) -> list[str]:
        """Return each limit that was exceeded. A `short` run says nothing about memory."""
        failed = Counter(response.status for response in self.responses if not 200 <= response.status < 500)
        late = [response.seconds for response in self.responses if response.seconds > LIMIT]
        checks = {
            f"failed requests, by status {dict(failed)}": (failed.total(), 0),
            f"answers after more than {LIMIT} s, the slowest after {max(late, default=0):.2f} s": (len(late), 0),
            "sessions left in PostgreSQL": (self.sessions[-1], SESSION_LIMIT),
            "connections to Redis": (max(self.connections), CONNECTION_LIMIT),
            "open files at the end": (self.files[1], self.files[0] + CLIENTS + 4),
            "memory growth, MB a minute": (0.0 if short else self.growth, GROWTH_LIMIT),
        }
        return [
            f"{what}: {found:.4g}, expected at most {limit}" for what, (found, limit) in checks.items() if found > limit
        ]

    def summary(self) -> str:
        """Return the figures as a table."""
        seconds = [response.seconds for response in self.responses]
        statuses = Counter(str(response.status) for response in self.responses)
        features = Counter(f"{response.mode}, {response.cache}" for response in self.responses if response.mode)
        memory = np.array_split([megabytes for _, megabytes in self.memory], min(10, len(self.memory)))
        rows = [
            ["requests", f"{len(self.responses)}"],
            ["by status", "; ".join(f"{name}: {number}" for name, number in statuses.most_common())],
            ["by features", "; ".join(f"{name}: {number}" for name, number in features.most_common())],
            ["seconds: median, p99, slowest", " ".join(f"{s:.3f}" for s in np.quantile(seconds, [0.5, 0.99, 1]))],
            ["faults", f"{self.faults.total()}, of {len(self.faults)} kinds"],
            ["sessions in PostgreSQL, most, at the end", f"{max(self.sessions)}, {self.sessions[-1]}"],
            ["connections to Redis, most, at the end", f"{max(self.connections)}, {self.connections[-1]}"],
            ["open files of the app, at the start, at the end", f"{self.files[0]}, {self.files[1]}"],
            ["memory, in up to ten steps", f"{' '.join(f'{part.mean():.1f}' for part in memory)} MB"],
            ["growth", f"{self.growth:+.2f} MB a minute"],
        ]
        return table(rows, ["what", "figure"])


class Soak:
    """The served app, its clients and the faults."""

    def __init__(self, rig: Rig, app: ChildProcess, port: int, seed: int) -> None:
        self._rig, self._app, self._port = rig, app, port
        self._random = Random(seed)
        self._over = Event()
        draw = Random(seed)
        self._places = [(draw.uniform(-60, 70), draw.uniform(-180, 180)) for _ in range(PLACES)]
        self._photo = jpeg(320, 240)
        self.findings = Findings()

    def run(self, seconds: float) -> Findings:
        """Run clients and faults for some seconds."""
        with ThreadPoolExecutor(CLIENTS) as threads:
            clients = [threads.submit(self._send_requests, Random(number)) for number in range(CLIENTS)]
            try:
                self._cause_faults(clients, seconds)
            finally:
                self._over.set()
            for client in clients:
                client.result()
        return self.findings

    def _cause_faults(self, clients: Sequence[Future[None]], seconds: float) -> None:
        deadline = monotonic() + 60
        while len(self.findings.responses) < CLIENTS * WARM_UP:
            assert monotonic() < deadline, "the app did not warm up within a minute"
            self._over.wait(0.1)
        began, files = monotonic(), self._open_files()
        while monotonic() - began < seconds:
            assert all(client.running() for client in clients), "a client died"
            chosen = self._random.sample(FAULTS, 2 if self._random.random() < 0.2 else 1)
            if len({server for server, _ in chosen}) < len(chosen):
                continue  # one fault a server at a time
            with ExitStack() as stack:
                for server, case in chosen:
                    self.findings.faults[f"{server}: {case.name}"] += 1
                    stack.enter_context(case.fault(self._rig))
                self._over.wait(self._random.uniform(0.2, 1.5))
            self._over.wait(self._random.uniform(0.2, 1.5))
            self._sample(monotonic() - began)
        self._over.wait(float(SETTINGS["DATABASE_IDLE"]) + 1)
        self._sample(monotonic() - began)
        self.findings.files = files, self._open_files()

    def _sample(self, passed: float) -> None:
        """Record what the app occupies while no fault is active."""
        sessions = self._rig.sql("select count(*) from pg_stat_activity where application_name = 'faunalens'")
        clients = command(self._rig.redis, "CLIENT", "LIST").decode().splitlines()
        pages = int(Path(f"/proc/{self._app.pid}/statm").read_text().split()[1])
        self.findings.sessions.append(sessions[0][0])
        self.findings.connections.append(sum(" user=app " in client for client in clients))
        self.findings.memory.append((passed, pages * os.sysconf("SC_PAGE_SIZE") / 1e6))

    def _open_files(self) -> int:
        return len([*Path(f"/proc/{self._app.pid}/fd").iterdir()])

    def _send_requests(self, random: Random) -> None:
        with closing(http.client.HTTPConnection(HOST, self._port, timeout=20)) as connection:
            for number in count():
                is_warm = number >= WARM_UP
                if self._over.wait(0.02 * random.random() if is_warm else 0):
                    return
                latitude, longitude = self._places[min(int(random.paretovariate(0.6)), PLACES) - 1]
                query = urlencode({"lat": f"{latitude:.4f}", "lon": f"{longitude:.4f}"})
                started = monotonic()
                try:
                    if not is_warm or random.random() < PHOTO_SHARE:
                        headers = {"Content-Type": "image/jpeg"}
                        connection.request("POST", f"/identify?{query}", self._photo, headers)
                    else:
                        connection.request("GET", f"/animals?{query}")
                    response = connection.getresponse()
                    features = loads(response.read()).get("features", {"mode": "", "cache": ""})
                    found = response.status, features["mode"], features["cache"]
                except (OSError, http.client.HTTPException, ValueError):
                    connection.close()
                    found = 0, "", ""
                self.findings.responses.append(Response(monotonic() - started, *found))


def soak(seconds: float, seed: int, log: Path) -> Findings:
    """Send requests for `seconds` while injecting faults at random. `log`: file for the app's output."""
    with redis_behind_proxy() as (node, redis_proxy), postgres.serve() as server, Proxy.to(server.port) as proxy:
        load_active(server.url, read_dataset())
        rig = Rig(
            redis_url=node.signed_in(node.port),
            database_url=server.url,
            redis=node,
            redis_proxy=redis_proxy,
            postgres=server,
            postgres_proxy=proxy,
        )
        rig.sql("checkpoint")  # so that the data outlive a kill
        with served_app({**rig.proxied_settings, **SETTINGS}, log) as (app, port):
            return Soak(rig, app, port, seed).run(seconds)


def main() -> int:
    """Print the figures and the problems; return 1 if there are any."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--seed", type=int, default=1, help="decides which faults happen when")
    options = parser.parse_args()
    with TemporaryDirectory(prefix="faunalens-soak-") as folder:
        log = Path(folder) / "app.log"
        findings = soak(options.minutes * 60, options.seed, log)
        print(findings.summary())
        for name, number in sorted(findings.faults.items()):
            print(f"{number:4d} × {name}")
        problems = findings.problems(short=options.minutes < 3)
        for problem in problems:
            print(f"PROBLEM: {problem}", file=sys.stderr)
        if problems:
            print(log.read_text()[-4000:], file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
