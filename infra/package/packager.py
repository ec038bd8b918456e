"""What Chalice's commands pack, instead of all that pip brings: pruned, with bytecode, and always the same bytes.

Chalice has no setting for this. It imports `app.py` before it packs, and there `install` puts the functions below in
place of the one public method of its packagers; what is uploaded, and how, remains Chalice's.
"""

import hashlib
import shutil
import sys
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import chalice
from chalice.deploy.packager import (
    AppOnlyDeploymentPackager,
    BaseLambdaDeploymentPackager,
    LambdaDeploymentPackager,
    LayerDeploymentPackager,
)
from click import ClickException

from infra.package import archive, bytecode, cuts, wheels

RUNTIME = "python{}.{}".format(*wheels.PYTHON)
TASK = "/var/task"
"""Where Lambda unpacks the function."""
SITE = f"python/lib/{RUNTIME}/site-packages/"
"""Where a layer keeps what is to be imported; Lambda unpacks layers into /opt."""

KEPT = 3
"""Zips of one kind that stay for the next deployment, which may be of an earlier state."""


def install() -> None:
    """Let Chalice pack as this module does, in this process."""
    AppOnlyDeploymentPackager.create_deployment_package = _function  # type: ignore[method-assign]
    LayerDeploymentPackager.create_deployment_package = _layer  # type: ignore[method-assign]
    LambdaDeploymentPackager.create_deployment_package = _whole  # type: ignore[method-assign]


def _function(self: AppOnlyDeploymentPackager, project_dir: str, python_version: str) -> str:
    """The function's zip: the app."""
    _check_python(python_version)
    with TemporaryDirectory() as folder:
        _put_app(self, project_dir, Path(folder))
        return _packed(self, Path(folder), "", _place(project_dir, "appcode", _digest(Path(folder))))


def _layer(self: LayerDeploymentPackager, project_dir: str, python_version: str) -> str:
    """The layer's zip: dependencies and model. It is used again as long as what it is made from stays the same."""
    _check_python(python_version)
    vendor = _vendor(project_dir)
    rules, requirements = Path(__file__).parent, _requirements(project_dir)
    out = _place(project_dir, f"managed-layer-{self._architecture}", _digest(rules, requirements, vendor))
    if out.exists():
        out.touch()  # so that it is among the newest that are kept
        self._ui.write(f"{out.name}: as before\n")
        return str(out)
    with TemporaryDirectory() as folder:
        _put_dependencies(self, project_dir, Path(folder), f"/opt/{SITE}")
        return _packed(self, Path(folder), SITE, out)


def _whole(self: LambdaDeploymentPackager, project_dir: str, python_version: str) -> str:
    """All in one zip, where `automatic_layer` is off."""
    _check_python(python_version)
    with TemporaryDirectory() as folder:
        _put_dependencies(self, project_dir, Path(folder), TASK)
        _put_app(self, project_dir, Path(folder))
        return _packed(self, Path(folder), "", _place(project_dir, "whole", _digest(Path(folder))))


def _put_app(packager: BaseLambdaDeploymentPackager, project_dir: str, folder: Path) -> None:
    """What Chalice takes for the app, without the bytecode and hidden files that happen to lie there."""
    for source, name in packager._iter_app_filenames(project_dir):
        if not any(part.startswith((".", "__pycache__")) for part in Path(name).parts):
            target = folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, target)
    bytecode.compile_into(folder, TASK)


def _put_dependencies(packager: BaseLambdaDeploymentPackager, project_dir: str, folder: Path, deployed: str) -> None:
    """What pip brings, without the cuts, and `vendor/`; all of it will lie at `deployed`."""
    vendor = _vendor(project_dir)
    packager._ui.write("Fetching dependencies for Lambda.\n")
    wheels.fetch(_requirements(project_dir), folder, packager._architecture)
    cuts.take_away(folder)
    shutil.copytree(vendor, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__", ".*"))
    bytecode.compile_into(folder, deployed)


def _packed(packager: BaseLambdaDeploymentPackager, folder: Path, prefix: str, out: Path) -> str:
    out.parent.mkdir(parents=True, exist_ok=True)
    archive.pack(folder, prefix, out)
    size = out.stat().st_size
    packager._ui.write(f"{out.name}: {size / 1e6:.1f} MB\n")
    if size >= archive.LIMIT:
        out.unlink()
        raise ClickException(
            f"{out} has {size:,} bytes, Lambda takes less than {archive.LIMIT:,}; "
            "`python -m infra.package --cuts` shows what could be left out"
        )
    _forget_old(out)
    return str(out)


def _forget_old(out: Path) -> None:
    """Keep the newest zips of this kind only; Chalice would keep all, 43 MB each."""
    kind, _, _ = out.name.partition("-")
    with suppress(FileNotFoundError):  # another command is at the same
        newest = sorted(out.parent.glob(f"{kind}-*.zip"), key=lambda path: path.stat().st_mtime, reverse=True)
        for old in newest[KEPT:]:
            old.unlink()


def _check_python(python_version: str) -> None:
    if python_version != RUNTIME:
        raise ClickException(
            f"Faunalens is deployed for {RUNTIME}, but this Chalice runs on {python_version} ({sys.executable}); "
            "use .venv/bin/chalice, which `make setup` installs"
        )


def _vendor(project_dir: str) -> Path:
    """The folder with the model, all of whose links lead somewhere."""
    vendor = Path(project_dir, "vendor")
    if lost := [path for path in (vendor, *vendor.rglob("*")) if not path.exists()]:
        names = ", ".join(str(path.relative_to(project_dir)) for path in lost)
        raise ClickException(
            f"{names} cannot be packed: it is not there, or leads nowhere; run `make setup`, or mend the link"
        )
    return vendor


def _requirements(project_dir: str) -> Path:
    return Path(project_dir, "requirements.txt")


def _place(project_dir: str, kind: str, digest: str) -> Path:
    return Path(project_dir, ".chalice", "deployments", f"{kind}-{digest}-{RUNTIME}.zip")


def _digest(*inputs: Path) -> str:
    """One name for the same files, packed by the same Python and Chalice."""
    found = hashlib.sha256(f"{sys.version} {chalice.__version__}".encode())
    for each in inputs:
        for path in [each] if each.is_file() else archive.files(each):
            if path.suffix != ".pyc":
                found.update(f"{path.relative_to(each)}\0".encode() + hashlib.sha256(path.read_bytes()).digest())
    return found.hexdigest()[:32]
