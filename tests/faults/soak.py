"""Random faults of Redis and PostgreSQL under several minutes of load: `python -m tests.faults.soak --minutes 10`.

The app runs in another process and serves HTTP. Redis and PostgreSQL are real, each behind a proxy. Clients send
requests all the time. A random fault from tests/faults lasts for about a second; then everything works for about a
second. The run passes if there is no server error, late answer, leaked connection or growth of memory.
"""

import http.client
import os
import sys
from collections import Counter
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from json import loads
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from threading import Event
from time import monotonic
from typing import NamedTuple

import numpy as np

from benchmarks import measure
from benchmarks.backends import served_app
from benchmarks.measure import megabytes, table
from local.stack.ports import HOST
from tests.faults import postgres_cases, redis_cases
from tests.faults.case import FaultCase
from tests.faults.proxy import Proxy
from tests.faults.rig import Rig, command, redis_behind_proxy
from tests.support.feature_rig import serve_loaded
from tests.support.pictures import jpeg

LIMIT = 1.5 + 1.0
"""Longest time to an answer, seconds: `FEATURES_TOTAL`, plus one for HTTP, the model and a busy machine."""
PHOTO = jpeg(320, 240)
CLIENTS = 4
PLACES = 400
PHOTO_SHARE = 0.1
"""Share of requests that identify a photo. The others request the animals of a place, which takes only features."""
WARM_UP = 75
"""Number of photos that each client sends first, so that all memory arenas exist before memory is measured."""
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
"""Settings of the app. Lifetimes are seconds instead of hours, so that values often turn stale or expire."""
EXCLUDED = {
    "value cut off",  # the first four need the dataset names of the tests
    "value of another cell",
    "value that is not a string",
    "no active dataset",
    "killed mid-request",  # these three wait for a request of the test
    "session idle for longer than `DATABASE_IDLE`",
    "connection forgotten by the network for longer than `DATABASE_IDLE`",
    "restarted as a read-only standby",  # takes several seconds
}
FAULTS: dict[str, list[FaultCase[Rig]]] = {
    server: [case for case in cases if case.name not in EXCLUDED]
    for server, cases in (("redis", redis_cases.CASES), ("postgres", postgres_cases.CASES))
}


class TimedReply(NamedTuple):
    """One response: seconds, HTTP status (0: no response), and `features.mode` and `features.cache` of its body."""

    seconds: float
    status: int
    mode: str = ""
    cache: str = ""


class Sample(NamedTuple):
    """The resources of the app between two faults. `sessions`, `connections`: as counted by the servers."""

    seconds: float
    megabytes: float
    files: int
    sessions: int
    connections: int


@dataclass(slots=True)
class SoakFindings:
    """The results. The first sample is taken before the first fault, the last one after idle sessions have ended."""

    responses: list[TimedReply] = field(default_factory=list)
    faults: Counter[str] = field(default_factory=Counter)
    samples: list[Sample] = field(default_factory=list)

    @property
    def growth(self) -> float:
        """Memory growth by least squares, megabytes a minute."""
        seconds, memory = np.array(self.samples)[:, :2].T
        return float(np.polyfit(seconds, memory, 1)[0] * 60)

    def problems(self, *, short: bool = False) -> list[str]:
        """Return a text for each exceeded limit. `short`: skip the memory check, which needs a run of some minutes."""
        failed = Counter(response.status for response in self.responses if not 200 <= response.status < 500)
        late = [response.seconds for response in self.responses if response.seconds > LIMIT]
        first, last = self.samples[0], self.samples[-1]
        checks = [
            (f"failed requests, by status {dict(failed)}", failed.total(), 0),
            (f"answers after more than {LIMIT} s, the slowest after {max(late, default=0):.2f} s", len(late), 0),
            # At the end alone: the session of an abandoned query ends at the statement timeout.
            ("sessions left in PostgreSQL", last.sessions, 1),
            ("connections to Redis", max(sample.connections for sample in self.samples), 2 * 16),  # RedisClient
            ("open files at the end", last.files, first.files + CLIENTS + 4),
            ("memory growth, MB a minute", 0.0 if short else self.growth, 1.0),
        ]
        return [f"{what}: {found:.4g}, expected at most {limit}" for what, found, limit in checks if found > limit]

    def summary(self) -> str:
        seconds = np.quantile([response.seconds for response in self.responses], [0.5, 0.99, 1])
        features = (f"{response.mode}, {response.cache}" for response in self.responses if response.mode)
        rows = {
            "requests": len(self.responses),
            "by status": _counted(str(response.status) for response in self.responses),
            "by features": _counted(features),
            "seconds: median, p99, slowest": " ".join(f"{each:.3f}" for each in seconds),
            "faults": f"{self.faults.total()}, of {len(self.faults)} kinds",
            "memory growth, MB a minute": f"{self.growth:+.2f}",
        }
        for name, some in zip(Sample._fields[1:], [*zip(*self.samples, strict=True)][1:], strict=True):
            rows[f"{name}: at the start, most, at the end"] = f"{some[0]:g}, {max(some):g}, {some[-1]:g}"
        return table([*rows.items()], ["what", "figure"])


