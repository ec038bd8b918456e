"""Rules name what to leave out; HEIC is the decoder alone."""

from pathlib import Path

import pytest
from click import ClickException

from infra.package import dependencies

ROOT = Path(__file__).parents[4]


def test_each_exclusion_is_documented() -> None:
    page = (ROOT / "docs" / "reference" / "package.md").read_text(encoding="utf-8")
    assert [each.name for each in dependencies.EXCLUSIONS if f"| {each.name} " not in page] == []


@pytest.mark.parametrize(("environment", "wanted"), [({}, True), ({"HEIC": "yes"}, True), ({"HEIC": "no"}, False)])
def test_the_package_reads_heic_unless_the_operator_says_no(environment: dict[str, str], wanted: bool) -> None:
    assert dependencies.is_wanted("HEIC", environment) is wanted
    with pytest.raises(ClickException, match="HEIC is 'off'; set it to yes or no"):
        dependencies.is_wanted("HEIC", {"HEIC": "off"})


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
