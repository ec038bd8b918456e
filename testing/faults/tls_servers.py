"""Servers with TLS: Debian's Redis, in cluster mode with all slots, and Debian's PostgreSQL.

All other tests use servers from wheels, which do not support TLS. Both servers also accept connections without TLS, for
administration.
"""

import os
import secrets
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import psycopg2
import pytest

from local.stack.ports import free_port
from local.stack.postgres import ENVIRONMENT, OWNER, PREFIXES, PostgresServer, choose_run_as, give_folder
from testing.certificates import CertificateFiles, Certificates
from testing.faults.servers import ValkeyWithUser


def require_program(path: str | None, package: str) -> Path:
    """Return the path of a program. If there is none, fail the test in CI; on other machines, skip the test."""
    if path is None:
        message = f"the TLS tests found no {package}; install it: apt-get install {package}"
        if os.environ.get("CI") == "true":
            pytest.fail(message, pytrace=False)
        pytest.skip(message)
    return Path(path)


class TlsRedis(ValkeyWithUser):
    """Debian's Redis, which listens with TLS on `tls_port`."""

    def __init__(self, folder: Path, certificates: Certificates) -> None:
        program = require_program(shutil.which("redis-server"), "redis-server")
        self.tls_port = free_port()
        lines = [
            f"tls-port {self.tls_port}",
            f"tls-cert-file {certificates.good.chain}",
            f"tls-key-file {certificates.good.key}",
            f"tls-ca-cert-file {certificates.authority}",
            "tls-auth-clients no",
        ]
        super().__init__(folder, *lines)
        self.command = [program, folder / "valkey.conf"]


@contextmanager
def tls_redis(folder: Path, certificates: Certificates) -> Iterator[TlsRedis]:
    """Run a Redis with TLS until the end of the block."""
    server = TlsRedis(folder / "redis", certificates)
    try:
        server.start()
        yield server
    finally:
        server.stop()


class TlsPostgres(PostgresServer):
    """Debian's PostgreSQL with a new data folder."""

    def __init__(self, folder: Path, certificates: Certificates) -> None:
        found = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda path: int(path.parts[-3]))
        program = require_program(str(found[-1]) if found else None, "postgresql")
        run_as = choose_run_as(program)
        data, password, password_file = folder / "data", secrets.token_urlsafe(18), folder / "password"
        data.mkdir(parents=True, mode=0o700)
        give_folder(data, run_as)
        password_file.write_text(password)
        command: list[str | Path] = [*PREFIXES[run_as], program.with_name("initdb"), "-D", data, "-U", "postgres"]
        command += ["-A", "scram-sha-256", f"--pwfile={password_file}", "-E", "UTF8", "--locale=C", "--no-sync"]
        subprocess.run(command, check=True, capture_output=True, env=ENVIRONMENT)
        super().__init__(data, 0, password, durable=False, run_as=run_as)
        self._program = [*PREFIXES[run_as], program]
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
    with TemporaryDirectory(prefix="faunalens-faults-") as folder:
        server = TlsPostgres(Path(folder), certificates)
        try:
            server.start()
            with closing(psycopg2.connect(server.admin_url)) as admin, admin.cursor() as cursor:
                admin.autocommit = True
                cursor.execute(f"create role {OWNER} login password %s", (server._password,))
                cursor.execute(f"create database {OWNER} owner {OWNER}")
            yield server
        finally:
            server.stop()
