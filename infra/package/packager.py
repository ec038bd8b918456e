"""Patch Chalice's packagers to prune the dependencies, add bytecode, and always write the same zip for the same files.

Chalice has no settings for this. It imports `app.py` before it writes the package. `app.py` then calls `install`, which
replaces the only public method of each packager, and that which reads a function's policy: one file is for all stages.
"""

import hashlib
import os
import shutil
import sys
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import chalice
from chalice.config import Config
from chalice.deploy.deployer import PolicyGenerator
from chalice.deploy.models import FileBasedIAMPolicy
from chalice.deploy.packager import AppOnlyDeploymentPackager, BaseLambdaDeploymentPackager, LayerDeploymentPackager
from click import ClickException

from chalicelib.config.settings import Settings
from chalicelib.errors import ModelError
from chalicelib.services import build_recogniser
from infra.functions import policy_in
from infra.package import archive, dependencies

RUNTIME = "python{}.{}".format(*dependencies.PYTHON)
TASK = "/var/task"  # the folder where Lambda unpacks the function
SITE = f"python/lib/{RUNTIME}/site-packages/"  # the layer's folder of modules; Lambda unpacks it below /opt
NOT_PACKED = "maintain"  # the folder faunalens/data/maintain, which makes the data; no function uses it
OFFLINE = "model/offline"  # the files for use without signal, in the project and in the package
KEPT = 3  # zips of each kind to keep, so that deploying an earlier commit needs no new zip


_read_policy = PolicyGenerator.handle_filebasediampolicy


def install() -> None:
    """Patch Chalice in this process, so that it reads policies, and builds the zips of function and layer, as below."""
    PolicyGenerator.handle_filebasediampolicy = _policy  # type: ignore[method-assign]
    AppOnlyDeploymentPackager.create_deployment_package = _function  # type: ignore[method-assign]
    LayerDeploymentPackager.create_deployment_package = _layer  # type: ignore[method-assign]


def _policy(self: PolicyGenerator, config: Config, resource: FileBasedIAMPolicy) -> None:
    _read_policy(self, config, resource)
    resource.document = policy_in(config.chalice_stage, resource.document)


def _function(self: AppOnlyDeploymentPackager, project_dir: str, python_version: str) -> str:
    """Make the function's zip: the app, and `vendor/` with the models. Reuse the zip if no file has changed."""
    _check_python(python_version)
    with TemporaryDirectory() as folder:
        _copy_app(self, project_dir, Path(folder))
        out = _zip_path(project_dir, "appcode", _digest(Path(folder)))
        if not _reused(self, out):
            _check_model(Path(folder, "model", "faunalens.onnx"))
            archive.compile_into(Path(folder), TASK)
            _zip(self, Path(folder), "", out)
    return str(out)


def _layer(self: LayerDeploymentPackager, project_dir: str, python_version: str) -> str:
    """Make the layer's zip: the dependencies. Reuse a zip of the same inputs, even if it is still being built."""
    _check_python(python_version)
    _vendor(project_dir)  # fail before the downloads; Chalice packs the function later
    rules, requirements = Path(__file__).parent, Path(project_dir, "requirements.txt")
    left_out = ", ".join(each.name for each in dependencies.EXCLUSIONS)  # depends on the formats that the app reads
    options = f"heic={dependencies.is_wanted('HEIC', os.environ)}, without {left_out}"
    out = _zip_path(project_dir, f"managed-layer-{self._architecture}", _digest(rules, requirements, options=options))
    with archive.locked(out.parent), TemporaryDirectory() as folder:
        if not _reused(self, out):
            _install_dependencies(self, project_dir, Path(folder))
            _zip(self, Path(folder), SITE, out)
    return str(out)


