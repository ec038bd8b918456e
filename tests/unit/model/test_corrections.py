"""Two versions on photos of which people have said what they show: which is worse, and by more than noise."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from chalicelib.location import cell_of, text_of
from model import evaluate
from model.corrections import NOISE, Verdict, counted, grade
from tests.support import tiny_model
from tests.support.pictures import encoded
from tests.unit.chalicelib.model.tiny_head import write_head

RED, GREEN = (250, 10, 10), (10, 250, 10)
FOX = ("Chordata", "Mammalia", "Carnivora", "Canidae", "Vulpes", "Vulpes vulpes")
REVIEWS = "path,kind,name,scientific_name,method,classified_by,event\n"


@pytest.mark.parametrize(
    ("named", "truth", "expected"),
    [(FOX, FOX[:4], 4), (FOX[:4], FOX, 4), ((*FOX[:4], "Canis"), FOX, -1), ((), FOX, 0), ((), (), 1), (FOX, (), -1)],
)
def test_grades_of_answers(named: tuple[str, ...], truth: tuple[str, ...], expected: int) -> None:
    assert grade(named, truth) == expected


@given(st.integers(0, 400), st.integers(0, 400))
def test_equally_good_versions_are_rarely_called_worse(better: int, worse: int) -> None:
    # GIVEN any counts THEN the chance is a probability, and both directions share the middle outcome
    one, other = Verdict(better, worse, 0), Verdict(worse, better, 0)
    assert 0 <= one.chance <= 1 <= one.chance + other.chance
    # AND no pair of counts is worse in both directions
    assert not (one.is_worse and other.is_worse)
    assert one.is_worse == (worse > better and one.chance < NOISE)


def version(folder: Path, *renamed: tuple[str, str]) -> str:
    """Return the settings of a small model that sees colours. `renamed`: what it calls otherwise."""
    folder.mkdir()
    path = tiny_model.write(folder, tiny_model.tiny_model())
    for name in ("labels.csv", "taxa.csv"):
        text = path.with_name(name).read_text()
        for old, new in renamed:
            text = text.replace(old, new)
        path.with_name(name).write_text(text)
    return f"MODEL_PATH={path} SECOND_LOOK=false ANIMAL_THRESHOLD=0.1"


def photos(folder: Path, **colours: tuple[int, int, int]) -> None:
    for name, colour in colours.items():
        (folder / f"{name}.jpg").write_bytes(encoded(Image.new("RGB", (64, 64), colour), "PNG"))


def versions(folder: Path) -> tuple[str, str]:
    """Return two versions, of which the second calls the fox of a photo a jackal."""
    photos(folder, red=RED)
    return version(folder / "live"), version(folder / "new", ("Vulpes", "Lupulella"))


def run(folder: Path, text: str, live: str, new: str, *more: str) -> int:
    file = folder / "said.csv"
    file.write_text(text)
    arguments = ["--corrections", str(file), "--photos", str(folder), "--live", live, "--new", new, *more]
    return evaluate.main(arguments)


def reviews(count: int, scientific_name: str, name: str = "red fox", path: str = "red.jpg") -> str:
    rows = (f"{path},animal,{name},{scientific_name},human,anna,{number}\n" for number in range(count))
    return REVIEWS + "".join(rows)


def test_a_version_that_is_wrong_where_the_live_one_was_right_is_worse(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    # GIVEN seven reviews of foxes, which the new version calls a jackal
    live, new = versions(tmp_path)
    # WHEN they are compared THEN the new one is worse, and the lines say on what and by whom
    assert run(tmp_path, reviews(7, "Vulpes vulpes"), live, new) == 1
    said = capsys.readouterr().out
    assert "7 photos (reviews by anna: 7)" in said
    assert "better about 0, worse about 7, the same about 0" in said
    assert "\nworse by more than noise: p = 0.0078" in said
    assert "red.jpg: Vulpes vulpes, was Vulpes" in said
    # AND the gate of a release can read that
    out = tmp_path / "verdict.json"
    assert run(tmp_path, reviews(7, "Vulpes vulpes"), live, new, "--out", str(out)) == 1
    kept = json.loads(out.read_text())
    assert (kept["is_worse"], kept["worse"], len(kept["live"]), len(kept["new"])) == (True, 7, 12, 12)
    # AND the other way round it is better
    assert run(tmp_path, reviews(7, "Vulpes vulpes"), new, live) == 0
    assert "better about 7, worse about 0" in capsys.readouterr().out
    # AND four are noise
    assert run(tmp_path, reviews(4, "Vulpes vulpes"), live, new) == 0
    assert "not worse by more than noise: p = 0.0625" in capsys.readouterr().out


def test_corrections_of_the_page_count_by_the_words_typed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    # GIVEN corrections: a name that is known, one by its genus, one that is not, and one without a picture
    photos(tmp_path, aaa=RED, bbb=RED, ccc=GREEN)
    rows = ["/r/aaa,Hyla arborea,Red Fox", "/r/bbb,dog,Vulpes lagopus", "/r/ccc,dog,'=drop bear", "/r/ddd,dog,red fox"]
    text = "created,result,answered,animal\n" + "".join(f"2026-11-02T10:00:00,{row}\n" for row in rows)
    both = version(tmp_path / "both")
    assert run(tmp_path, text, both, both) == 0
    said = capsys.readouterr().out
    assert "2 photos (corrections: 2)" in said
    assert "the same about 2" in said
    assert "left out 1: no version knows =drop bear" in said
    assert "left out 1: the photo cannot be read" in said


def test_a_relative_that_no_version_can_name_counts_by_what_includes_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    # GIVEN a photo of a fox that only the table of relatives has, which the new version calls a jackal
    live, new = versions(tmp_path)
    header = "number,taxon,scientific_name,name,genus,family,order,class\n"
    row = "1,vulpes-bengalensis,Vulpes bengalensis,Bengal fox,Vulpes,Canidae,Carnivora,Mammalia\n"
    (tmp_path / "live" / "relatives.csv").write_text(header + row)
    # THEN both are wrong about its species, and the one that stops at its genus or above is better
    assert run(tmp_path, reviews(1, "", "Bengal fox"), live, new) == 0
    assert "left out" not in capsys.readouterr().out


def test_of_an_event_one_photo_counts_by_what_people_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    # GIVEN a burst, a photo of two animals, one that no person has seen, an empty one and an unclear one
    photos(tmp_path, red=RED)
    text = REVIEWS + (
        "red.jpg,animal,red fox,Vulpes vulpes,human,anna,1\n" * 3
        + "red.jpg,animal | animal,red fox | dog,Vulpes vulpes | Canis familiaris,human,anna,2\n"
        + "red.jpg,animal,red fox,Vulpes vulpes,machine,faunalens,3\n"
        + "red.jpg,blank,,,human,ben,4\n"
        + "red.jpg,unknown,,,human,ben,5\n"
    )
    both = version(tmp_path / "both")
    assert run(tmp_path, text, both, both) == 0
    assert "2 photos (reviews by anna: 1, reviews by ben: 1)" in capsys.readouterr().out


def test_progress_comes_by_the_time_that_photos_take(capsys: pytest.CaptureFixture[str]) -> None:
    # GIVEN photos that take half a second each, the last one longer
    times = iter([0.0, 0.5, 1.0, 1.5, 2.0, 2.5, 9.0])
    # WHEN they are counted THEN there is a line for the first, and one for each two seconds or more
    assert list(counted("abcdefg", lambda: next(times))) == list("abcdefg")
    assert capsys.readouterr().err.splitlines() == ["photo 0 of 7", "photo 4 of 7", "photo 6 of 7"]


@pytest.mark.parametrize(
    ("text", "changes", "message"),
    [
        ("a,b\n1,2\n", "", "expected corrections (`python -m faunalens.web corrections`) or reviews"),
        (REVIEWS, "PRIOR_FLOOR", "expected NAME=VALUE, such as PRIOR_FLOOR=0.01"),
        (REVIEWS, "MODELPATH=x.onnx", "MODELPATH is no setting; docs/reference/settings.md lists them"),
        # a folder without the photos
        (reviews(7, "Vulpes vulpes"), "", "no photo could be compared; check --photos"),
    ],
)
def test_what_cannot_be_compared_is_an_error_and_no_verdict(
    tmp_path: Path, text: str, changes: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    both, out = version(tmp_path / "both"), tmp_path / "verdict.json"
    assert run(tmp_path, text, both, changes or both, "--out", str(out)) == 2
    assert message in capsys.readouterr().err
    assert not out.exists()


def test_heads_of_places_are_said_to_be_left_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    # GIVEN a new version with heads for one country, for everywhere, and for one cell
    photos(tmp_path, red=RED)
    both = version(tmp_path / "both")
    model = next((tmp_path / "both").rglob("*.onnx"))
    write_head(tmp_path / "packs", model, 'areas = ["US"]\n', name="garden")
    write_head(tmp_path / "packs", model, name="anywhere")
    write_head(tmp_path / "packs", model, f'cells = ["{text_of(cell_of(-33.9, 151.2))}"]\n', name="harbour")
    said, new = reviews(1, "Vulpes vulpes"), f"{both} PACKS_PATH={tmp_path / 'packs'}"
    # WHEN versions are compared, by photos without a place THEN that says nothing about those for places
    assert run(tmp_path, said, both, new) == 0
    assert "not compared: garden, harbour, each for certain places only" in capsys.readouterr().out
    # WHEN the study says where the photos were taken THEN the head for that place is compared
    placed = said.replace(",event\n", ",event,latitude,longitude\n").replace(",0\n", ",0,-33.9,151.2\n")
    assert run(tmp_path, placed, both, new) == 0
    assert "not compared: garden, each for certain places only" in capsys.readouterr().out
    # AND so is one for the whole country
    assert run(tmp_path, placed.replace("-33.9,151.2", "40.0,-100.0"), both, new) == 0
    assert "not compared: harbour, each for certain places only" in capsys.readouterr().out
