"""What the build of the image lacks, and the files of the image: what is taken from the base, with its links."""

import sysconfig
from pathlib import Path

import pytest

from chalicelib.config.settings import ROOT
from infra.image import build, root
from infra.step import PreconditionFailed

OF_THE_BUILD = {"activations.csv", "camera_traps_activations.csv", "temperature.json"}
"""Tables of which model/build.py and model/build_packs.py make the models."""


def test_without_buildah_the_message_says_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(PreconditionFailed, match="apt-get install buildah"):
        build(tmp_path / "image", print)


def test_a_file_is_copied_with_every_link_on_the_way_to_it(tmp_path: Path) -> None:
    # GIVEN a library that a link in a linked folder names
    base, out = tmp_path / "base", tmp_path / "out"
    (base / "usr/lib").mkdir(parents=True)
    (base / "usr/lib/libm.so.6.1").write_text("library", encoding="ascii")
    (base / "usr/lib/libm.so.6").symlink_to("libm.so.6.1")
    (base / "lib").symlink_to("usr/lib")
    # WHEN it is copied
    root.copy(base / "lib/libm.so.6", out)
    # THEN all of this is below the same path
    copied = out / base.relative_to("/")
    assert (copied / "lib").readlink() == Path("usr/lib")
    assert (copied / "usr/lib/libm.so.6").readlink() == Path("libm.so.6.1")
    assert (copied / "lib/libm.so.6").read_text(encoding="ascii") == "library"
    # AND again without harm
    root.copy(base / "lib/libm.so.6", out)


def test_the_standard_library_has_what_a_server_needs_and_no_more() -> None:
    folder = Path(sysconfig.get_path("stdlib"))
    names = {path.relative_to(folder).as_posix() for path in root.standard_library(folder)}
    assert {"asyncio/base_events.py", "ssl.py", "json/decoder.py"} <= names
    assert not {name for name in names if name.startswith(("site-packages/", "test/", "unittest/", "sqlite3/"))}
    assert not {name for name in names if name.endswith(".pyc")}


def test_every_table_of_the_model_is_in_the_image_and_in_the_package_for_lambda() -> None:
    # GIVEN the tables beside the model THEN each is copied into the image, and Chalice packs what vendor/model links
    tables = {path.name for path in (ROOT / "model").iterdir() if path.suffix in (".csv", ".json")} - OF_THE_BUILD
    assert tables == set(root.MODEL_TABLES)
    links = {path.name: path.readlink() for path in (ROOT / "vendor" / "model").iterdir()}
    assert links == {name: Path("../../model") / name for name in ("faunalens.onnx", *tables, "packs")}
