"""pip installs wheels for Lambda, whatever machine it runs on. Here its registry is a folder."""

import hashlib
import zipfile
from pathlib import Path

import pytest
from click import ClickException

from infra.package import dependencies

TAGS = ("macosx_11_0_arm64", "manylinux_2_39_x86_64", "manylinux_2_34_x86_64", "manylinux_2_28_aarch64", "win_amd64")


def write_wheel(folder: Path, name: str, tag: str) -> None:
    """Write a wheel of version 1.0 for a platform, with a file that names it, and with a script."""
    info = f"{name}-1.0.dist-info"
    with zipfile.ZipFile(folder / f"{name}-1.0-cp313-cp313-{tag}.whl", "w") as opened:
        opened.writestr(f"{name}.txt", tag)
        opened.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        opened.writestr(f"{info}/WHEEL", f"Wheel-Version: 1.0\nTag: cp313-cp313-{tag}\n")
        opened.writestr(f"{info}/entry_points.txt", f"[console_scripts]\n{name} = {name}:main\n")
        opened.writestr(f"{info}/RECORD", "")


@pytest.fixture
def registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a registry with one version of one package, built for several machines."""
    folder = tmp_path / "registry"
    folder.mkdir()
    for tag in TAGS:
        write_wheel(folder, "made", tag)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return folder


def requirements(registry: Path, *tags: str) -> Path:
    """Write requirements that pin the hashes of the wheels for `tags`."""
    hashes = [hashlib.sha256((registry / f"made-1.0-cp313-cp313-{tag}.whl").read_bytes()).hexdigest() for tag in tags]
    path = registry.parent / "requirements.txt"
    path.write_text(" ".join(["made==1.0", *(f"--hash=sha256:{each}" for each in hashes)]), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("architecture", "taken"), [("x86_64", "manylinux_2_34_x86_64"), ("arm64", "manylinux_2_28_aarch64")]
)
def test_the_wheel_for_lambda_is_taken(registry: Path, tmp_path: Path, architecture: str, taken: str) -> None:
    # GIVEN wheels for other systems, and for a newer glibc than Lambda's WHEN pip installs them
    dependencies.fetch(requirements(registry, *TAGS), tmp_path / "site", architecture)
    # THEN it takes the one for Lambda
    site = tmp_path / "site"
    assert (site / "made.txt").read_text(encoding="utf-8") == taken
    # AND leaves scripts out, since they hold a path of this machine
    files = {path.relative_to(site).parts[0] for path in site.rglob("*") if path.is_file()}
    assert files == {"made.txt", "made-1.0.dist-info"}


def test_its_hash_is_compared_on_every_machine(registry: Path, tmp_path: Path) -> None:
    # GIVEN pinned hashes of all wheels but Lambda's THEN pip refuses, even if another fits this machine
    others = [tag for tag in TAGS if tag != "manylinux_2_34_x86_64"]
    with pytest.raises(ClickException, match="DO NOT MATCH THE HASHES"):
        dependencies.fetch(requirements(registry, *others), tmp_path / "site")


def test_without_a_wheel_that_lambda_can_run_the_error_says_what_to_do(registry: Path, tmp_path: Path) -> None:
    (registry / "made-1.0-cp313-cp313-manylinux_2_34_x86_64.whl").unlink()
    (tmp_path / "requirements.txt").write_text("made==1.0", encoding="utf-8")
    with pytest.raises(ClickException, match=r"(?s)cannot install .*made.*pin a version that has one"):
        dependencies.fetch(tmp_path / "requirements.txt", tmp_path / "site")
