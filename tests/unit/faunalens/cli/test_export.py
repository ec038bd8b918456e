"""`faunalens export`: how exact coordinates are, and what people say of a study."""

from pathlib import Path

import pytest

from faunalens.cli.__main__ import run
from faunalens.errors import CommandError, Exit
from faunalens.exports.description import read_description
from faunalens.words import rows_of


@pytest.mark.parametrize(("degrees", "expected"), [("0", "-1.2345"), ("0.1", "-1.2")])
def test_coordinates_are_as_exact_as_is_wanted(
    study: Path, capsys: pytest.CaptureFixture[str], degrees: str, expected: str
) -> None:
    # GIVEN a format for others, which is rounded otherwise, and one for oneself
    package, csv = study.parent / "package", study.parent / "photos.csv"
    options = ["--camtrap-dp", str(package), "--csv", str(csv), "--round-coordinates", degrees]
    assert run(["export", str(study), *options]) == Exit.DONE
    assert {rows_of(each)[0]["latitude"] for each in (csv, package / "deployments.csv")} == {expected}
    assert "are rounded to" not in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "cannot be read as JSON"),
        ("[]", "is not an object"),
        ('{"who": 1}', "has who; expected"),
        ('{"contributors": "me"}', "contributors is not as in datapackage.json"),
        ('{"contributors": []}', "contributors is not as"),
        ('{"contributors": [{"role": "contact"}]}', "contributors is not as"),
        ('{"licenses": null}', "licenses is not as"),
        ('{"licenses": ["CC0-1.0"]}', "licenses is not as"),
        ('{"project": "Creek"}', "project is not as"),
    ],
)
def test_a_description_of_which_no_export_can_be_made_is_refused(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "about.json"
    path.write_text(text)
    with pytest.raises(CommandError, match=message):
        read_description(path, "")
    # THEN a file of an editor for Windows is read
    path.write_text('{"title": "Creek"}', encoding="utf-8-sig")
    assert read_description(path, "").title == "Creek"
