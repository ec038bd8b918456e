"""The patched packagers of Chalice; the projects here have no requirements, so pip does not run."""

import os
import shutil
import zipfile
from pathlib import Path

import numpy as np
import pytest
from chalice.deploy import packager as stock
from chalice.deploy.deployer import PolicyGenerator
from chalice.utils import UI, OSUtils
from click import ClickException

from chalicelib.config.settings import ROOT
from infra.package import archive, dependencies, packager
from tests.support import tiny_model
from tests.unit.chalicelib.model.tiny_head import write_head

type Kind = type[stock.BaseLambdaDeploymentPackager]
CLASSES = (stock.AppOnlyDeploymentPackager, stock.LayerDeploymentPackager)


@pytest.fixture(autouse=True)
def _installed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Patch Chalice for one test."""
    monkeypatch.setattr(PolicyGenerator, "handle_filebasediampolicy", PolicyGenerator.handle_filebasediampolicy)
    for each in CLASSES:
        monkeypatch.setattr(each, "create_deployment_package", each.create_deployment_package)
    packager.install()


@pytest.fixture(params=CLASSES)
def kind(request: pytest.FixtureRequest) -> Kind:
    """Each of Chalice's packagers."""
    found: Kind = request.param
    return found


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Return an app with a library, a vendored file and stray files that must not be packed."""
    for name, text in {
        "app.py": "import chalicelib.noun",
        "chalicelib/noun.py": "",
        "chalicelib/data.csv": "1",
        "chalicelib/.DS_Store": "?",
        "chalicelib/__pycache__/noun.cpython-312.pyc": "?",
        "vendor/model/labels.csv": "cat",
        "vendor/model/__pycache__/old.cpython-312.pyc": "?",
        "requirements.txt": "",
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


def packed(kind: Kind, project: Path, python: str = packager.RUNTIME) -> tuple[Path, set[str]]:
    """Return the zip that Chalice would upload, and the names in it."""
    ours = kind(OSUtils(), stock.DependencyBuilder(OSUtils()), UI())
    path = Path(ours.create_deployment_package(str(project), python))
    with zipfile.ZipFile(path) as opened:
        return path, {*opened.namelist()}


def test_the_files_for_use_without_signal_are_packed_if_they_are_wanted(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # GIVEN that they are wanted, but were not made
    monkeypatch.setenv("OFFLINE", "yes")
    with pytest.raises(ClickException, match="model/offline is missing, which OFFLINE=yes packs; run `make offline`"):
        packed(stock.AppOnlyDeploymentPackager, project)
    # WHEN they are there
    (project / "model" / "offline").mkdir(parents=True)
    (project / "model" / "offline" / "offline.json").write_text("{}", encoding="utf-8")
    # THEN they are in the package, but not in another
    assert "model/offline/offline.json" in packed(stock.AppOnlyDeploymentPackager, project)[1]
    monkeypatch.delenv("OFFLINE")
    assert "model/offline/offline.json" not in packed(stock.AppOnlyDeploymentPackager, project)[1]


def test_a_model_that_the_app_could_not_load_is_not_packed(project: Path) -> None:
    # GIVEN a model of one's own, and beside it a head of the project's model, whose link was not removed
    folder = project / "vendor" / "model"
    model = tiny_model.write(folder, tiny_model.tiny_model()).rename(folder / "faunalens.onnx")
    other = tiny_model.tiny_model(constants={"gain": np.float32(0.1)})
    write_head(folder / "packs", tiny_model.write(project, other))
    with pytest.raises(ClickException, match=r"trained on features of the general model .*; correct vendor/model; `py"):
        packed(stock.AppOnlyDeploymentPackager, project)
    shutil.rmtree(folder / "packs")
    # AND labels of which a row is missing
    labels = folder / "labels.csv"
    labels.write_text(tiny_model.LABELS.rpartition("30,")[0])
    with pytest.raises(
        ClickException, match=r"3 animals, labels.csv has 2 rows; .* check vendor/model/faunalens.onnx`"
    ):
        packed(stock.AppOnlyDeploymentPackager, project)
    # WHEN they fit THEN they are packed
    labels.write_text(tiny_model.LABELS)
    assert f"model/{model.name}" in packed(stock.AppOnlyDeploymentPackager, project)[1]


def test_for_other_formats_it_is_another_layer(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = packed(stock.LayerDeploymentPackager, project)[0]
    # GIVEN a table of formats with which less is left out
    monkeypatch.setattr(dependencies, "EXCLUSIONS", dependencies.EXCLUSIONS[:-1])
    assert packed(stock.LayerDeploymentPackager, project)[0] != before


def test_heic_is_in_the_layer_unless_the_operator_says_no(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    heic = {"pillow_heif/a.py", "pillow_heif.libs/libheif-1.so", "_pillow_heif.so", "pillow_heif-1.dist-info/METADATA"}

    def fetch(_: Path, site: Path, __: str) -> None:
        for name in (*heic, "PIL/Image.py"):
            (site / name).parent.mkdir(parents=True, exist_ok=True)
            (site / name).touch()

    monkeypatch.setattr(dependencies, "fetch", fetch)
    made = {}
    for wanted, there in (("yes", {*heic, "PIL/Image.py"}), ("no", {"PIL/Image.py"})):
        monkeypatch.setenv("HEIC", wanted)
        made[wanted], names = packed(stock.LayerDeploymentPackager, project)
        assert {name.removeprefix(packager.SITE) for name in names if "__pycache__" not in name} == there
    # AND without a word it is there
    monkeypatch.delenv("HEIC")
    assert packed(stock.LayerDeploymentPackager, project)[0] == made["yes"] != made["no"]
    monkeypatch.setenv("HEIC", "off")
    with pytest.raises(ClickException, match="HEIC is 'off'; set it to yes or no"):
        packed(stock.LayerDeploymentPackager, project)


def test_each_exclusion_is_documented() -> None:
    page = (ROOT / "docs" / "reference" / "package.md").read_text(encoding="utf-8")
    assert [each.name for each in dependencies.EXCLUSIONS if f"| {each.name} " not in page] == []


def test_a_zip_has_a_name_of_its_own_until_something_changes(kind: Kind, project: Path) -> None:
    # GIVEN a zip WHEN the same files are packed again THEN it has the same name
    before = packed(kind, project)[0]
    assert packed(kind, project)[0] == before
    # AND another name once a file has changed
    (project / "requirements.txt").write_text("\n", encoding="utf-8")
    (project / "chalicelib" / "data.csv").write_text("2", encoding="utf-8")
    assert packed(kind, project)[0] != before


def test_another_python_than_lambdas_is_refused(kind: Kind, project: Path) -> None:
    with pytest.raises(ClickException, match=r"python3\.13 on Lambda, but this Chalice runs on python3\.12 .*make set"):
        packed(kind, project, "python3.12")


def test_a_zip_over_the_limit_is_refused(kind: Kind, project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "LIMIT", 10)
    with pytest.raises(ClickException, match=r"accepts less than 10; use a smaller model, .*exclusions\.toml"):
        packed(kind, project)
    assert not [*project.glob(".chalice/deployments/*.zip")]


def test_a_broken_link_is_refused(kind: Kind, project: Path) -> None:
    (project / "vendor" / "model" / "faunalens.onnx").symlink_to("../../model/faunalens.onnx")
    with pytest.raises(ClickException, match=r"vendor/model/faunalens\.onnx is missing or a broken link.*make setup"):
        packed(kind, project)
    # AND so is a checkout without a vendor folder
    (project / "vendor").rename(project / "elsewhere")
    with pytest.raises(ClickException, match=r"vendor is missing or a broken link.*make setup"):
        packed(kind, project)


def test_only_the_newest_zips_are_kept(kind: Kind, project: Path) -> None:
    # GIVEN a project that was packed several times
    made = []
    for number in range(packager.KEPT + 2):
        (project / "requirements.txt").write_text("\n" * number, encoding="utf-8")
        (project / "chalicelib" / "data.csv").write_text(f"{number}", encoding="utf-8")
        made.append(packed(kind, project)[0])
        os.utime(made[-1], (number, number))
    # THEN only the newest zips are left
    assert [path.exists() for path in made] == [False, False, *[True] * packager.KEPT]
