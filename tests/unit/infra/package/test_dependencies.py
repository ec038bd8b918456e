"""Rules name what to leave out; HEIC is the decoder alone."""

from pathlib import Path

import pytest
from click import ClickException

from infra.package import dependencies

ROOT = Path(__file__).parents[4]


def tree(folder: Path, *names: str) -> Path:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return folder


@pytest.mark.parametrize(
    "name",
    [
        "onnxruntime/capi/libonnxruntime.so.1.28.0",
        "onnxruntime/transformers/models/bert.py",
        "aiohttp/client.py",
        "aiohttp-3.14.5.dist-info/METADATA",
        "numpy/lib/tests/data/a.npy",
        "numpy/_core/_umath_tests.cpython-313-x86_64-linux-gnu.so",
        "numpy/__init__.pyi",
        "h3/_cy/cells.pyx",
        "redis-8.1.0.dist-info/RECORD",
        "PIL/_avif.cpython-313-x86_64-linux-gnu.so",
    ],
)
def test_these_files_are_removed(tmp_path: Path, name: str) -> None:
    dependencies.remove_excluded(tree(tmp_path, name))
    assert not (tmp_path / name).exists()


@pytest.mark.parametrize(
    "name",
    [
        "onnxruntime/capi/libonnxruntime_providers_shared.so",
        "onnxruntime/capi/onnxruntime_pybind11_state.cpython-313-x86_64-linux-gnu.so",
        "numpy/testing/__init__.py",
        "numpy/typing/__init__.py",
        "redis/asyncio/client.py",
        "redis-8.1.0.dist-info/METADATA",
        "attributes.py",
        "pillow.libs/libwebp-51b0b3f7.so.7.2.0",
    ],
)
def test_these_files_stay(tmp_path: Path, name: str) -> None:
    dependencies.remove_excluded(tree(tmp_path, name))
    assert (tmp_path / name).exists()


def test_each_exclusion_is_documented() -> None:
    page = (ROOT / "docs" / "reference" / "package.md").read_text(encoding="utf-8")
    assert [each.name for each in dependencies.EXCLUSIONS if f"| {each.name} " not in page] == []


@pytest.mark.parametrize(("environment", "wanted"), [({}, True), ({"HEIC": "yes"}, True), ({"HEIC": "no"}, False)])
def test_the_package_reads_heic_unless_the_operator_says_no(environment: dict[str, str], wanted: bool) -> None:
    assert dependencies.is_heic_wanted(environment) is wanted


def test_another_value_is_refused() -> None:
    with pytest.raises(ClickException, match="HEIC is 'off'; set it to yes or no"):
        dependencies.is_heic_wanted({"HEIC": "off"})


def test_all_of_pillow_heif_and_nothing_else_is_removed(tmp_path: Path) -> None:
    for name in (
        "pillow_heif/heif.py",
        "pillow_heif.libs/libheif-1.so.1",
        "_pillow_heif.cpython-313-x86_64-linux-gnu.so",
        "pillow_heif-1.8.1.dist-info/METADATA",
        "PIL/Image.py",
    ):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    dependencies.remove_heic(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["PIL"]


def test_dependencies_without_pillow_heif_stay_as_they_are(tmp_path: Path) -> None:
    dependencies.remove_encoder(tmp_path)
    assert [*tmp_path.iterdir()] == []
