"""`faunalens export`: how exact the coordinates of each format are, and that each has a file of its own."""

from pathlib import Path

import pytest

from cli.__main__ import run
from cli.errors import Exit
from cli.words import rows_of
from tests.support.studies import write_study

SAID = "coordinates for others are rounded to 0.01°; --round-coordinates 0 leaves them exact"


@pytest.mark.parametrize(
    ("options", "csv", "package"),
    [
        ([], "-1.2345", "-1.23"),
        (["--round-coordinates", "0"], "-1.2345", "-1.2345"),
        (["--round-coordinates", "0.1"], "-1.2", "-1.2"),
    ],
)
def test_coordinates_for_others_are_rounded(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], options: list[str], csv: str, package: str
) -> None:
    write_study(tmp_path / "study.db")
    formats = ["--camtrap-dp", str(tmp_path / "package"), "--csv", str(tmp_path / "photos.csv")]
    assert run(["export", str(tmp_path / "study.db"), *formats, *options]) == Exit.DONE
    # THEN the spreadsheet, which is for oneself, is exact unless the command says otherwise; each is said
    assert rows_of(tmp_path / "photos.csv")[0]["latitude"] == csv
    assert rows_of(tmp_path / "package" / "deployments.csv")[0]["latitude"] == package
    assert (SAID in capsys.readouterr().err) == (not options)


@pytest.mark.parametrize("name", ["photos", "-"])
def test_no_format_overwrites_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    write_study(tmp_path / "study.db")
    monkeypatch.chdir(tmp_path)
    assert run(["export", "study.db", "--csv", name, "--coco", f"./{name}" if name != "-" else name]) == Exit.USAGE
    assert "two formats have the same name" in capsys.readouterr().err
    assert not Path(name).exists()
