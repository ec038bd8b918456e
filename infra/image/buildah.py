"""buildah, which builds images without a daemon, in any container, and without root.

`--isolation chroot` needs no container runtime. Each build starts from nothing: layers of earlier builds are not used.
"""

import resource
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from uuid import uuid4

from infra.step import PreconditionFailed

EPOCH = 315532800
"""Time of all files and of the image, 1980-01-01, as in the Lambda package: the same content has the same digest."""
WHEELS = "/wheels"
_PIP = f"[global]\nno-index = true\nfind-links = {WHEELS}\ndisable-pip-version-check = true\n"
_NAME, _BASE = "localhost/faunalens-web", "localhost/faunalens-base"


def require() -> None:
    """Raise `PreconditionFailed` if buildah is not installed."""
    if not shutil.which("buildah"):
        raise PreconditionFailed(
            "the image is built by buildah (Debian: apt-get install buildah netavark); Docker builds web/Dockerfile too"
        )


def import_root(archive: Path, storage: Path) -> str:
    """Return the name of an image with the files of a tar archive. Create it unless `storage` has it."""
    name = f"{_BASE}:{archive.stem}"
    if not _run(["images", "--quiet", "--filter", f"reference={name}"], storage).strip():
        with tempfile.TemporaryDirectory() as folder:
            dockerfile = Path(folder, "Dockerfile")
            dockerfile.write_text(f"FROM scratch\nADD {archive.name} /\n", encoding="utf-8")
            _run(["build", "--quiet", "--tag", name, "--file", str(dockerfile), str(archive.parent)], storage)
    return name


def build(project: Path, arguments: Mapping[str, str], wheels: Path, out: Path, storage: Path) -> None:
    """Build web/Dockerfile of a checkout into the folder `out`, an OCI layout. Raises `PreconditionFailed`.

    `arguments`: build arguments. `wheels`: folder from which pip installs, in place of an index.
    """
    name = f"{_NAME}:{uuid4().hex}"  # builds at the same time may make the same image
    with tempfile.TemporaryDirectory() as folder:
        configuration = Path(folder, "pip.conf")
        configuration.write_text(_PIP, encoding="utf-8")
        command = [
            "build",
            "--quiet",
            "--isolation=chroot",
            *_limits(),
            f"--timestamp={EPOCH}",
            "--identity-label=false",
        ]
        command += [f"--tag={name}"]
        command += [f"--build-arg={name}={value}" for name, value in arguments.items()]
        command += [f"--secret=id=pip,src={configuration}", f"--volume={wheels}:{WHEELS}:ro"]
        command += [f"--file={project}/web/Dockerfile", f"--ignorefile={project}/web/Dockerfile.dockerignore"]
        _run([*command, str(project)], storage)
    _run(["push", "--quiet", "--format=oci", name, f"oci:{out}"], storage)
    _run(["rmi", name], storage)


def _limits() -> list[str]:
    """Return options that keep the limits of this process: in a container, buildah may not raise them."""
    limits = {"nofile": resource.RLIMIT_NOFILE, "nproc": resource.RLIMIT_NPROC}
    return ["--ulimit={}={}:{}".format(name, *resource.getrlimit(number)) for name, number in limits.items()]


def _run(arguments: Sequence[str], storage: Path) -> str:
    """Run a command of buildah and return its output. Raises `PreconditionFailed` with its last lines."""
    storage.mkdir(parents=True, exist_ok=True)
    command = ["buildah", f"--root={storage}", f"--runroot={storage}-run", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        last = "\n".join((done.stdout + done.stderr).strip().splitlines()[-20:])
        raise PreconditionFailed(f"buildah {arguments[0]} exited with code {done.returncode}:\n{last}")
    return done.stdout
