"""Faults of TLS connections to both servers, their cases, and the servers.

The servers are Debian's Redis, in cluster mode with all slots, and Debian's PostgreSQL: those from wheels, which all
other tests use, do not support TLS. Both also accept connections without TLS, for administration.
"""

import os
import secrets
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import psycopg2
import pytest

from local.stack.ports import free_port
from local.stack.postgres import ENVIRONMENT, OWNER, PostgresServer, give_folder, not_as_root
from tests.faults import postgres_cases, redis_cases
from tests.faults.case import CacheState, Expected, Fault, FaultCase, connected, fault
from tests.faults.certificates import NAME, CertificateFiles, Certificates
from tests.faults.postgres_cases import stale_or_none
from tests.faults.proxy import Proxy
from tests.faults.rig import Rig, ValkeyWithUser, command


def require_program(path: str | None, package: str) -> Path:
    """Return the path of a program, or fail the test if there is none."""
    if path is None:
        pytest.fail(f"the TLS tests found no {package}; install it: apt-get install {package}", pytrace=False)
    return Path(path)


class TlsRedis(ValkeyWithUser):
    """Debian's Redis, which listens with TLS on `tls_port`."""

    def __init__(self, folder: Path, certificates: Certificates) -> None:
        program = require_program(shutil.which("redis-server"), "redis-server")
        self.tls_port = free_port()
        files = {"cert": certificates.good.chain, "key": certificates.good.key, "ca-cert": certificates.authority}
        lines = [f"tls-{name}-file {path}" for name, path in files.items()]
        super().__init__(folder, f"tls-port {self.tls_port}", "tls-auth-clients no", *lines)
        self.command = [program, folder / "valkey.conf"]


class TlsPostgres(PostgresServer):
    """Debian's PostgreSQL with a new data folder."""

    def __init__(self, folder: Path, certificates: Certificates) -> None:
        found = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda path: int(path.parts[-3]))
        program = require_program(str(found[-1]) if found else None, "postgresql")
        data, password, password_file = folder / "data", secrets.token_urlsafe(18), folder / "password"
        data.mkdir(parents=True, mode=0o700)
        give_folder(data)
        password_file.write_text(password)
        command: list[str | Path] = [*not_as_root(), program.with_name("initdb"), "-D", data, "-U", "postgres"]
        command += ["-A", "scram-sha-256", f"--pwfile={password_file}", "-E", "UTF8", "--locale=C", "--no-sync"]
        subprocess.run(command, check=True, capture_output=True, env=ENVIRONMENT)
        super().__init__(data, password, durable=False)
        self._program = [*not_as_root(), program]
        chain, key = self.install(certificates.good)
        with (data / "postgresql.conf").open("a") as settings:
            settings.write(f"ssl = on\nssl_cert_file = '{chain}'\nssl_key_file = '{key}'\n")

    def install(self, certificate: CertificateFiles) -> tuple[Path, Path]:
        """Copy a certificate and its key into the data folder, owned by the server's user."""
        copies = self.data_dir / "server.crt", self.data_dir / "server.key"
        owner = self.data_dir.stat().st_uid
        for source, copy in zip((certificate.chain, certificate.key), copies, strict=True):
            copy.unlink(missing_ok=True)
            shutil.copy(source, copy)
            os.chown(copy, owner, -1)
        return copies


@contextmanager
def tls_postgres(certificates: Certificates) -> Iterator[TlsPostgres]:
    """Run a PostgreSQL with TLS, with the app's user and database, until the end of the block."""
    with TemporaryDirectory(prefix="faunalens-faults-") as folder, TlsPostgres(Path(folder), certificates) as server:
        with closing(psycopg2.connect(server.admin_url)) as admin, admin.cursor() as cursor:
            admin.autocommit = True
            cursor.execute(f"create role {OWNER} login password %s", (server._password,))
            cursor.execute(f"create database {OWNER} owner {OWNER}")
        yield server


