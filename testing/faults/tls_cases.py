"""Faults of TLS, on both sides. docs/reference/faults.md shows this table."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit, urlunsplit

from testing.faults.case import Answer, Case
from testing.faults.postgres_cases import both, until
from testing.faults.rig import QUICK, Rig, at
from testing.faults.servers import command
from testing.faults.tls_servers import NAME, Certificate, Certificates, TlsPostgres, TlsRedis


@dataclass(slots=True, kw_only=True)
class TlsRig(Rig):
    """Both servers as in production: TLS, names that have to be proved, a cluster, passwords."""

    certificates: Certificates
    tls_redis: TlsRedis
    tls_postgres: TlsPostgres

    @property
    def over_tls(self) -> dict[str, str]:
        """Settings of a container that trusts nobody without a proof."""
        redis = urlsplit(self.tls_redis.signed_in(self.redis_proxy.port))
        user, _, _ = redis.netloc.rpartition("@")
        return {
            **QUICK,
            "REDIS_URL": f"rediss://{user}@{NAME}:{self.redis_proxy.port}",
            "REDIS_CA": str(self.certificates.authority),
            "DATABASE_URL": named(at(self.database_url, self.postgres_proxy.port)),
            "DATABASE_CA": str(self.certificates.authority),
        }


type Fault = Callable[[TlsRig], AbstractContextManager[None]]


def named(url: str) -> str:
    """The URL with the name that certificates are for in place of the address."""
    parts = urlsplit(url)
    user, _, _ = parts.netloc.rpartition("@")
    return urlunsplit(parts._replace(netloc=f"{user}@{NAME}:{parts.port}"))


@contextmanager
def nothing(_: TlsRig) -> Iterator[None]:
    yield


def redis_shows(which: Callable[[Certificates], Certificate]) -> Fault:
    """Redis gets another certificate."""

    @contextmanager
    def fault(rig: TlsRig) -> Iterator[None]:
        _show(rig, which(rig.certificates))
        try:
            yield
        finally:
            _show(rig, rig.certificates.good)

    return fault


def _show(rig: TlsRig, certificate: Certificate) -> None:
    files = ("tls-cert-file", str(certificate.chain), "tls-key-file", str(certificate.key))
    command(rig.redis, "CONFIG", "SET", *files)


@contextmanager
def redis_without_tls(rig: TlsRig) -> Iterator[None]:
    rig.redis_proxy.target = rig.redis.port
    try:
        yield
    finally:
        rig.redis_proxy.target = rig.tls_redis.tls_port


@contextmanager
def silent_handshake(rig: TlsRig) -> Iterator[None]:
    rig.redis_proxy.hold()
    try:
        yield
    finally:
        rig.redis_proxy.restore()


def reload(rig: TlsRig) -> None:
    """Let PostgreSQL read its settings anew, and wait until new connections find them."""
    ((before,),) = rig.sql("select pg_conf_load_time()::text")
    rig.sql("select pg_reload_conf()")
    until(rig, f"select pg_conf_load_time() > '{before}'")


@contextmanager
def postgres_without_tls(rig: TlsRig) -> Iterator[None]:
    rig.sql("alter system set ssl = off")
    reload(rig)
    try:
        yield
    finally:
        rig.sql("alter system reset ssl")
        reload(rig)


def postgres_shows(which: Callable[[Certificates], Certificate]) -> Fault:
    """PostgreSQL gets another certificate."""

    @contextmanager
    def fault(rig: TlsRig) -> Iterator[None]:
        rig.tls_postgres.install(which(rig.certificates))
        reload(rig)
        try:
            yield
        finally:
            rig.tls_postgres.install(rig.certificates.good)
            reload(rig)

    return fault


@contextmanager
def silent_postgres_handshake(rig: TlsRig) -> Iterator[None]:
    rig.postgres_proxy.hold()
    try:
        yield
    finally:
        rig.postgres_proxy.restore()


REFUSED = Answer("bypass", ("redis_tls",))
REDIS_CASES: tuple[Case[TlsRig], ...] = (
    Case("TLS with the right certificate", nothing, {"fresh": Answer("hit"), "none": Answer("miss", within=0.5)}),
    Case(
        "certificate expired",
        redis_shows(lambda made: made.expired),
        {"fresh": REFUSED, "none": REFUSED},
    ),
    Case("certificate of another authority", redis_shows(lambda made: made.stranger), {"fresh": REFUSED}),
    Case("certificate for another name", redis_shows(lambda made: made.misnamed), {"fresh": REFUSED}),
    Case(
        "certificate expired, connection open",
        redis_shows(lambda made: made.expired),
        {"fresh": Answer("hit")},
        connected=True,
    ),
    Case("server without TLS where TLS is wanted", redis_without_tls, {"fresh": REFUSED}),
    Case("black hole in the TLS handshake", silent_handshake, {"fresh": Answer("bypass", ("redis_timeout",), 0.8)}),
)
POSTGRES_CASES: tuple[Case[TlsRig], ...] = (
    Case("TLS with the right certificate (`verify-full`)", nothing, {"none": Answer("miss", within=0.5)}),
    Case("certificate expired", postgres_shows(lambda made: made.expired), both("postgres_tls")),
    Case(
        "certificate of another authority",
        postgres_shows(lambda made: made.stranger),
        {"fresh": Answer("hit"), **both("postgres_tls")},
    ),
    Case("certificate for another name", postgres_shows(lambda made: made.misnamed), both("postgres_tls")),
    Case(
        "certificate expired, session open",
        postgres_shows(lambda made: made.expired),
        {"none": Answer("miss")},
        connected=True,
    ),
    Case("server without TLS where TLS is wanted", postgres_without_tls, both("postgres_tls")),
    Case("black hole in the TLS handshake", silent_postgres_handshake, both("postgres_timeout", 0.8)),
)
