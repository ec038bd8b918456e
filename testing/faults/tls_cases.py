"""Faults of TLS connections to both servers. docs/reference/faults.md shows these cases."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass

from testing.certificates import NAME, CertificateFiles, Certificates
from testing.faults import postgres_faults, redis_faults
from testing.faults.case import Expected, FaultCase, connected, fault
from testing.faults.postgres_cases import stale_or_none
from testing.faults.postgres_faults import wait_until_true
from testing.faults.rig import QUICK, Rig, with_address
from testing.faults.servers import command
from testing.faults.tls_servers import TlsPostgres, TlsRedis
from testing.proxy import Proxy


@dataclass(slots=True, kw_only=True)
class TlsRig(Rig):
    """Both servers as in production: with TLS, verified names, passwords, and Redis in cluster mode."""

    certificates: Certificates
    tls_redis: TlsRedis
    tls_postgres: TlsPostgres

    @property
    def tls_settings(self) -> dict[str, str]:
        """Environment variables of a container that verifies both servers."""
        redis_url = with_address(self.redis_url, NAME, self.redis_proxy.port)
        return {
            **QUICK,
            "REDIS_URL": redis_url.replace("redis://", "rediss://", 1),
            "REDIS_CA": str(self.certificates.authority),
            "DATABASE_URL": with_address(self.database_url, NAME, self.postgres_proxy.port),
            "DATABASE_CA": str(self.certificates.authority),
        }


type Fault = Callable[[TlsRig], AbstractContextManager[None]]


def install_in_redis(rig: TlsRig, certificate: CertificateFiles) -> None:
    """Make Redis use another certificate for new connections."""
    files = ("tls-cert-file", str(certificate.chain), "tls-key-file", str(certificate.key))
    command(rig.redis, "CONFIG", "SET", *files)


def install_in_postgres(rig: TlsRig, certificate: CertificateFiles) -> None:
    """Make PostgreSQL use another certificate for new connections."""
    rig.tls_postgres.install(certificate)
    reload_postgres(rig)


def reload_postgres(rig: TlsRig) -> None:
    """Make PostgreSQL reload its settings, and wait until they apply to new connections."""
    ((before,),) = rig.sql("select pg_conf_load_time()::text")
    rig.sql("select pg_reload_conf()")
    wait_until_true(rig, f"select pg_conf_load_time() > '{before}'")


def set_ssl(rig: TlsRig, value: str) -> None:
    """Switch PostgreSQL's TLS `on` or `off`."""
    rig.sql(f"alter system set ssl = {value}")
    reload_postgres(rig)


def redis_certificate(which: Callable[[Certificates], CertificateFiles]) -> Fault:
    """Return a fault that gives Redis another certificate."""
    return fault(
        lambda rig: install_in_redis(rig, which(rig.certificates)),
        lambda rig: install_in_redis(rig, rig.certificates.good),
    )


def postgres_certificate(which: Callable[[Certificates], CertificateFiles]) -> Fault:
    """Return a fault that gives PostgreSQL another certificate."""
    return fault(
        lambda rig: install_in_postgres(rig, which(rig.certificates)),
        lambda rig: install_in_postgres(rig, rig.certificates.good),
    )


def target_redis(rig: TlsRig, port: int) -> None:
    """Make the proxy forward new connections to another port of Redis."""
    rig.redis_proxy.target = port


no_fault: Fault = fault(lambda _: None, lambda _: None)
redis_without_tls: Fault = fault(
    lambda rig: target_redis(rig, rig.redis.port), lambda rig: target_redis(rig, rig.tls_redis.tls_port)
)
postgres_without_tls: Fault = fault(lambda rig: set_ssl(rig, "off"), lambda rig: set_ssl(rig, "on"))

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
    connected(
        "certificate expired, connection open",
        redis_certificate(lambda files: files.expired),
        {"fresh": Expected("hit")},
    ),
    FaultCase("server without TLS where TLS is wanted", redis_without_tls, {"fresh": REFUSED}),
    FaultCase(
        "black hole in the TLS handshake",
        redis_faults.through_proxy(Proxy.hold),
        {"fresh": Expected("bypass", ("redis_signing_in",), 0.8)},
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
    connected(
        "certificate expired, session open",
        postgres_certificate(lambda files: files.expired),
        {"none": Expected("miss")},
    ),
    FaultCase("server without TLS where TLS is wanted", postgres_without_tls, stale_or_none("postgres_tls")),
    FaultCase(
        "black hole in the TLS handshake",
        postgres_faults.through_proxy(Proxy.hold),
        stale_or_none("postgres_signing_in", 0.8),
    ),
)
