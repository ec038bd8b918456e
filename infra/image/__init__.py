"""Build the image of the web tier (faunalens/web/Dockerfile) without Docker: `python -m infra.image`, or `make image`.

buildah builds it, without a daemon, in any container, even without root: `--isolation chroot` needs no container
runtime. The same files give the same bytes: pip checks the hashes of packages, every file gets the same time, and
nothing of this machine gets in. Wheels are fetched before the build, so the build needs no network.

Where a public base cannot be pulled, a base is made from Debian's signed packages: Python 3.13, pip and a shell,
unpacked but not set up. It is kept in .local/image; delete that to get a new one with Debian's security updates.
"""

import calendar
import gzip
import hashlib
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple
from uuid import uuid4

from chalicelib.config.settings import ROOT
from infra.package import archive
from infra.step import Echo, PreconditionFailed

Inference = Literal["lambda", "local"]  # who identifies photos: with `local`, the image has the model
CACHE = ROOT / ".local" / "image"
STORAGE = CACHE / "storage"  # buildah's own folder, with the base; it is safe to delete when nothing is built


class Image(NamedTuple):
    """A container image in the folder `layout`, an OCI layout. skopeo can push it to a registry; the digest stays."""

    layout: Path

    @property
    def digest(self) -> str:
        """The digest of the image's manifest, by which deployments name the image."""
        (manifest,) = json.loads((self.layout / "index.json").read_bytes())["manifests"]
        return str(manifest["digest"])

    @property
    def compressed(self) -> int:
        """Size of the compressed layers, in bytes."""
        return sum(int(each["size"]) for each in self._manifest()["layers"])

    @property
    def unpacked(self) -> int:
        """Size of the decompressed layers, in bytes."""
        size = 0
        for each in self._manifest()["layers"]:
            with gzip.open(self.blob(each["digest"])) as layer:  # a layer with the model has 200 MB
                size += layer.seek(0, os.SEEK_END)
        return size

    def blob(self, digest: str) -> Path:
        """Return the file of a manifest, a configuration or a layer."""
        return self.layout / "blobs" / digest.replace(":", "/")

    def _manifest(self) -> dict[str, Any]:
        manifest: dict[str, Any] = json.loads(self.blob(self.digest).read_bytes())
        return manifest


def build(out: Path, echo: Echo, *, inference: Inference = "lambda", of: str = "", project: Path = ROOT) -> Image:
    """Build the image of the checkout `project` in the folder `out`, whose old content is deleted.

    `of`: digest of the base image; by default a base of Debian's packages is built. Raises `PreconditionFailed`.
    """
    if not shutil.which("buildah"):
        raise PreconditionFailed(
            "the image is built by buildah (Debian: apt-get install buildah netavark); Docker builds "
            "faunalens/web/Dockerfile too"
        )
    with archive.locked(CACHE):
        of = of or _base(echo)
    with tempfile.TemporaryDirectory() as folder:
        echo("fetching wheels")
        _fetch_wheels(inference, project, Path(folder, "wheels"))
        shutil.rmtree(out, ignore_errors=True)
        out.parent.mkdir(parents=True, exist_ok=True)
        echo(f"building with INFERENCE={inference}")
        _run_build(project, {"BASE": of, "INFERENCE": inference}, Path(folder), out)
    return Image(out)


def _fetch_wheels(inference: str, project: Path, folder: Path) -> None:
    """Download the wheels of an image into a new folder; those that pip has in its cache come from there."""
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
    command += ["--only-binary=:all:", "--require-hashes", f"--dest={folder}"]
    lists = (project / "faunalens" / "web" / "requirements" / f"{name}.txt" for name in ("build", inference))
    command += [f"--requirement={path}" for path in lists]
    _output_of(command, "pip cannot fetch the image's packages; is the network up?")


SUITE = "trixie"
PACKAGES = ("base-files", "ca-certificates", "dash", "libstdc++6", "python3", "python3-pip")
_SET_UP = """\
cat "$1"/usr/share/ca-certificates/mozilla/*.crt >"$1/etc/ssl/certs/ca-certificates.crt"
find "$1/usr/share/doc" -type f ! -name copyright -delete
rm -rf "$1/usr/share/locale" "$1/usr/share/man" "$1"/usr/lib/*/gconv
"""
"""What is done with the unpacked files: the script of ca-certificates, and less to copy."""


