"""A base for the image from Debian's packages, where a public one cannot be pulled: Python 3.13, pip and a shell.

The packages are unpacked and not set up, which the build does not need. Debian's signatures are checked. The base is
kept in .local/image; delete it for a new one, with Debian's security updates.
"""

import hashlib
import shutil
import subprocess
from pathlib import Path

from infra.step import Echo, PreconditionFailed

SUITE = "trixie"
PACKAGES = ("base-files", "ca-certificates", "dash", "libstdc++6", "python3", "python3-pip")
_SET_UP = """\
cat "$1"/usr/share/ca-certificates/mozilla/*.crt >"$1/etc/ssl/certs/ca-certificates.crt"
find "$1/usr/share/doc" -type f ! -name copyright -delete
rm -rf "$1/usr/share/locale" "$1/usr/share/man" "$1"/usr/lib/*/gconv
"""
"""What is done with the unpacked files: the script of ca-certificates, and less to copy."""


def archive(cache: Path, echo: Echo) -> Path:
    """Return the base as a tar archive. Build it unless `cache` has it, in about 10 s. Raises `PreconditionFailed`."""
    digest = hashlib.sha256(" ".join((SUITE, *PACKAGES, _SET_UP)).encode()).hexdigest()[:16]
    found = cache / f"base-{digest}.tar"
    if not found.exists():
        if not shutil.which("mmdebstrap"):
            raise PreconditionFailed(
                "the base is made by mmdebstrap (Debian: apt-get install mmdebstrap); or name one with --base"
            )
        echo(f"building the base from packages of Debian {SUITE}")
        cache.mkdir(parents=True, exist_ok=True)
        unfinished = found.with_suffix(".unfinished.tar")
        command = ["mmdebstrap", "--quiet", "--variant=extract", f"--include={','.join(PACKAGES)}"]
        command += [f"--extract-hook={_SET_UP}", SUITE, str(unfinished)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise PreconditionFailed(f"mmdebstrap cannot build the base:\n{done.stderr.strip()}")
        unfinished.rename(found)
    return found
