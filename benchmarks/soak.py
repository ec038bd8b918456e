"""Random faults of Redis and PostgreSQL under load, for minutes: `python -m benchmarks.soak --minutes 10`.

The app is served for real, by a process of its own; both servers are real, and a proxy stands before each. While
clients ask, a fault is picked at random from those that tests/faults plays one by one, lasts for a second or so, and is
over for another. Wanted: no answer above 499, none over its bound, no connection that stays, memory that does not grow.
"""

import argparse
import http.client
import os
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from itertools import count
from json import loads
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from threading import Event
from time import monotonic
from urllib.parse import urlencode

import numpy as np
import psycopg2

from benchmarks.measure import table
from database.dataset import read_dataset
from database.load import activate, load
from local.stack import postgres
from local.stack.child_process import ChildProcess
from local.stack.ports import HOST, free_port
from testing.faults import postgres_cases, redis_cases
from testing.faults.case import Case
from testing.faults.rig import Rig
from testing.faults.servers import Node, command, one
from testing.pictures import jpeg
from testing.proxy import Proxy

BOUND = 1.5
"""Seconds that features may take, whatever breaks."""
MARGIN = 1.0
"""Seconds more for HTTP, the model and a busy machine."""
CLIENTS = 4
PLACES = 400
PHOTOS = 0.1
"""Share of requests that identify a photo; the others ask for the animals of a place, which only takes features."""
SESSIONS = 1
"""Of one process in PostgreSQL. For a moment there are more: one whose query was given up stays until the statement
times out, one that the network forgot until it idled for long enough."""
CONNECTIONS = 2 * 16
"""Of one process to Redis, at most: `redis_client.RedisClient`."""
SLOPE = 1.0
"""Megabytes a minute by which memory may grow, and still counts as flat."""
WARM_UP = 75
"""Photos that each client sends first, all at once, so that every arena of memory that threads want is there."""
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
}
"""Lives of seconds instead of hours, so that every path is taken often."""
UNFIT = {
    "value cut off",  # they know the names of the tests' datasets
    "value of another cell",
    "value that is no string",
    "no active dataset",
    "killed mid-request",  # they wait for a request of the tests
    "session idle for longer than `DATABASE_IDLE`",
    "connection forgotten by the network for longer than `DATABASE_IDLE`",
    "restarted as a standby, which only reads",  # it takes seconds
}