@dataclass(slots=True, kw_only=True)
class TlsRig(Rig):
    """Both servers as in production: with TLS, verified names, passwords, and Redis in cluster mode."""

    redis: TlsRedis
    postgres: TlsPostgres
    certificates: Certificates

    @property
    def settings(self) -> dict[str, str]:
        """Environment variables of a container that verifies both servers."""
        settings, authority = self.settings_at(NAME), str(self.certificates.authority)
        tls_url = settings["REDIS_URL"].replace("redis://", "rediss://", 1)
        return {**settings, "REDIS_URL": tls_url, "REDIS_CA": authority, "DATABASE_CA": authority}


def install_in_redis(rig: TlsRig, certificate: CertificateFiles) -> None:
    """Make Redis use another certificate for new connections."""
    files = ("tls-cert-file", str(certificate.chain), "tls-key-file", str(certificate.key))
    command(rig.redis, "CONFIG", "SET", *files)


def install_in_postgres(rig: TlsRig, certificate: CertificateFiles) -> None:
    """Make PostgreSQL use another certificate for new connections."""
    rig.postgres.install(certificate)
    reload_postgres(rig)


def reload_postgres(rig: TlsRig, statement: str = "select true") -> None:
    """Make PostgreSQL reload its settings after a statement, and wait until they apply to new connections."""
    rig.sql(statement)
    ((before,),) = rig.sql("select pg_conf_load_time()::text")
    rig.sql("select pg_reload_conf()")
    rig.wait_until(f"select pg_conf_load_time() > '{before}'")


def certificate(install: Callable[[TlsRig, CertificateFiles], None], which: str) -> Fault[TlsRig]:
    """Return a fault that gives a server another certificate."""
    return fault(
        lambda rig: install(rig, getattr(rig.certificates, which)), lambda rig: install(rig, rig.certificates.good)
    )


no_fault: Fault[TlsRig] = fault(lambda _: None, lambda _: None)
redis_without_tls: Fault[TlsRig] = fault(
    lambda rig: setattr(rig.redis_proxy, "target", rig.redis.port),
    lambda rig: setattr(rig.redis_proxy, "target", rig.redis.tls_port),
)
postgres_without_tls: Fault[TlsRig] = fault(
    lambda rig: reload_postgres(rig, "alter system set ssl = off"),
    lambda rig: reload_postgres(rig, "alter system set ssl = on"),
)
WRONG = {"expired": "expired", "of another authority": "untrusted", "for another name": "wrong_name"}
"""Fields of `Certificates` by what is wrong with the certificate."""
HIT: Mapping[CacheState, Expected] = {"fresh": Expected("hit")}
IN_REDIS = redis_cases.bypassed("redis_tls", "fresh", "none")
IN_POSTGRES = {**HIT, **stale_or_none("postgres_tls")}
REDIS_CASES: tuple[FaultCase[TlsRig], ...] = (
    FaultCase("TLS with the right certificate", no_fault, {**HIT, "none": Expected("miss", within=0.5)}),
    *(FaultCase(f"certificate {name}", certificate(install_in_redis, each), IN_REDIS) for name, each in WRONG.items()),
    connected("certificate expired, connection open", certificate(install_in_redis, "expired"), HIT),
    FaultCase("server without TLS where TLS is wanted", redis_without_tls, IN_REDIS),
    FaultCase(
        "black hole in the TLS handshake",
        redis_cases.through_proxy(Proxy.hold),
        redis_cases.bypassed("redis_signing_in", "fresh", within=0.8),
    ),
)
POSTGRES_CASES: tuple[FaultCase[TlsRig], ...] = (
    FaultCase("TLS with the right certificate (`verify-full`)", no_fault, {"none": Expected("miss", within=0.5)}),
    *(
        FaultCase(f"certificate {name}", certificate(install_in_postgres, each), IN_POSTGRES)
        for name, each in WRONG.items()
    ),
    connected("certificate expired, session open", certificate(install_in_postgres, "expired"), postgres_cases.MISS),
    FaultCase("server without TLS where TLS is wanted", postgres_without_tls, IN_POSTGRES),
    FaultCase(
        "black hole in the TLS handshake",
        postgres_cases.through_proxy(Proxy.hold),
        stale_or_none("postgres_signing_in", 0.8),
    ),
)
