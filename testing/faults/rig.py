"""The servers that the fault cases run against, with a supply of unused cells."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from time import monotonic
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg2
from psycopg2.extensions import connection as Connection  # noqa: N812

from chalicelib.features.features import Features
from local.stack.ports import HOST
from local.stack.postgres import PostgresServer
from local.stack.valkey import ValkeyServer
from testing.faults.case import (
    LOOKUP_LIMIT,
    RECOVERY,
    CacheState,
    ContainerLookup,
    Expected,
    FaultCase,
    assert_lookup,
    assert_recovers,
    look_up_once,
)
from testing.faults.servers import ValkeyWithUser, command, running_server
from testing.feature_rig import FIRST
from testing.proxy import Proxy

CELLS = 3000
PATIENCE = 20.0
"""Seconds for what comes before a case: servers that have just started, on a busy machine."""
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
    def proxied_settings(self) -> dict[str, str]:
        """Environment variables of a container that connects to the servers through the proxies."""
        urls = {
            "REDIS_URL": with_address(self.redis_url, HOST, self.redis_proxy.port),
            "DATABASE_URL": with_address(self.database_url, HOST, self.postgres_proxy.port),
        }
        return {**QUICK, **urls}

    def flush(self) -> None:
        """Delete everything in Redis."""
        command(self.redis, "FLUSHALL")

    @contextmanager
    def superuser(self) -> Iterator[Connection]:
        """Yield a connection of the superuser to the database with the datasets."""
        url = urlunsplit(urlsplit(self.postgres.admin_url)._replace(path=urlsplit(self.database_url).path))
        with closing(psycopg2.connect(url)) as connection:
            connection.autocommit = True
            yield connection

    def is_up(self) -> bool:
        """Return whether PostgreSQL accepts connections."""
        try:
            return bool(self.sql("select true"))
        except psycopg2.OperationalError:
            return False

    def sql(self, statement: str) -> list[tuple[Any, ...]]:
        """Run a statement as the superuser; return the rows, if any."""
        with self.superuser() as connection, connection.cursor() as cursor:
            cursor.execute(statement)
            return cursor.fetchall() if cursor.description else []


def run_case[R: BaseRig](
    case: FaultCase[R], state: CacheState, expected: Expected, rig: R, variables: Mapping[str, str]
) -> None:
    """Check one cache state of a case before, during and after the fault."""
    # GIVEN a container and a cell in a cache state
    with closing(ContainerLookup({**variables, **case.settings})) as container:
        if case.connected:
            rig.connect(container)
        cell = rig.prepare_cell(state, container)
        # WHEN the fault happens THEN this lookup and the next one are as expected and in time
        with case.fault(rig):
            taken = assert_lookup(expected, container, cell)
            started = monotonic()
            next_one = container.at(rig.cell())
            assert monotonic() - started < LOOKUP_LIMIT
            assert next_one.mode == "narrowed" or any(fault.startswith("postgres") for fault in next_one.faults)
        # AND after the fault the server is in use again
        recovered = assert_recovers(container, rig.cell(), RECOVERY)
        print(f"{case.name}: {state}: {taken * 1e3:.0f} ms, in use again after {recovered:.2f} s")  # pytest -s shows it


@contextmanager
def redis_behind_proxy() -> Iterator[tuple[ValkeyWithUser, Proxy]]:
    """Run a Valkey that announces the port of a proxy, so that cluster clients connect to the proxy."""
    with Proxy.to(0) as proxy, running_server(ValkeyWithUser, f"cluster-announce-port {proxy.port}") as server:
        proxy.target = server.port
        yield server, proxy


def with_address(url: str, host: str, port: int) -> str:
    """Return the URL with another host and port."""
    parts = urlsplit(url)
    user, at, _ = parts.netloc.rpartition("@")
    return urlunsplit(parts._replace(netloc=f"{user}{at}{host}:{port}"))
