"""`faunalens import`, as its user runs it."""

from pathlib import Path
from unittest.mock import MagicMock

import pytest

from faunalens.cli.__main__ import run
from faunalens.study.results import ResultsFile
from faunalens.words import rows_of
from tests.support.studies import say, seen, write_study
from tests.unit.faunalens.conftest import Command

NAME = "TimelapseData.csv"
HEAD = "File,RelativePath,DateTime,DeleteFlag,Species,Count,Analyst\n"
TABLE = Path(__file__).with_name(NAME).read_text(encoding="utf-8").replace("THING", "\x1b[31mthing")


@pytest.fixture
def study(tmp_path: Path) -> Path:
    """A study of two stations, and labels of Timelapse for it."""
    write_study(tmp_path / "study.db")
    (tmp_path / NAME).write_text(TABLE)
    return tmp_path / "study.db"


def said(study: Path) -> dict[str, tuple[str, str, str]]:
    """Return what people say of each photo: who, the names or kinds, and numbers."""
    assert run(["export", str(study), "--csv", str(study.parent / "out.csv"), "--force"]) == 0
    rows = [row for row in rows_of(study.parent / "out.csv") if row["method"] == "human"]
    return {row["path"]: (row["classified_by"], row["name"] or row["kind"], row["count"]) for row in rows}


def test_labels_are_reviews(study: Path, command: Command) -> None:
    # WHEN labels are imported, twice
    err, _ = (command("import", study, study.parent / NAME, code=3) for _ in range(2))
    # THEN each photo has one opinion, with all that its rows say
    with ResultsFile(study, write=False) as results:
        assert len(list(results.rows("select distinct photo, reviewer, reviewed from review"))) == 3
    assert said(study) == {
        "N/IMG_0001.JPG": (f"imported from {NAME}", "lion | impala", "2 | 1"),
        "N/IMG_0003.JPG": ("A. Person", "blank", ""),
        "S/card/IMG_0001.JPG": ("A. Person", "goat \x1b[31mthing", ""),
    }
    # THEN what could not be taken is said, without obeying what it says
    assert "3 photos have labels now; the file says nothing of 1 photo" in err
    assert "1 labelled photo has no answer, and cannot be read; mount their card" in err
    assert "1 name is of no taxon that Faunalens knows, and kept as given: goat \\x1b[31mthing (1)" in err
    assert "not found in the study, or could be one of several there:\n  Two stations/N/IMG_0009.JPG" in err


def test_what_a_reviewer_has_said_since_stays(study: Path, command: Command) -> None:
    # GIVEN labels in a file, and what one of its reviewers has said since
    with ResultsFile(study, write=True) as results:
        say(results, "N/IMG_0003.JPG", seen("Panthera leo"), at="2999-01-01T00:00:00+00:00")
    # WHEN they are imported THEN the newer opinion stays, and it is said
    err = command("import", study, study.parent / NAME, code=3)
    assert "1 photo has a newer opinion of the same reviewer, which stays" in err
    assert said(study)["N/IMG_0003.JPG"] == ("A. Person", "lion", "")


def test_what_several_people_said_of_a_photo_is_not_more_than_all(study: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [f"IMG_0001.JPG,N,,,lion,,{who}" for who in "AB"]
    (study.parent / NAME).write_text("\n".join([HEAD.strip(), *rows]))
    shown = MagicMock()
    monkeypatch.setattr("faunalens.cli.importing.photo_progress", shown)
    assert run(["import", str(study), str(study.parent / NAME)]) == 0
    reach = shown.return_value.__enter__.return_value
    assert (shown.call_args.args, reach.call_args.args) == ((0, 2, "importing"), (2,))


@pytest.mark.parametrize("order", [1, -1])
def test_of_two_paths_that_may_mean_a_photo_the_nearer_one_does(study: Path, order: int) -> None:
    # GIVEN a label of a card that is not in the study, whose photo has a name that is unique in it
    rows = ["IMG_0003.JPG,W\\old,,,lion,,\n", "IMG_0003.JPG,N,,,impala,,\n"]
    (study.parent / NAME).write_text(HEAD + "".join(rows[::order]))
    assert run(["import", str(study), str(study.parent / NAME), "--reviewer", "B. Person"]) == 3
    assert said(study) == {"N/IMG_0003.JPG": ("B. Person", "impala", "")}


def test_folders_by_name_are_labels(study: Path) -> None:
    # GIVEN photos in folders by animal, one of them in a folder of the camera
    for path in ("sorted/red fox/100EK113/broken.JPG", "sorted/empty/IMG_0003.JPG", "sorted/IMG_0002.JPG"):
        (study.parent / path).parent.mkdir(parents=True, exist_ok=True)
        (study.parent / path).write_bytes(b"\xff\xd8")
    # WHEN they are imported THEN that has to be said
    arguments = ["import", str(study), str(study.parent / "sorted")]
    assert (run(arguments), run([*arguments, "--folders"])) == (1, 3)
    assert said(study) == {"N/IMG_0003.JPG": ("imported from sorted", "blank", "")}


@pytest.mark.parametrize(
    ("text", "options", "message"),
    [
        ("hello", (), "is neither a CSV of Timelapse"),
        (TABLE, ("--column", "animal=Tier"), "'animal=Tier' names no column; expected one of name, count"),
        ("File,RelativePath,Tier\na.JPG,N,x\n", (), "has no column for the animal, such as Species; say which it is"),
        (TABLE, ("--names", "ours"), "--names is for predictions as JSON"),
    ],
)
def test_what_is_no_file_of_labels_is_said(
    study: Path, text: str, options: tuple[str, ...], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (study.parent / NAME).write_text(text)
    assert run(["import", str(study), str(study.parent / NAME), *options]) in (1, 2)
    assert message in capsys.readouterr().err