type Break = tuple[str, Case[Rig]]


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer over HTTP: seconds, status (0: none came), and what features it had."""

    took: float
    status: int
    mode: str
    cache: str


@dataclass(slots=True)
class Findings:
    """What came of it. `memory`: (seconds, megabytes) of the app; `sessions`, `connections`: counted by the servers."""

    answers: list[Answer] = field(default_factory=list)
    faults: Counter[str] = field(default_factory=Counter)
    memory: list[tuple[float, float]] = field(default_factory=list)
    sessions: list[int] = field(default_factory=list)
    connections: list[int] = field(default_factory=list)
    files: tuple[int, int] = (0, 0)

    @property
    def slope(self) -> float:
        """Megabytes a minute, by least squares."""
        seconds, megabytes = np.array(self.memory).T
        return float(np.polyfit(seconds, megabytes, 1)[0] * 60)

    def complaints(self, *, short: bool = False) -> list[str]:
        """What is not as wanted; `short`: too short a time to speak of memory."""
        failed = Counter(answer.status for answer in self.answers if not 200 <= answer.status < 500)
        late = [answer.took for answer in self.answers if answer.took > BOUND + MARGIN]
        found = []
        if failed:
            found.append(f"{failed.total()} requests failed, by status: {dict(failed)}")
        if late:
            found.append(f"{len(late)} answers took more than {BOUND + MARGIN} s, the slowest {max(late):.2f} s")
        if self.sessions[-1] > SESSIONS:
            found.append(f"{self.sessions[-1]} sessions left in PostgreSQL, expected {SESSIONS} at most")
        if max(self.connections) > CONNECTIONS:
            found.append(f"{max(self.connections)} connections to Redis, expected {CONNECTIONS} at most")
        if self.files[1] > self.files[0] + CLIENTS + 4:
            found.append(f"{self.files[1]} open files at the end, {self.files[0]} at the beginning")
        if not short and self.slope > SLOPE:
            found.append(f"memory grows by {self.slope:.2f} MB a minute, expected {SLOPE} at most")
        return found

    def summary(self) -> str:
        """Figures as a table."""
        took = np.array([answer.took for answer in self.answers])
        features = Counter(f"{answer.mode}, {answer.cache}" for answer in self.answers if answer.mode)
        megabytes = [each for _, each in self.memory]
        rows = [
            ("requests", f"{len(self.answers)}"),
            ("by status", _counted(Counter(str(answer.status) for answer in self.answers))),
            ("by features", _counted(features)),
            ("seconds: median, p99, slowest", " ".join(f"{s:.3f}" for s in np.quantile(took, [0.5, 0.99, 1]))),
            ("faults", f"{self.faults.total()}, of {len(self.faults)} kinds"),
            ("sessions in PostgreSQL, at most, at the end", f"{max(self.sessions)}, {self.sessions[-1]}"),
            ("connections to Redis, at most, at the end", f"{max(self.connections)}, {self.connections[-1]}"),
            ("open files of the app, at first, at the end", f"{self.files[0]}, {self.files[1]}"),
            ("memory, in ten steps", f"{' '.join(f'{part.mean():.1f}' for part in np.array_split(megabytes, 10))} MB"),
            ("growth", f"{self.slope:+.2f} MB a minute"),
        ]
        return table(("what", "figure"), rows)


def _counted(counter: Counter[str]) -> str:
    return "; ".join(f"{name}: {count}" for name, count in counter.most_common())


class Soak:
    """The app in its environment, its clients, and whoever breaks things."""

    def __init__(self, rig: Rig, app: ChildProcess, port: int, seed: int) -> None:
        self._rig, self._app, self._port = rig, app, port
        self._random = Random(seed)
        self._over = Event()
        draw = Random(seed)
        self._places = [(draw.uniform(-60, 70), draw.uniform(-180, 180)) for _ in range(PLACES)]
        self._photo = jpeg(320, 240)
        self.findings = Findings()

    def run(self, seconds: float) -> Findings:
        """Everything at once, for so long."""
        faults = [("redis", case) for case in redis_cases.CASES if case.name not in UNFIT]
        faults += [("postgres", case) for case in postgres_cases.CASES if case.name not in UNFIT]
        with ThreadPoolExecutor(CLIENTS) as threads:
            clients = [threads.submit(self._ask, Random(n)) for n in range(CLIENTS)]
            try:
                self._break(faults, clients, seconds)
            finally:
                self._over.set()
            for client in clients:
                client.result()
        return self.findings

    def _break(self, faults: Sequence[Break], clients: Sequence[Future[None]], seconds: float) -> None:
        deadline = monotonic() + 60
        while len(self.findings.answers) < CLIENTS * WARM_UP:
            assert monotonic() < deadline, "the app did not warm up within a minute"
            self._over.wait(0.1)
        began = monotonic()
        first_files = self._open_files()
        while (passed := monotonic() - began) < seconds:
            assert all(client.running() for client in clients), "a client died"
            broken = self._random.sample(faults, 2 if self._random.random() < 0.2 else 1)
            if len({side for side, _ in broken}) < len(broken):
                continue  # one fault a server at a time
            with ExitStack() as stack:
                for side, case in broken:
                    self.findings.faults[f"{side}: {case.name}"] += 1
                    stack.enter_context(case.fault(self._rig))
                self._over.wait(self._random.uniform(0.2, 1.5))
            self._over.wait(self._random.uniform(0.2, 1.5))
            self._look(passed)
        self._over.wait(float(SETTINGS["DATABASE_IDLE"]) + 1)
        self._look(monotonic() - began)
        self.findings.files = first_files, self._open_files()

    def _look(self, passed: float) -> None:
        """Count what the app holds, while nothing is broken."""
        sessions = self._rig.sql("select count(*) from pg_stat_activity where application_name = 'faunalens'")
        clients = command(self._rig.redis, "CLIENT", "LIST").decode().splitlines()
        self.findings.sessions.append(sessions[0][0])
        self.findings.connections.append(sum(" user=app " in client for client in clients))
        self.findings.memory.append((passed, _resident(self._app.pid)))

    def _open_files(self) -> int:
        return len(os.listdir(f"/proc/{self._app.pid}/fd"))  # noqa: PTH208

    def _ask(self, random: Random) -> None:
        with closing(http.client.HTTPConnection(HOST, self._port, timeout=20)) as connection:
            for number in count():
                warm = number >= WARM_UP
                if self._over.wait(0.02 * random.random() if warm else 0):
                    return
                latitude, longitude = self._places[min(int(random.paretovariate(0.6)), PLACES) - 1]
                query = urlencode({"lat": f"{latitude:.4f}", "lon": f"{longitude:.4f}"})
                started = monotonic()
                try:
                    if not warm or random.random() < PHOTOS:
                        headers = {"Content-Type": "image/jpeg"}
                        connection.request("POST", f"/identify?{query}", self._photo, headers)
                    else:
                        connection.request("GET", f"/animals?{query}")
                    response = connection.getresponse()
                    body = loads(response.read())
                except (OSError, http.client.HTTPException, ValueError):
                    connection.close()
                    self.findings.answers.append(Answer(monotonic() - started, 0, "", ""))
                    continue
                features = body.get("features", {"mode": "", "cache": ""})
                took = monotonic() - started
                self.findings.answers.append(Answer(took, response.status, features["mode"], features["cache"]))


def _resident(pid: int) -> float:
    """Megabytes of memory that a process occupies."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