def _base(echo: Echo) -> str:
    """Return the name of buildah's image of the base, built in about 10 s unless it is in `STORAGE`."""
    digest = hashlib.sha256(" ".join((SUITE, *PACKAGES, _SET_UP)).encode()).hexdigest()[:16]
    name = f"localhost/faunalens-base:{digest}"
    if _run(["images", "--quiet", "--filter", f"reference={name}"]).strip():
        return name
    if not shutil.which("mmdebstrap"):
        advice = "apt-get install mmdebstrap (Debian), or give another base with --base"
        raise PreconditionFailed(f"the base is made by mmdebstrap; {advice}")
    echo(f"building the base from packages of Debian {SUITE}")
    with tempfile.TemporaryDirectory() as folder:
        command = ["mmdebstrap", "--quiet", "--variant=extract", f"--include={','.join(PACKAGES)}"]
        command += [f"--extract-hook={_SET_UP}", SUITE, f"{folder}/base.tar"]
        _output_of(command, "mmdebstrap cannot build the base:")
        dockerfile = Path(folder, "Dockerfile")
        dockerfile.write_text("FROM scratch\nADD base.tar /\n", encoding="utf-8")
        _run(["build", "--quiet", "--tag", name, "--file", str(dockerfile), folder])
    return name


def _output_of(command: Sequence[str], failure: str) -> str:
    """Run a program and return its output. Raises `PreconditionFailed` with `failure` and the program's last lines."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        last = "\n".join((done.stdout + done.stderr).strip().splitlines()[-20:])
        raise PreconditionFailed(f"{failure}\n{last}")
    return done.stdout


# buildah

EPOCH = calendar.timegm(archive.EPOCH)
"""Time of all files and of the image, 1980-01-01, as in the Lambda package: the same content has the same digest."""
WHEELS = "/wheels"
_PIP = f"[global]\nno-index = true\nfind-links = {WHEELS}\ndisable-pip-version-check = true\n"


def _run_build(project: Path, arguments: Mapping[str, str], folder: Path, out: Path) -> None:
    """Build faunalens/web/Dockerfile of a checkout into the folder `out`, an OCI layout. Raises `PreconditionFailed`.

    `arguments`: build arguments. `folder`: contains `wheels`, from which pip installs in place of an index.
    """
    name = f"localhost/faunalens-web:{uuid4().hex}"  # builds at the same time may make the same image
    configuration, dockerfile = folder / "pip.conf", project / "faunalens" / "web" / "Dockerfile"
    configuration.write_text(_PIP, encoding="utf-8")
    command = ["build", "--quiet", "--isolation=chroot", f"--timestamp={EPOCH}", "--identity-label=false"]
    # Keep the limits of this process: in a container, buildah may not raise them.
    limits = {"nofile": resource.RLIMIT_NOFILE, "nproc": resource.RLIMIT_NPROC}
    command += ["--ulimit={}={}:{}".format(each, *resource.getrlimit(number)) for each, number in limits.items()]
    command += [f"--build-arg={key}={value}" for key, value in arguments.items()]
    command += [f"--secret=id=pip,src={configuration}", f"--volume={folder / 'wheels'}:{WHEELS}:ro"]
    command += [f"--tag={name}", f"--file={dockerfile}", f"--ignorefile={dockerfile}.dockerignore"]
    _run([*command, str(project)])
    _run(["push", "--quiet", "--format=oci", name, f"oci:{out}"])
    _run(["rmi", name])


def _run(arguments: Sequence[str]) -> str:
    """Run a command of buildah and return its output. Raises `PreconditionFailed`."""
    STORAGE.mkdir(parents=True, exist_ok=True)
    command = ["buildah", f"--root={STORAGE}", f"--runroot={STORAGE}-run", *arguments]
    return _output_of(command, f"buildah {arguments[0]} failed:")
