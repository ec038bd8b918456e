"""What Chalice's commands pack, instead of all that pip brings: pruned, with bytecode, and always the same bytes.

Chalice has no setting for this. It imports `app.py` before it packs, and there `install` puts the functions below in
place of its packagers' one public method; everything else (which wheels, downloads, uploads) remains Chalice's.
"""

import hashlib
import shutil
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import chalice
from chalice.deploy import packager as stock
from click import ClickException

from infra.package import archive, bytecode
from infra.package.cuts import CUTS, matches

PYTHON = "python3.13"
TASK = "/var/task"
"""Where Lambda unpacks the function."""
SITE = f"python/lib/{PYTHON}/site-packages/"
"""Where a layer keeps what is to be imported; Lambda unpacks layers into /opt."""
HERE = Path(__file__).parent


def install() -> None:
    """Let Chalice pack as this module does, in this process."""
    stock.AppOnlyDeploymentPackager.create_deployment_package = _function  # type: ignore[method-assign]
    stock.LayerDeploymentPackager.create_deployment_package = _layer  # type: ignore[method-assign]
    stock.LambdaDeploymentPackager.create_deployment_package = _whole  # type: ignore[method-assign]


def _function(self: stock.AppOnlyDeploymentPackager, project_dir: str, python_version: str) -> str:
    """The function's zip: the app and its bytecode."""
    _check_python(python_version)
    with TemporaryDirectory() as folder:
        _put_app(self, project_dir, Path(folder))
        return _packed(self, Path(folder), "", _place(project_dir, "appcode", _digest(Path(folder))))


def _layer(self: stock.LayerDeploymentPackager, project_dir: str, python_version: str) -> str:
    """The layer's zip: dependencies, model and their bytecode; one of the same inputs is used again."""
    _check_python(python_version)
    out = _place(project_dir, "managed-layer", _digest(HERE, Path(project_dir, "vendor"), _requirements(project_dir)))
    if out.exists():
        self._ui.write(f"Layer of the same dependencies and model: {out.name}\n")
        return str(out)
    with TemporaryDirectory() as folder:
        _put_dependencies(self, project_dir, Path(folder), f"/opt/{SITE}")
        return _packed(self, Path(folder), SITE, out)


def _whole(self: stock.LambdaDeploymentPackager, project_dir: str, python_version: str) -> str:
    """All in one zip, where `automatic_layer` is off."""
    _check_python(python_version)
    with TemporaryDirectory() as folder:
        _put_dependencies(self, project_dir, Path(folder), TASK)
        _put_app(self, project_dir, Path(folder))
        return _packed(self, Path(folder), "", _place(project_dir, "whole", _digest(Path(folder))))


def _put_app(packager: stock.BaseLambdaDeploymentPackager, project_dir: str, folder: Path) -> None:
    for source, name in packager._iter_app_filenames(project_dir):
        if "__pycache__" not in name:
            target = folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, target)
    bytecode.compile_into(folder, TASK)


def _put_dependencies(
    packager: stock.BaseLambdaDeploymentPackager, project_dir: str, folder: Path, deployed: str
) -> None:
    packager._ui.write("Fetching dependencies for Lambda\n")
    try:
        packager._dependency_builder.build_site_packages("cp313", str(_requirements(project_dir)), str(folder))
    except stock.MissingDependencyError as error:  # Chalice would warn and deploy without it
        names = ", ".join(sorted(package.identifier for package in error.missing))
        raise ClickException(
            f"no wheel that runs on Lambda was found for {names}; pin a version that has one"
        ) from None
    for cut in CUTS:
        for path in matches(cut, folder):
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    try:
        shutil.copytree(Path(project_dir, "vendor"), folder, dirs_exist_ok=True)
    except shutil.Error as error:
        missing = ", ".join(name for name, _, _ in error.args[0])
        raise ClickException(f"{missing} cannot be packed: is the model built? `make setup` does that") from None
    bytecode.compile_into(folder, deployed)


def _packed(packager: stock.BaseLambdaDeploymentPackager, folder: Path, prefix: str, out: Path) -> str:
    out.parent.mkdir(parents=True, exist_ok=True)
    archive.pack(folder, prefix, out)
    size = out.stat().st_size
    if size >= archive.LIMIT:
        raise ClickException(f"{out} is {size:,} bytes; Lambda takes less than {archive.LIMIT:,} at once")
    packager._ui.write(f"{out.name}: {size / 1e6:.1f} MB\n")
    return str(out)


def _check_python(python_version: str) -> None:
    if python_version != PYTHON:
        running = sys.executable
        raise ClickException(f"Faunalens is deployed for {PYTHON}, this is {python_version} ({running}): use .venv")


def _requirements(project_dir: str) -> Path:
    return Path(project_dir, "requirements.txt")


def _place(project_dir: str, kind: str, digest: str) -> Path:
    return Path(project_dir, ".chalice", "deployments", f"{kind}-{digest}-{PYTHON}.zip")


def _digest(*inputs: Path) -> str:
    """One name for the same files, Python and Chalice."""
    found = hashlib.sha256(f"{sys.version} {chalice.__version__}".encode())
    for each in inputs:
        for path in [each] if each.is_file() else archive.files(each):
            if path.suffix != ".pyc":
                found.update(f"{path.relative_to(each)}\0".encode() + hashlib.sha256(path.read_bytes()).digest())
    return found.hexdigest()[:32]