def _copy_app(packager: BaseLambdaDeploymentPackager, project_dir: str, folder: Path) -> None:
    """Copy the app's files that Chalice lists and `vendor/`, without hidden files, old bytecode and `NOT_PACKED`."""
    for source, name in packager._iter_app_filenames(project_dir):
        if not any(part.startswith((".", "__pycache__")) for part in Path(name).parts):
            target = folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, target)
    ignored = shutil.ignore_patterns("__pycache__", ".*", NOT_PACKED)
    shutil.copytree(_vendor(project_dir), folder, dirs_exist_ok=True, ignore=ignored)
    if dependencies.is_wanted("OFFLINE", os.environ):
        made = Path(project_dir, OFFLINE)
        if not made.exists():
            raise ClickException(f"{OFFLINE} is missing, which OFFLINE=yes packs; run `make offline`")
        shutil.copytree(made, folder / OFFLINE)


def _install_dependencies(packager: BaseLambdaDeploymentPackager, project_dir: str, folder: Path) -> None:
    with_heic = dependencies.is_wanted("HEIC", os.environ)
    packager._ui.write(f"Fetching dependencies for Lambda{'' if with_heic else ', without HEIC'}.\n")
    dependencies.fetch(Path(project_dir, "requirements.txt"), folder, packager._architecture)
    dependencies.remove_excluded(folder)
    (dependencies.remove_encoder if with_heic else dependencies.remove_heic)(folder)
    archive.compile_into(folder, f"/opt/{SITE}")


def _reused(packager: BaseLambdaDeploymentPackager, out: Path) -> bool:
    """Return whether the zip `out` exists. If so, set its time to now, so that `_zip` does not delete it as old."""
    if not out.exists():
        return False
    out.touch()
    packager._ui.write(f"{out.name}: unchanged\n")
    return True


def _zip(packager: BaseLambdaDeploymentPackager, folder: Path, prefix: str, out: Path) -> None:
    out.parent.mkdir(parents=True, exist_ok=True)
    archive.pack(folder, prefix, out)
    size = out.stat().st_size
    packager._ui.write(f"{out.name}: {size / 1e6:.1f} MB\n")
    if size >= archive.LIMIT:
        out.unlink()
        raise ClickException(
            f"{out} has {size:,} bytes, but Lambda accepts less than {archive.LIMIT:,}; "
            "use a smaller model, or exclude more files in infra/package/exclusions.toml"
        )
    kind, _, _ = out.name.partition("-")  # Chalice would keep all zips; a layer has 37 MB
    with suppress(FileNotFoundError):  # another command may remove the same zips
        for old in sorted(out.parent.glob(f"{kind}-*.zip"), key=lambda path: -path.stat().st_mtime)[KEPT:]:
            old.unlink()


def _check_python(python_version: str) -> None:
    if python_version != RUNTIME:
        raise ClickException(
            f"Faunalens needs {RUNTIME} on Lambda, but this Chalice runs on {python_version} ({sys.executable}); "
            "use .venv/bin/chalice, which `make setup` installs"
        )


def _vendor(project_dir: str) -> Path:
    """Return the folder with the model. Raise `ClickException` if it is missing or contains a broken link."""
    vendor = Path(project_dir, "vendor")
    if lost := [path for path in (vendor, *vendor.rglob("*")) if not path.exists()]:
        names = ", ".join(str(path.relative_to(project_dir)) for path in lost)
        raise ClickException(f"{names} is missing or a broken link; run `make setup`, or repair the link")
    return vendor


def _check_model(model: Path) -> None:
    """Raise `ClickException` if the app cannot load the model with what is packed beside it. This takes 0.3 s."""
    if model.is_file():
        try:
            build_recogniser(Settings.from_environment({"MODEL_PATH": str(model)})).prepare()
        except ModelError as error:
            advice = f"correct vendor/model; `python -m model check vendor/model/{model.name}` lists all faults"
            raise ClickException(f"{error}; {advice}") from error


def _zip_path(project_dir: str, kind: str, digest: str) -> Path:
    return Path(project_dir, ".chalice", "deployments", f"{kind}-{digest}-{RUNTIME}.zip")


def _digest(*inputs: Path, options: str = "") -> str:
    """Return a digest of the files, the options, and the versions of Python and Chalice."""
    digest = hashlib.sha256(f"{sys.version} {chalice.__version__} {options}".encode())
    for each in inputs:
        for path in [each] if each.is_file() else archive.files(each):
            if path.suffix != ".pyc":
                digest.update(f"{path.relative_to(each)}\0".encode() + hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()[:32]