def _counted(names: Iterable[str]) -> str:
    return "; ".join(f"{name}: {number}" for name, number in Counter(names).most_common())


def soak(seconds: float, seed: int, log: Path) -> SoakFindings:
    """Send requests and cause random faults for `seconds`. `log`: file for the app's output."""
    findings, over = SoakFindings(), Event()
    with redis_behind_proxy() as (node, redis_proxy), serve_loaded() as server, Proxy.to(server.port) as proxy:
        rig = Rig(
            redis_url=node.signed_in(node.port),
            database_url=server.url,
            redis=node,
            redis_proxy=redis_proxy,
            postgres=server,
            postgres_proxy=proxy,
        )
        rig.sql("checkpoint")  # so that the data survive a kill
        with served_app({**rig.settings, **SETTINGS}, log) as (app, port), ThreadPoolExecutor(CLIENTS) as threads:
            clients = [
                threads.submit(send_requests, port, findings.responses, over, Random(number))
                for number in range(CLIENTS)
            ]
            try:
                deadline = monotonic() + 60
                while len(findings.responses) < CLIENTS * WARM_UP and not over.is_set():
                    assert monotonic() < deadline, "the app did not answer the first requests within a minute"
                    over.wait(0.1)
                cause_faults(rig, app.pid, findings, over, seconds, Random(seed))
            finally:
                over.set()
            for client in clients:
                client.result()
    return findings


def cause_faults(rig: Rig, pid: int, findings: SoakFindings, over: Event, seconds: float, random: Random) -> None:
    """Break one server or both at a time, for `seconds` or until `over` is set. Take a sample after each fault."""
    began = monotonic()
    findings.samples.append(sample(rig, pid, 0.0))
    while monotonic() - began < seconds and not over.is_set():
        with ExitStack() as stack:
            for server in random.sample([*FAULTS], 2 if random.random() < 0.1 else 1):
                case = random.choice(FAULTS[server])
                findings.faults[f"{server}: {case.name}"] += 1
                stack.enter_context(case.fault(rig))
            over.wait(random.uniform(0.2, 1.5))
        over.wait(random.uniform(0.2, 1.5))
        findings.samples.append(sample(rig, pid, monotonic() - began))
    over.wait(float(SETTINGS["DATABASE_IDLE"]) + 1)
    findings.samples.append(sample(rig, pid, monotonic() - began))


def sample(rig: Rig, pid: int, seconds: float) -> Sample:
    """Return the resources that the app uses now. `pid` is its process."""
    files = len([*Path(f"/proc/{pid}/fd").iterdir()])
    ((sessions,),) = rig.sql("select count(*) from pg_stat_activity where application_name = 'faunalens'")
    connections = command(rig.redis, "CLIENT", "LIST").count(b" user=app ")
    return Sample(seconds, megabytes("VmRSS", pid), files, sessions, connections)


def ask(connection: http.client.HTTPConnection, query: str, *, photo: bool) -> tuple[int, str, str]:
    if photo:
        connection.request("POST", f"/identify?{query}", PHOTO, {"Content-Type": "image/jpeg"})
    else:
        connection.request("GET", f"/animals?{query}")
    response = connection.getresponse()
    features = loads(response.read()).get("features", {"mode": "", "cache": ""})
    return response.status, features["mode"], features["cache"]


def send_requests(port: int, responses: list[TimedReply], over: Event, random: Random) -> None:
    """Send `WARM_UP` photos, then random requests until `over` is set. An error sets `over` and so ends the soak."""
    draw = Random(PLACES)
    places = [f"lat={draw.uniform(-60, 70):.4f}&lon={draw.uniform(-180, 180):.4f}" for _ in range(PLACES)]  # of each
    sent = 0
    with ExitStack() as stack:
        stack.callback(over.set)
        connection = stack.enter_context(closing(http.client.HTTPConnection(HOST, port, timeout=20)))
        while not over.wait(0.02 * random.random() if sent >= WARM_UP else 0):
            place = places[min(int(random.paretovariate(0.6)), PLACES) - 1]
            started = monotonic()
            try:
                found = ask(connection, place, photo=sent < WARM_UP or random.random() < PHOTO_SHARE)
            except (OSError, http.client.HTTPException, ValueError):
                connection.close()
                found = 0, "", ""
            responses.append(TimedReply(monotonic() - started, *found))
            sent += 1


def main() -> int:
    options = measure.options(__doc__, minutes=(10.0, "duration of the run"), seed=(1, "seed of the random faults"))
    with TemporaryDirectory(prefix="faunalens-soak-") as folder:
        log = Path(folder) / "app.log"
        findings = soak(options.minutes * 60, options.seed, log)
        print(findings.summary())
        print(*(f"{number:4d} × {name}" for name, number in sorted(findings.faults.items())), sep="\n")
        problems = findings.problems(short=options.minutes < 3)
        for problem in problems:
            print(f"PROBLEM: {problem}", file=sys.stderr)
        if problems:
            print(log.read_text()[-4000:], file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
