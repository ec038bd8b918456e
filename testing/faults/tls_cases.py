"""Faults of TLS to both servers. docs/reference/faults.md shows these cases."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit, urlunsplit

from testing.certificates import NAME, CertificateFiles, Certificates
from testing.faults.case import Expected, FaultCase
from testing.faults.postgres_cases import stale_or_none
from testing.faults.postgres_faults import wait_until_true
from testing.faults.rig import QUICK, Rig, with_port
from testing.faults.servers import command
from testing.faults.tls_servers import TlsPostgres, TlsRedis


@dataclass(slots=True, kw_only=True)
class TlsRig(Rig):
    """Both servers as in production: TLS, verified names, a cluster, passwords."""

    certificates: Certificates
    tls_redis: TlsRedis
    tls_postgres: TlsPostgres

    @property
    def tls_settings(self) -> dict[str, str]:
        """Environment variables of a container that verifies both servers."""
        redis = urlsplit(self.tls_redis.signed_in(self.redis_proxy.port))
        user, _, _ = redis.netloc.rpartition("@")
        return {
            **QUICK,
            "REDIS_URL": f"rediss://{user}@{NAME}:{self.redis_proxy.port}",
            "REDIS_CA": str(self.certificates.authority),
            "DATABASE_URL": with_server_name(with_port(self.database_url, self.postgres_proxy.port)),
            "DATABASE_CA": str(self.certificates.authority),
        }


type Fault = Callable[[TlsRig], AbstractContextManager[None]]


def with_server_name(url: str) -> str:
    """Return the URL with the name of the certificates in place of the address."""
    parts = urlsplit(url)
    user, _, _ = parts.netloc.rpartition("@")
    return urlunsplit(parts._replace(netloc=f"{user}@{NAME}:{parts.port}"))


@contextmanager
def no_fault(_: TlsRig) -> Iterator[None]:
    yield


def redis_certificate(which: Callable[[Certificates], CertificateFiles]) -> Fault:
    """Return a fault that gives Redis another certificate."""

    @contextmanager
    def fault(rig: TlsRig) -> Iterator[None]:
        _install(rig, which(rig.certificates))
        try:
            yield
        finally:
            _install(rig, rig.certificates.good)

    return fault


def _install(rig: TlsRig, certificate: CertificateFiles) -> None:
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


def reload_postgres(rig: TlsRig) -> None:
    """Make PostgreSQL reload its settings, and wait until new connections use them."""
    ((before,),) = rig.sql("select pg_conf_load_time()::text")
    rig.sql("select pg_reload_conf()")
    wait_until_true(rig, f"select pg_conf_load_time() > '{before}'")


@contextmanager
def postgres_without_tls(rig: TlsRig) -> Iterator[None]:
    rig.sql("alter system set ssl = off")
    reload_postgres(rig)
    try:
        yield
    finally:
        rig.sql("alter system reset ssl")
        reload_postgres(rig)


def postgres_certificate(which: Callable[[Certificates], CertificateFiles]) -> Fault:
    """Return a fault that gives PostgreSQL another certificate."""

    @contextmanager
    def fault(rig: TlsRig) -> Iterator[None]:
        rig.tls_postgres.install(which(rig.certificates))
        reload_postgres(rig)
        try:
            yield
        finally:
            rig.tls_postgres.install(rig.certificates.good)
            reload_postgres(rig)

    return fault


@contextmanager
def silent_postgres_handshake(rig: TlsRig) -> Iterator[None]:
    rig.postgres_proxy.hold()
    try:
        yield
    finally:
        rig.postgres_proxy.restore()


REFUSED = Expected("bypass", ("redis_tls",))
REDIS_CASES: tuple[FaultCase[TlsRig], ...] = (
    FaultCase(
        "TLS with the right certificate", no_fault, {"fresh": Expected("hit"), "none": Expected("miss", within=0.5)}
    ),
    FaultCase(
        "certificate expired",
        redis_certificate(lambda files: files.expired),
        {"fresh": REFUSED, "none": REFUSED},
    ),
    FaultCase("certificate of another authority", redis_certificate(lambda files: files.untrusted), {"fresh": REFUSED}),
    FaultCase("certificate for another name", redis_certificate(lambda files: files.wrong_name), {"fresh": REFUSED}),
    FaultCase(
        "certificate expired, connection open",
        redis_certificate(lambda files: files.expired),
        {"fresh": Expected("hit")},
        connected=True,
    ),
    FaultCase("server without TLS where TLS is wanted", redis_without_tls, {"fresh": REFUSED}),
    FaultCase(
        "black hole in the TLS handshake", silent_handshake, {"fresh": Expected("bypass", ("redis_timeout",), 0.8)}
    ),
)
POSTGRES_CASES: tuple[FaultCase[TlsRig], ...] = (
    FaultCase("TLS with the right certificate (`verify-full`)", no_fault, {"none": Expected("miss", within=0.5)}),
    FaultCase("certificate expired", postgres_certificate(lambda files: files.expired), stale_or_none("postgres_tls")),
    FaultCase(
        "certificate of another authority",
        postgres_certificate(lambda files: files.untrusted),
        {"fresh": Expected("hit"), **stale_or_none("postgres_tls")},
    ),
    FaultCase(
        "certificate for another name",
        postgres_certificate(lambda files: files.wrong_name),
        stale_or_none("postgres_tls"),
    ),
    FaultCase(
        "certificate expired, session open",
        postgres_certificate(lambda files: files.expired),
        {"none": Expected("miss")},
        connected=True,
    ),
    FaultCase("server without TLS where TLS is wanted", postgres_without_tls, stale_or_none("postgres_tls")),
    FaultCase("black hole in the TLS handshake", silent_postgres_handshake, stale_or_none("postgres_timeout", 0.8)),
)
