"""A study with every kind of photo, and what the commands make of it."""

from collections.abc import Mapping
from contextlib import redirect_stderr
from io import StringIO
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest

from faunalens.cli.__main__ import run
from faunalens.errors import Exit
from faunalens.study.finding import Observation
from faunalens.study.results import ResultsFile
from tests.support import studies
from tests.support.pictures import jpeg
from tests.support.studies import DEER, IMPALA, LION, MAMMAL, animal, answer, box, boxes, film, seen, taxon

ABOUT = str(Path(__file__).with_name("about.json"))
A_PERSON = answer(None, subject="person", people=boxes(box(0.7, 0.6), box(0.1, 0.8)))
EVERYTHING: dict[str, Any] = {
    "animals": [animal(0.1, IMPALA), animal(0.4, None), animal(0.5, LION), animal(0.6, LION, 0.3)],
    "people": boxes(box(0.7)),
    "vehicles": boxes(box(0.2)),
}
FENCE = {"country": "KEN", "taxon": "impala", "excludes": True}
MODEL = {"name": "tiny", "version": "1", "packs": [{"name": "birds", "version": "2"}]}
OTHERS = [{"by": "net 4", "kind": "animal", "score": 0.5, **taxon(who, geofence=FENCE)} for who in (LION, IMPALA)]
MORE: Mapping[str, str | None] = {
    "boxes.JPG": answer(IMPALA, subject="animal", **EVERYTHING),
    "accepted.JPG": answer(IMPALA, subject="animal", **EVERYTHING),
    "no box.JPG": answer(IMPALA, subject="animal", animals=[], people=boxes(box(0.7))),
    "wide.JPG": answer(MAMMAL, 0.9, [(IMPALA, 0.2)], subject="animal", perhaps=[taxon(DEER, score=0.6, members=[])]),
    "no name.JPG": answer(None, subject="animal", animal_probability=0.4),
    "unclear.JPG": answer(None, subject="unclear", animal_probability=0.4),
    "person.JPG": A_PERSON,
    "vehicle.JPG": answer(None, subject="vehicle"),
    "film.MP4": film(answer(LION, subject="animal", animals=[animal(0.1, LION)]), A_PERSON, answer(LION)),
    "empty.AVI": film(answer(None)),
    "broken.mov": None,
    "others.JPG": answer(IMPALA, others=OTHERS, model=MODEL),
    "family.JPG": answer(("trogon", "Trogonidae", "family")),
    "order.JPG": answer(("trogon", "Trogoniformes", "order")),
    "breed.JPG": answer(("poodle", "Canis familiaris", "breed")),
    "<b> & 'c'.JPG": answer(('<i> & "lion"\x07', *LION[1:])),
    "deer.JPG": answer(IMPALA, 0.6),
    "typed.JPG": answer(IMPALA, 0.6),
    "seen.MP4": film(answer(LION)),
    "said to be blank.JPG": answer(None, subject="unclear", animal_probability=0.4),
    "said to be unclear.JPG": answer(None, subject="animal", animal_probability=0.4),
    "relative.JPG": answer(LION),
}
TRAITS = {"sex": "female", "life_stage": "adult", "behavior": "vigilance", "note": "limps & <eats>"}
DOE = Observation("animal", *DEER, count=1, **TRAITS)
FAWNS = Observation("animal", *DEER, count=2, life_stage="juvenile", behavior="running")


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the study, and with all that is made of it."""
    folder = tmp_path_factory.mktemp("study")
    photos = [(f"N/{name}", f"2026-05-{day:02} 06:00:00", text) for day, (name, text) in enumerate(MORE.items(), 3)]
    burst = [(f"N/burst {n}.JPG", f"2026-05-02 23:00:{n}0", answer(who, 0.95)) for n, who in enumerate((IMPALA, LION))]
    burst.append(("N/burst 2.MP4", "2026-05-02 23:00:20", film(answer(LION))))
    studies.write_study(folder / "study.db", [*studies.PHOTOS, *burst, *photos])
    with ResultsFile(folder / "study.db", write=True) as results:
        studies.say(results, "N/accepted.JPG")
        studies.say(results, "N/deer.JPG", DOE, FAWNS)
        studies.say(results, "N/deer.JPG", Observation("blank"), reviewer="B. <Other>", at="2026-05-31")
        for who in ("A. Person", "B. <Other>"):
            studies.say(results, "N/typed.JPG", Observation("animal", "olingo, <new>"), reviewer=who)
        studies.say(results, "N/seen.MP4", Observation("human"), Observation("animal", *LION))
        studies.say(results, "N/said to be blank.JPG", Observation("blank"))
        studies.say(results, "N/said to be unclear.JPG", Observation("unknown"))
        studies.say(results, "N/relative.JPG", seen("Ailurus styani"))
    (folder / "Two stations" / "N").mkdir(parents=True)
    (folder / "Two stations" / studies.PHOTOS[0][0]).write_bytes(jpeg())
    commands = (
        ("export", "--csv", "csv/photos.csv", "--megadetector", "megadetector/md.json", "--xmp", "xmp"),
        ("export", "--camtrap-dp", "camtrap_dp", "--dwca", "dwca.zip", "--file-times", "--metadata", ABOUT),
        ("export", "--coco", "coco/coco.json", "--metadata", ABOUT, "--round-coordinates", "0.1"),
        ("report", "--html", "report/report.html"),
        ("tables", "tables", "--include", "people", "--include", "blank", "--metadata", ABOUT),
    )
    with pytest.MonkeyPatch.context() as monkeypatch, redirect_stderr(StringIO()) as said:
        monkeypatch.chdir(folder)
        for command, *options in commands:
            assert run([command, "study.db", *options]) == Exit.DONE
    with ZipFile(folder / "dwca.zip") as archive:
        archive.extractall(folder / "dwca")
    (folder / "said").mkdir()
    (folder / "said" / "said.txt").write_text(said.getvalue())
    return folder
