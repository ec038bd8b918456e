"""Certificates for tests of TLS, from an authority of their own."""

import ssl
from dataclasses import dataclass
from pathlib import Path

import trustme


@dataclass(frozen=True, slots=True)
class Certificates:
    """Files: the `authority` that clients should trust, and `server` certificate and `key` for `localhost`."""

    authority: Path
    server: Path
    key: Path

    @property
    def context(self) -> ssl.SSLContext:
        """Context of a Python server with this certificate."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.server, self.key)
        return context


def issue(folder: Path) -> Certificates:
    """Issue a certificate from a new authority; write the files to a folder."""
    authority = trustme.CA()
    issued = authority.issue_cert("localhost")
    made = Certificates(folder / "authority.pem", folder / "server.pem", folder / "key.pem")
    authority.cert_pem.write_to_path(made.authority)
    for part, append in zip(issued.cert_chain_pems, (False, True, True), strict=False):
        part.write_to_path(made.server, append=append)
    issued.private_key_pem.write_to_path(made.key)
    made.key.chmod(0o600)
    return made
