"""Certificates for TLS tests, issued by a new authority."""

import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import trustme

NAME = "localhost"


class CertificateFiles(NamedTuple):
    """The files of a server's certificate chain and key."""

    chain: Path
    key: Path

    @property
    def context(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.chain, self.key)
        return context


class Certificates(NamedTuple):
    """The certificate of the `authority` that clients trust, and four server certificates. Only `good` is valid."""

    authority: Path
    good: CertificateFiles
    expired: CertificateFiles
    untrusted: CertificateFiles
    wrong_name: CertificateFiles


def issue(folder: Path) -> Certificates:
    """Issue certificates from a new authority; write the files to a folder."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(folder / "authority.pem")
    past = datetime.now(UTC) - timedelta(days=1)
    return Certificates(
        folder / "authority.pem",
        good=_write(folder / "good", authority.issue_cert(NAME)),
        expired=_write(folder / "expired", authority.issue_cert(NAME, not_after=past)),
        untrusted=_write(folder / "untrusted", trustme.CA().issue_cert(NAME)),
        wrong_name=_write(folder / "wrong_name", authority.issue_cert("elsewhere.example")),
    )


def _write(path: Path, issued: trustme.LeafCert) -> CertificateFiles:
    files = CertificateFiles(path.with_suffix(".crt"), path.with_suffix(".key"))
    for number, part in enumerate(issued.cert_chain_pems):
        part.write_to_path(files.chain, append=number > 0)
    issued.private_key_pem.write_to_path(files.key)
    files.key.chmod(0o600)
    return files
