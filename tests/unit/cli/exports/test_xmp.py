"""XMP: what an XML parser, and Pillow as another reader of JPEG, find in sidecars and photos."""

import io
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from PIL import Image

from cli.__main__ import run
from cli.errors import CommandError, Exit
from cli.exports.xmp import inside, packet, write_sidecars
from cli.words import rows_of
from tests.support.pictures import SYDNEY, encoded, exif, scene
from tests.support.studies import DEER, IMPALA, LION, answer, made_up, write_study
from tests.unit.cli.copy.test_command import animal, person, study_of

NAMES = {
    "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    "dc": "http://purl.org/dc/elements/1.1/",
    "lr": "http://ns.adobe.com/lightroom/1.0/",
    "digiKam": "http://www.digikam.org/ns/1.0/",
    "mwg-rs": "http://www.metadataworkinggroup.com/schemas/regions/",
    "stArea": "http://ns.adobe.com/xmp/sType/Area#",
    "stDim": "http://ns.adobe.com/xap/1.0/sType/Dimensions#",
}


def xmp_of(tmp_path: Path, text: str, path: str = "N/1.jpg") -> str:
    with made_up(tmp_path, [(path, "2026-05-02 06:00:00", text)]) as study:
        return packet(next(study.photos()))


def parsed(xmp: str | bytes) -> ET.Element:
    return ET.fromstring(xmp)  # noqa: S314, our own


def listed(xmp: str | bytes, tag: str) -> list[str]:
    """The items of a property. The parser wants neither the packet's frame nor its end."""
    return [item.text or "" for item in parsed(xmp).findall(f".//{tag}//rdf:li", NAMES)]


def test_an_animal_has_its_names_flat_and_as_a_hierarchy(tmp_path: Path) -> None:
    xmp = xmp_of(tmp_path, answer(LION))
    ranks = ["Mammalia", "Carnivora", "Felidae", "Panthera", "Panthera leo"]
    assert listed(xmp, "dc:subject") == ["lion", *reversed(ranks)]
    assert listed(xmp, "lr:hierarchicalSubject") == ["|".join(ranks)]
    assert listed(xmp, "digiKam:TagsList") == ["/".join(ranks)]
    said = "lion (Panthera leo). north. 2026-05-02T06:00:00+03:00. Classified by tiny 123456789abc"
    assert listed(xmp, "dc:description") == [said]
    # THEN nothing says where that was
    assert "36.7" not in xmp


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (answer(None), ["empty"]),
        (answer(None, **person(0.9)), ["person"]),
        (answer(None, subject="vehicle"), ["vehicle"]),
        (answer(DEER), ["deer", "Cervidae", "Artiodactyla", "Mammalia"]),
    ],
)
def test_whatever_a_photo_shows_is_a_keyword(tmp_path: Path, text: str, words: list[str]) -> None:
    assert listed(xmp_of(tmp_path, text), "dc:subject") == words


def test_each_animal_has_a_region_around_its_middle_and_people_have_none(tmp_path: Path) -> None:
    more = person(0.9) | {"subject": "animal", "animals": [animal(0.1, LION), animal(0.6, IMPALA)]}
    root = parsed(xmp_of(tmp_path, answer(LION, **more)))
    regions = root.findall(".//mwg-rs:RegionList//rdf:Description", NAMES)
    assert [region.get(f"{{{NAMES['mwg-rs']}}}Name") for region in regions] == [
        "lion (Panthera leo)",
        "impala (Aepyceros melampus)",
    ]
    area = regions[0].find("mwg-rs:Area", NAMES)
    assert area is not None
    values = {name.rpartition("}")[2]: value for name, value in area.items()}
    assert values == {"unit": "normalized", "x": "0.20000", "y": "0.40000", "w": "0.20000", "h": "0.40000"}
    size = root.find(".//mwg-rs:AppliedToDimensions", NAMES)
    assert size is not None
    assert sorted(size.attrib.values()) == ["600", "800", "pixel"]


def test_names_of_people_and_folders_cannot_break_the_xml(tmp_path: Path) -> None:
    xmp = xmp_of(tmp_path, answer(('<i> & "lion"\x07', "Panthera leo", "species")), "<&>]]>/\x01'1.jpg")
    assert listed(xmp, "dc:subject")[0] == '<i> & "lion"'
    assert listed(xmp, "dc:description")[0].startswith('<i> & "lion" (Panthera leo). <&>]]>. ')


def test_a_jpeg_has_the_keywords_inside_and_the_same_picture_and_exif(tmp_path: Path) -> None:
    # GIVEN a photo with EXIF, and with XMP of its camera
    before = encoded(scene(), "JPEG", exif=exif(SYDNEY), xmp=b"<x:xmpmeta>the camera's</x:xmpmeta>")
    xmp = xmp_of(tmp_path, answer(LION))
    after = inside(inside(before, xmp), xmp)
    with Image.open(io.BytesIO(before)) as old, Image.open(io.BytesIO(after)) as new:
        assert new.tobytes() == old.tobytes()
        assert new.info["exif"] == old.info["exif"]
        assert "lion" in listed(new.info["xmp"], "dc:subject")
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
    assert "lion" in listed((tmp_path / "out" / "N" / "2.jpg.xmp").read_bytes(), "dc:subject")


def copied(folder: Path, *options: str) -> dict[str, dict[str, str]]:
    assert run(["copy", str(folder / "study.db"), str(folder / "out"), *options]) == Exit.DONE
    return {row["new_path"].rpartition("/")[2]: row for row in rows_of(folder / "out" / "copied.csv")}


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
    photos: list[tuple[str, str | None, Any]] = [
        ("N/1.JPG", "2026-05-02 06:00:00", answer(LION)),
        ("N/2.JPG", "2026-05-02 07:00:00", answer(None, **person(0.9))),
    ]
    folder = study_of(tmp_path, photos)
    originals = {path: (folder / "Two stations" / path).read_bytes() for path, *_ in photos}
    found = copied(folder, "--xmp", "beside")
    how = {name: row["how"] for name, row in found.items()}
    assert how == {
        "north_1.JPG": "link",
        "north_1.JPG.xmp": "keywords",
        "north_2.JPG": "blurred",
        "north_2.JPG.xmp": "keywords",
    }
    sidecar = folder / "out" / found["north_1.JPG.xmp"]["new_path"]
    assert "lion" in listed(sidecar.read_bytes(), "dc:subject")
    # WHEN they are wanted inside, a link is not one any more, and the sidecars go
    found = copied(folder, "--xmp", "inside")
    assert {name: row["how"] for name, row in found.items()} == {"north_1.JPG": "copy", "north_2.JPG": "blurred"}
    for row, word in zip(found.values(), ("lion", "person"), strict=True):
        with Image.open(folder / "out" / row["new_path"]) as image:
            assert word in listed(image.info["xmp"], "dc:subject")
    assert {path: (folder / "Two stations" / path).read_bytes() for path, *_ in photos} == originals
    # AND without the option, they have none
    assert copied(folder)["north_1.JPG"]["how"] == "link"
