"""The wheel, which `uv tool install` and `pipx install` install: all that the command needs, below one name."""

import os
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Sequence
from pathlib import Path

import pytest

from chalicelib.config.settings import ROOT
from tests.support.pictures import jpeg

NOT_NEEDED = {"app.py", "infra", "tests", "local", "benchmarks", "docs"}
USERS_OWN = ("chalicelib", "cli", "database", "model", "web")
"""Names that were ours at the top of site-packages, and that folders of a user often have."""
IDENTIFY = ("identify", "photo.jpg", "--lat", "-33.9", "--lon", "151.2")


def build(what: str, target: Path, checkout: Path = ROOT) -> Path:
    """Build the wheel or the source distribution of a checkout, as an installer does. Raises its error."""
    program = f"from hatchling.build import build_{what}; print(build_{what}({str(target)!r}))"
    done = subprocess.run([sys.executable, "-c", program], cwd=checkout, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr)
    return target / done.stdout.split()[-1]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, made of the source distribution of this checkout, as `uv build` makes both."""
    folder = tmp_path_factory.mktemp("wheel")
    with tarfile.open(build("sdist", folder)) as sources:
        sources.extractall(folder, filter="data")
    (sources_folder,) = (each for each in folder.iterdir() if each.is_dir())
    return build("wheel", folder, sources_folder)


def run(command: Sequence[object], folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, **environment}
    return subprocess.run([*map(str, command)], cwd=folder, env=env, capture_output=True, text=True, check=False)


def test_the_command_runs_from_the_wheel_alone(wheel: Path, tmp_path: Path, cache_home: Path) -> None:
    # GIVEN the wheel, installed without its dependencies, which are those of this environment
    install = [sys.executable, "-m", "pip", "install", "--ignore-installed", "--no-deps", "--no-index", "--prefix=."]
    installed = run([*install, wheel], tmp_path)
    assert installed.returncode == 0, installed.stderr
    # AND not in place of the command of this checkout, which pip would take out
    assert shutil.which("faunalens", path=str(Path(sys.executable).parent))
    (site,) = tmp_path.rglob("site-packages")
    # THEN other programs lose one name to it
    assert {each.name for each in site.iterdir() if not each.name.endswith(".dist-info")} == {"faunalens"}
    assert not {each.name for each in (site / "faunalens").iterdir()} & NOT_NEEDED
    # AND neither the maintainer's programs nor the sources of the page are in it, but for what result pages say
    assert not (site / "faunalens" / "data" / "maintain").exists()
    assert {each.name for each in (site / "faunalens" / "web" / "page").iterdir()} == {"names", "words"}
    # WHEN it is run where the checkout is out of sight, and where the user's own modules have names like ours
    for name in USERS_OWN:
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text("raise RuntimeError('a module of the user')")
    (tmp_path / "photo.jpg").write_bytes(jpeg())
    paths = {"PYTHONPATH": str(site), "XDG_CACHE_HOME": str(cache_home)}
    for program in (["-c", "import faunalens"], ["-m", "faunalens", "--version"]):
        ran = run([sys.executable, *program], tmp_path, **paths)
        assert ran.returncode == 0, ran.stderr
    others = ("export study.db --megadetector md.json", "report study.db", "tables study.db tables")
    for arguments in ((*IDENTIFY, "--results", "study.db"), *map(str.split, others)):
        ran = run([tmp_path / "bin" / "faunalens", *arguments], tmp_path, **paths)
        # THEN every command has its model, its data and its files
        assert ran.returncode == 0, ran.stderr
    assert "echarts" in (tmp_path / "study.html").read_text(encoding="utf-8")


@pytest.mark.parametrize("what", ["wheel", "sdist"])
def test_a_clone_without_models_is_not_packed(what: str, tmp_path: Path) -> None:
    # GIVEN the files of a clone before `make setup`
    for name in ("pyproject.toml", "hatch_build.py", "README.md", "model/packs/birds.toml", "model/packs/herps.toml"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    # WHEN it is packed THEN that fails, and says what to do; packs that are not enabled are not missing
    with pytest.raises(RuntimeError) as failed:
        build(what, tmp_path / "dist", tmp_path)
    missing = "model/faunalens.onnx, model/packs/birds.onnx missing; run `make setup`, which builds the models"
    assert str(failed.value).strip() == f"faunalens: {missing}"


@pytest.mark.alone
def test_uv_installs_the_command(wheel: Path, tmp_path: Path, cache_home: Path) -> None:
    # GIVEN uv, which gets the dependencies from its cache or the registry
    uv = shutil.which("uv") or next(map(str, (ROOT / ".tools").glob("uv-*/bin/uv")))
    tools = {"UV_TOOL_DIR": str(tmp_path / "tools"), "UV_TOOL_BIN_DIR": str(tmp_path / "bin")}
    installed = run([uv, "tool", "install", "--python", sys.executable, wheel], tmp_path, **tools)
    assert installed.returncode == 0, installed.stderr
    # WHEN a photo is identified outside the checkout THEN it has an answer
    (tmp_path / "photo.jpg").write_bytes(jpeg())
    ran = run([tmp_path / "bin" / "faunalens", *IDENTIFY], tmp_path, XDG_CACHE_HOME=str(cache_home), PYTHONPATH="")
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.startswith("photo.jpg: ")