@contextmanager
def stand(log: Path) -> Iterator[tuple[Rig, ChildProcess, int]]:
    """Both servers with the data, a proxy before each, and the app behind those; with the port of the app."""
    with ExitStack() as stack:
        redis_proxy = stack.enter_context(Proxy.to(0))
        node = stack.enter_context(one(Node, f"cluster-announce-port {redis_proxy.port}"))
        redis_proxy.target = node.port
        server = stack.enter_context(postgres.serve())
        with closing(psycopg2.connect(server.url)) as connection:
            activate(connection, load(connection, read_dataset(), report=lambda _: None).version)
        rig = Rig(
            redis_url=node.signed_in(node.port),
            database_url=server.url,
            redis=node,
            redis_proxy=redis_proxy,
            postgres=server,
            postgres_proxy=stack.enter_context(Proxy.to(server.port)),
        )
        rig.sql("checkpoint")  # so that what was loaded outlives a kill
        port = free_port()
        environment = {
            **os.environ,
            **rig.through_proxies,
            **SETTINGS,
            "METRICS_FILE": os.devnull,
            "LOG_LEVEL": "ERROR",
        }
        app = ChildProcess(
            "the app", [sys.executable, "-m", "local.http.serve", "--port", str(port)], log=log, environment=environment
        )
        stack.enter_context(app)
        app.wait_until(lambda: _answers(port), 60)
        yield rig, app, port


def _answers(port: int) -> bool:
    with closing(http.client.HTTPConnection(HOST, port, timeout=5)) as connection:
        try:
            connection.request("GET", "/openapi.json")
            return connection.getresponse().status == 200
        except OSError:
            return False


def soak(seconds: float, seed: int, log: Path) -> Findings:
    """Break things for so long."""
    with stand(log) as (rig, app, port):
        return Soak(rig, app, port, seed).run(seconds)


def main() -> int:
    """Print the figures, and what is not as wanted."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--seed", type=int, default=1, help="decides which faults come when")
    arguments = parser.parse_args()
    with TemporaryDirectory(prefix="faunalens-soak-") as folder:
        findings = soak(arguments.minutes * 60, arguments.seed, Path(folder) / "app.log")
        print(findings.summary())
        for name, count in sorted(findings.faults.items()):
            print(f"{count:4d} × {name}")
        complaints = findings.complaints(short=arguments.minutes < 3)
        for complaint in complaints:
            print(f"NOT AS WANTED: {complaint}", file=sys.stderr)
        if complaints:
            print((Path(folder) / "app.log").read_text()[-4000:], file=sys.stderr)
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
