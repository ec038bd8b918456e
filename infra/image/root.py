"""Assemble the files of the web tier's image: the program, its packages, and Python without the rest of the base.

faunalens/web/Dockerfile runs this in its build stage with the Python of the base:
`python3 -m infra.image.root PACKAGES`. Any base with the same Python gives the same result, which has no shell, no
package manager and no pip.
"""

import os
import shutil
import stat
import subprocess
import sys
import sysconfig
from collections.abc import Iterable, Iterator
from pathlib import Path

from elftools.elf.elffile import ELFFile
from elftools.elf.segments import InterpSegment

from infra.package import archive, dependencies

APP, MODEL, SPOOL, OUT = Path("/app"), Path("/model"), Path("/spool"), Path("/image")
"""Folders of the build stage: the program, the model, photos on their way, and the result."""
MODEL_TABLES = ("certainty.json", "families.csv", "labels.csv", "members.csv", "relatives.csv", "taxa.csv")
AWS_SERVICES = {"lambda", "s3", "sso", "sso-oidc", "sts"}
"""AWS services whose data botocore keeps: services that the program calls, and services that give it credentials."""
UNUSED = (
    *("EXTERNALLY-MANAGED", "__phello__", "__pycache__", "config-3*", "dist-packages", "ensurepip", "lib2to3"),
    *("site-packages", "_pyrepl", "doctest.py", "idlelib", "pdb.py", "pydoc*", "sitecustomize.py", "test", "tkinter"),
    *("turtle*", "unittest", "venv", "curses", "dbm", "sqlite3", "wsgiref", "xmlrpc"),
    *(f"lib-dynload/{name}*" for name in ("_ctypes_test", "_curses", "_dbm", "_gdbm", "_sqlite3", "_test", "_tkinter")),
    *(
        f"lib-dynload/{name}*"
        for name in ("_codecs_", "_interp", "_lsprof", "_multibytecodec", "_xx", "readline", "xx")
    ),
    *("_pydatetime.py", "_pydecimal.py", "_pyio.py", "encodings/mac_*", "tarfile.py"),  # the first three are there in C
    *("bdb.py", "ftplib.py", "imaplib.py", "mailbox.py", "modulefinder.py", "optparse.py", "pickletools.py"),
    *("plistlib.py", "profile.py", "pstats.py", "smtplib.py", "trace.py", "wave.py", "webbrowser.py"),
)
"""Parts of the standard library that this server does not need, and whose libraries take some MB."""
OF_THE_BASE = ("etc/os-release", "etc/ld.so.cache", "etc/ssl/certs/ca-certificates.crt", "usr/share/doc/*/copyright")
"""Other files to keep: what the base is, where its libraries are, public certificate authorities, and licences."""


def main(packages: Path) -> None:
    """Write the image's files to `OUT`. `packages`: folder of the packages that pip installed."""
    prune(packages)
    names = ["faunalens.onnx", *MODEL_TABLES, "packs"] if (packages / "onnxruntime").exists() else []
    names += ["offline"] if (MODEL / "offline").exists() else []  # what the page needs without signal
    for name in names:
        copy_tree(MODEL / name, APP / "model" / name)
    interpreter, library = Path(sys.executable).resolve(), Path(sysconfig.get_path("stdlib"))
    programs = [interpreter, *standard_library(library)]
    others = (path for pattern in OF_THE_BASE for path in Path("/").glob(pattern))
    for path in [*programs, *libraries([*programs, *packages.rglob("*")]), *others]:
        copy(path, OUT)
    python = OUT / "usr/local/bin/python"
    python.parent.mkdir(parents=True, exist_ok=True)
    python.symlink_to(interpreter)
    shutil.move(packages, OUT / "packages")
    shutil.move(APP, OUT)
    for folder in ("packages", "app", library.relative_to("/")):
        archive.compile_into(OUT / folder, f"/{folder}")
    (OUT / "etc/passwd").write_text("root:x:0:0::/:\nweb:x:10001:10001::/spool:\n", encoding="ascii")
    (OUT / "etc/group").write_text("root:x:0:\nweb:x:10001:\n", encoding="ascii")
    for name in ("dev", "proc", "sys", "tmp"):  # a runtime cannot create these mount points on a read-only file system
        (OUT / name).mkdir()
    make_readable(OUT)
    SPOOL.mkdir(0o700)


def prune(packages: Path) -> None:
    """Remove the files that the Lambda package also lacks, and botocore's data about AWS services not in use."""
    dependencies.remove_excluded(packages)
    dependencies.remove_encoder(packages)
    for name in ("bin", "h11", "numpy/random"):  # imported only if they are used; 3 MB
        shutil.rmtree(packages / name, ignore_errors=True)
    for name in ("anyio/_backends/_trio.py", "starlette/testclient.py"):
        (packages / name).unlink(missing_ok=True)
    for service in (packages / "botocore" / "data").iterdir():
        if service.is_dir() and service.name not in AWS_SERVICES:
            shutil.rmtree(service)


def standard_library(folder: Path) -> Iterator[Path]:
    """Yield the files of the standard library, except those that match `UNUSED`."""
    unused = {path for pattern in UNUSED for path in folder.glob(pattern)}
    for path in folder.rglob("*"):
        if path.is_file() and path.suffix != ".pyc" and unused.isdisjoint((path, *path.parents)):
            yield path


def libraries(files: Iterable[Path]) -> set[Path]:
    """Return the base's shared libraries that Python and the libraries among `files` need, and the dynamic loader."""
    with Path(sys.executable).open("rb") as file:
        segments = ELFFile(file).iter_segments()
        (loader,) = (each.get_interp_name() for each in segments if isinstance(each, InterpSegment))
    found = {Path(loader)}
    for binary in (path for path in files if ".so" in path.suffixes or path == Path(sys.executable).resolve()):
        done = subprocess.run([loader, "--list", binary], capture_output=True, text=True, check=False)
        needed = (line.partition(" => ")[2].partition(" (")[0] for line in done.stdout.splitlines())
        found |= {Path(path) for path in needed if path.startswith(("/lib", "/usr"))}
    return found


def copy(path: Path, out: Path) -> None:
    """Copy a file to the same path below `out`, and the symbolic links in its path."""
    while link := next((each for each in (*reversed(path.parents), path) if each.is_symlink()), None):
        below = out / link.relative_to("/")
        below.parent.mkdir(parents=True, exist_ok=True)
        if not below.is_symlink():
            below.symlink_to(link.readlink())
        path = Path(os.path.normpath(link.parent / link.readlink() / path.relative_to(link)))
    copy_tree(path, out / path.relative_to("/"))


def copy_tree(source: Path, target: Path) -> None:
    """Copy a file, or a folder with all its content."""
    target.parent.mkdir(parents=True, exist_ok=True)
    (shutil.copytree if source.is_dir() else shutil.copy)(source, target)


def make_readable(top: Path) -> None:
    """Give all files the mode 644 or 755, whatever the umask of the checkout was: the digest depends on modes."""
    for path in (top, *top.rglob("*")):
        if not path.is_symlink():
            executable = path.is_dir() or path.stat().st_mode & stat.S_IXUSR
            path.chmod(0o755 if executable else 0o644)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
