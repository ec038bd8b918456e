"""XMP: what an XML parser, and Pillow as another reader of JPEG, find in sidecars and photos."""

import io
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from PIL import Image

from faunalens.cli.__main__ import run
from faunalens.errors import CommandError, Exit
from faunalens.exports.xmp import inside, packet, write_sidecars
from faunalens.words import rows_of
from tests.support.pictures import SYDNEY, encoded, exif, scene
from tests.support.studies import LION, answer, made_up, person, write_study
from tests.unit.faunalens.cli.test_copy import study_of

NAMES = {"rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#", "dc": "http://purl.org/dc/elements/1.1/"}


def keywords(xmp: str | bytes) -> list[str]:
    """The keywords. The parser wants neither the packet's frame nor its end."""
    return [item.text or "" for item in ET.fromstring(xmp).findall(".//dc:subject//rdf:li", NAMES)]  # noqa: S314, our own


def test_names_of_people_and_folders_cannot_break_the_xml_and_nothing_says_where_that_was(made: Path) -> None:
    # GIVEN sidecars of animals and folders of any name THEN all are XML, and keywords are as they were
    sidecars = {path.name.partition(".")[0]: path.read_bytes() for path in (made / "xmp").rglob("*.xmp")}
    found = {name: keywords(xmp) for name, xmp in sidecars.items()}
    assert (found["<b> & 'c'"][0], found["person"]) == ('<i> & "lion"', ["person"])
    assert not [name for name, xmp in sidecars.items() if b"36.7" in xmp]


def test_a_jpeg_has_the_keywords_inside_and_the_same_picture_and_exif(tmp_path: Path) -> None:
    # GIVEN a photo with EXIF, and with XMP of its camera
    before = encoded(scene(), "JPEG", exif=exif(SYDNEY), xmp=b"<x:xmpmeta>the camera's</x:xmpmeta>")
    with made_up(tmp_path, [("N/1.jpg", "2026-05-02 06:00:00", answer(LION))]) as study:
        xmp = packet(next(study.photos()))
    after = inside(inside(before, xmp), xmp)
    with Image.open(io.BytesIO(before)) as old, Image.open(io.BytesIO(after)) as new:
        assert new.tobytes() == old.tobytes()
        assert new.info["exif"] == old.info["exif"]
        assert "lion" in keywords(new.info["xmp"])
    # THEN there is one XMP
    assert after.count(b"http://ns.adobe.com/xap/1.0/\0") == 1


def test_sidecars_of_other_programs_stay(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    photos = [(f"N/{number}.jpg", f"2026-05-02 06:0{number}:00", answer(LION)) for number in (1, 2)]
    write_study(tmp_path / "study.db", photos)
    (tmp_path / "out" / "N").mkdir(parents=True)
    (tmp_path / "out" / "N" / "1.jpg.xmp").write_text("of darktable")
    for _ in range(2):
        assert run(["export", str(tmp_path / "study.db"), "--xmp", str(tmp_path / "out")]) == Exit.DONE
        assert "1 sidecar was made or changed by other programs" in capsys.readouterr().err
    assert (tmp_path / "out" / "N" / "1.jpg.xmp").read_text() == "of darktable"
    assert "lion" in keywords((tmp_path / "out" / "N" / "2.jpg.xmp").read_bytes())


@pytest.mark.parametrize("path", ["../1.jpg", "N/../../1.jpg", "/1.jpg"])
def test_no_sidecar_is_written_outside_of_the_folder(path: str, tmp_path: Path) -> None:
    # GIVEN a results file of a stranger with such a photo
    folder = tmp_path / "Two stations"
    folder.mkdir()
    photos = [(path, "2026-05-02 06:00:00", answer(LION))]
    with made_up(tmp_path, photos) as study, pytest.raises(CommandError, match="lies outside of"):
        write_sidecars(study, folder)
    assert not [*tmp_path.rglob("*.xmp")]


def test_copies_have_keywords_beside_or_inside(tmp_path: Path) -> None:
    # GIVEN a lion, and a person, who is blurred in copies
    photos = [("N/1.JPG", "2026-05-02 06:00:00", answer(LION)), ("N/2.JPG", None, answer(None, **person(0.9)))]
    folder = study_of(tmp_path, photos)
    originals = {path: path.read_bytes() for path in (folder / "Two stations" / "N").iterdir()}

    def copied(*options: str) -> dict[str, str]:
        assert run(["copy", str(folder / "study.db"), str(folder / "out"), *options]) == Exit.DONE
        return {row["new_path"]: row["how"] for row in rows_of(folder / "out" / "copied.csv")}

    beside = copied("--xmp", "beside")
    assert list(beside.values()) == ["link", "keywords", "blurred", "keywords"]
    assert "lion" in keywords((folder / "out" / list(beside)[1]).read_bytes())
    # WHEN they are wanted inside THEN a link is not one any more, and the sidecars go
    found = copied("--xmp", "inside")
    assert list(found.values()) == ["copy", "blurred"]
    for path, word in zip(found, ("lion", "person"), strict=True):
        with Image.open(folder / "out" / path) as image:
            assert word in keywords(image.info["xmp"])
    assert {path: path.read_bytes() for path in originals} == originals
