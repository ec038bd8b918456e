"""What people say about their study."""

from pathlib import Path

import pytest

from cli.errors import CommandError
from cli.exports.description import read_description


def test_a_file_of_an_editor_for_windows_is_read(tmp_path: Path) -> None:
    (tmp_path / "about.json").write_text('{"title": "Creek"}', encoding="utf-8-sig")
    assert read_description(tmp_path / "about.json", "").title == "Creek"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "cannot be read as JSON"),
        ("[]", "is no object"),
        ('{"who": 1}', "has who; expected"),
        ('{"contributors": "me"}', "contributors is not as in datapackage.json"),
        ('{"contributors": []}', "contributors is not as"),
        ('{"contributors": [{"role": "contact"}]}', "contributors is not as"),
        ('{"licenses": null}', "licenses is not as"),
        ('{"licenses": ["CC0-1.0"]}', "licenses is not as"),
        ('{"project": "Creek"}', "project is not as"),
    ],
)
def test_what_no_export_can_be_made_of_is_said(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "about.json").write_text(text)
    with pytest.raises(CommandError, match=message):
        read_description(tmp_path / "about.json", "")
