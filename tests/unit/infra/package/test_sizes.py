"""Sizes of the package's parts and of the exclusions."""

import zipfile
from pathlib import Path

import pytest

from infra.package.__main__ import Size, exclusion_sizes, part_of, part_sizes

SITE = "python/lib/python3.13/site-packages/"


@pytest.mark.parametrize(
    ("name", "part"),
    [
        ("app.py", "faunalens"),
        ("__pycache__/app.cpython-313.pyc", "faunalens"),
        ("chalicelib/web/app.js", "faunalens"),
        ("chalice/app.py", "chalice"),
        ("model/faunalens.onnx", "model"),
        ("model/packs/birds.onnx", "pack birds"),
        ("model/packs/birds.csv", "model"),
        (f"{SITE}PIL/Image.py", "pillow"),
        (f"{SITE}pillow-13.0.0.dist-info/METADATA", "pillow"),
        (f"{SITE}psycopg2_binary.libs/libpq-a17e3caa.so.5.17", "psycopg2-binary"),
        (f"{SITE}_pillow_heif.cpython-313-x86_64-linux-gnu.so", "pillow-heif"),
        (f"{SITE}__pycache__/multipart.cpython-313.pyc", "multipart"),
    ],
)
def test_each_file_belongs_to_a_part(name: str, part: str) -> None:
    assert part_of(name) == part


def test_parts_are_added_up_the_largest_first(tmp_path: Path) -> None:
    # GIVEN two zips with three parts
    for name, entries in {
        "one": {"app.py": 10, "__pycache__/app.pyc": 20},
        "two": {"h3/a.so": 50, "redis/a.py": 1},
    }.items():
        with zipfile.ZipFile(tmp_path / name, "w") as archive:
            for entry, size in entries.items():
                archive.writestr(entry, b"x" * size)
    # WHEN they are measured THEN both sizes are equal, since these zips are not compressed
    found = part_sizes([tmp_path / "one", tmp_path / "two"])
    assert list(found.items()) == [("h3", Size(50, 50)), ("faunalens", Size(30, 30, 20)), ("redis", Size(1, 1))]


def test_a_file_of_two_exclusions_counts_once(tmp_path: Path) -> None:
    # GIVEN a type stub in a folder that another exclusion removes
    stub = tmp_path / "onnxruntime" / "tools" / "a.pyi"
    stub.parent.mkdir(parents=True)
    stub.write_bytes(b"x" * 1000)
    # THEN it counts for the earlier exclusion only
    assert {each.name: size.unpacked for each, size in exclusion_sizes(tmp_path).items() if size.unpacked} == {
        "onnxruntime tools": 1000
    }
