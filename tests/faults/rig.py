"""The servers that fault cases break, with a supply of unused cells, and the course of a case."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from functools import partial
from hashlib import sha256
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic
from typing import Any
from urllib.parse import quote, urlsplit, urlunsplit

import psycopg2
import redis
from psycopg2.extensions import connection as Connection  # noqa: N812

from chalicelib.features.features import Features
from local.stack.ports import HOST
from local.stack.postgres import PostgresServer
from local.stack.valkey import ValkeyServer
from tests.faults.case import (
    LOOKUP_LIMIT,
    PATIENCE,
    PATIENT,
    RECOVERY,
    CacheState,
    Scenario,
    assert_lookup,
    assert_recovers,
)
from tests.faults.containers import ContainerLookup, look_up_once
from tests.faults.proxy import Proxy
from tests.support.feature_rig import FIRST

PASSWORD = "a password: with/characters@"
"""The password of the user `app`, with characters that a URL must escape."""


def command(server: ValkeyServer, *words: str | bytes | int) -> Any:
    with redis.Redis.from_url(server.admin_url) as client:
        return client.execute_command(*words)


class ValkeyWithUser(ValkeyServer):
    """A server with extra configuration lines, and a user `app` in addition to `default`."""

    def __init__(self, folder: Path, *lines: str) -> None:
        folder.mkdir()
        super().__init__(folder)
        self._lines = lines

    def signed_in(self, port: int) -> str:
        return f"redis://app:{quote(PASSWORD, safe='')}@{HOST}:{port}"

    def _config(self) -> str:
        app = f"user app on #{sha256(PASSWORD.encode()).hexdigest()} ~* &* +@all"
        return "\n".join((super()._config().rstrip(), app, *self._lines, ""))


class StandaloneValkey(ValkeyWithUser):
    """A server without cluster mode."""

    def _config(self) -> str:
        lines = super()._config().splitlines()
        return "\n".join((*(line for line in lines if not line.startswith("cluster-")), ""))

    def ready(self) -> bool:
        return self._admin("PING") == "+PONG"


@contextmanager
def running_server[N: ValkeyWithUser](kind: type[N], *lines: str) -> Iterator[N]:
    with TemporaryDirectory(prefix="faunalens-faults-") as folder, kind(Path(folder) / "node", *lines) as node:
        yield node


CELLS = 3000
STALE_AT_ONCE = {"FEATURES_SOFT_TTL": "0.000001"}
QUICK = {
    "MEMORY_FRESH": "0.000001",  # so that lookups read Redis and not process memory
    "BREAKER_REST": "0.2",
    "FEATURES_REST": "0.2",
}
"""Settings with shorter waits than in production, so that a case takes no longer than its fault."""


def await_no_fault(look_up: Callable[[], Features]) -> None:
    """Look up until it succeeds, and so the cell is in the cache: before a case, its limits are not the point."""
    deadline = monotonic() + PATIENCE
    while (found := look_up()).faults:
        assert monotonic() < deadline, f"no lookup succeeds before the fault: {found.faults}"


@dataclass(slots=True, kw_only=True)
class BaseRig:
    """The addresses of Redis and PostgreSQL, and a supply of cells."""

    redis_url: str
    database_url: str
    cell_of_case: int = 0
    """The cell that the running case looks up."""
    _cells: Iterator[int] = field(default_factory=lambda: count(FIRST))

    def cell(self) -> int:
        """Return a cell that has animals and that no lookup has used yet."""
        cell = next(self._cells)
        assert cell < FIRST + CELLS, "all cells are used; raise CELLS"
        return cell

    @property
    def direct_settings(self) -> dict[str, str]:
        """Environment variables of a container that connects to the servers without the proxies."""
        return {**QUICK, "REDIS_URL": self.redis_url, "DATABASE_URL": self.database_url}

    @property
    def settings(self) -> dict[str, str]:
        """Environment variables of a container that connects to the servers through the proxies, if there are any."""
        return self.direct_settings

    def prepare_cell(self, state: CacheState, container: ContainerLookup) -> int:
        """Return a new cell in a cache state. In each state Redis contains the version of the dataset."""
        look_up_once(self.direct_settings, self.cell())
        cell = self.cell_of_case = self.cell()
        if state == "memory":
            await_no_fault(partial(container.at, cell))
        elif state != "none":
            stale: Mapping[str, str] = STALE_AT_ONCE if state == "stale" else {}
            await_no_fault(partial(look_up_once, {**self.direct_settings, **stale}, cell))
        return cell

    def connect(self, container: ContainerLookup) -> None:
        """Connect a container to both servers by looking up cells. The last lookup is a Redis hit."""
        await_no_fault(partial(container.at, self.cell()))
        assert_recovers(container, self.prepare_cell("fresh", container), PATIENCE)


@dataclass(slots=True, kw_only=True)
class Rig(BaseRig):
    """One Redis and one PostgreSQL, each behind a proxy."""

    redis: ValkeyServer
    redis_proxy: Proxy
    postgres: PostgresServer
    postgres_proxy: Proxy

    @property
    def settings(self) -> dict[str, str]:
        return self.settings_at(HOST)

    def settings_at(self, host: str) -> dict[str, str]:
        """Return the variables of a container that connects through the proxies, under this name of their machine."""
        redis_url = with_address(self.redis_url, host, self.redis_proxy.port)
        database_url = with_address(self.database_url, host, self.postgres_proxy.port)
        return {**QUICK, "REDIS_URL": redis_url, "DATABASE_URL": database_url}

    @contextmanager
    def superuser(self) -> Iterator[Connection]:
        """Yield a connection of the superuser to the database with the datasets."""
        url = urlunsplit(urlsplit(self.postgres.admin_url)._replace(path=urlsplit(self.database_url).path))
        with closing(psycopg2.connect(url)) as connection:
            connection.autocommit = True
            yield connection

    def wait_until(self, query: str, timeout: float = 5.0) -> None:
        """Wait until PostgreSQL accepts connections, and a query of the superuser returns true."""

        def holds() -> bool:
            try:
                return bool(self.sql(query)[0][0])
            except psycopg2.OperationalError:
                return False

        self.postgres.wait_until(holds, timeout)

    def sql(self, statement: str) -> list[tuple[Any, ...]]:
        with self.superuser() as connection, connection.cursor() as cursor:
            cursor.execute(statement)
            return cursor.fetchall() if cursor.description else []


def run_case[R: BaseRig](scenario: Scenario[R], rig: R) -> None:
    """Check a scenario before, during and after the fault."""
    case, expected = scenario.case, scenario.case.expected[scenario.state]
    within, limit, recovery = (expected.within, LOOKUP_LIMIT, RECOVERY) if scenario.timed else (PATIENCE,) * 3
    variables = {**(rig.direct_settings if case.direct else rig.settings), **({} if scenario.timed else PATIENT)}
    # GIVEN a container and a cell in a cache state
    with closing(ContainerLookup({**variables, **case.settings})) as container:
        if case.connected:
            rig.connect(container)
        cell = rig.prepare_cell(scenario.state, container)
        # WHEN the fault happens THEN this lookup and the next one are as expected and in time
        with case.fault(rig):
            taken = assert_lookup(expected, container, cell, within)
            started = monotonic()
            next_one = container.at(rig.cell())
            assert monotonic() - started < limit
            assert next_one.mode == "narrowed" or any(fault.startswith("postgres") for fault in next_one.faults)
        # AND after the fault the server is in use again
        recovered = assert_recovers(container, rig.cell(), recovery)
        print(f"{scenario}: {taken * 1e3:.0f} ms, in use again after {recovered:.2f} s")  # pytest -s shows it


@contextmanager
def redis_behind_proxy() -> Iterator[tuple[ValkeyWithUser, Proxy]]:
    """Run a Valkey that announces the port of a proxy, so that cluster clients connect to the proxy."""
    with Proxy.to(0) as proxy, running_server(ValkeyWithUser, f"cluster-announce-port {proxy.port}") as server:
        proxy.target = server.port
        yield server, proxy


def with_address(url: str, host: str, port: int) -> str:
    parts = urlsplit(url)
    user, at, _ = parts.netloc.rpartition("@")
    return urlunsplit(parts._replace(netloc=f"{user}{at}{host}:{port}"))
