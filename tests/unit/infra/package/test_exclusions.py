"""Files that are left out of the package."""

from pathlib import Path

import pytest

from infra.package import exclusions

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
    exclusions.remove_excluded(tree(tmp_path, name))
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
    exclusions.remove_excluded(tree(tmp_path, name))
    assert (tmp_path / name).exists()


def test_each_exclusion_is_documented() -> None:
    page = (ROOT / "docs" / "reference" / "package.md").read_text(encoding="utf-8")
    assert [each.name for each in exclusions.EXCLUSIONS if f"| {each.name} " not in page] == []
