"""The table of deployments: which photos belong to which, and faults that are named."""

from pathlib import Path

import pytest

from cli.deployments import Deployments, read_deployments
from cli.errors import CommandError
from cli.results.row import Place

HEAD = "deploymentID,folder,latitude,longitude,deploymentStart,deploymentEnd,timezone\n"


def read(tmp_path: Path, text: str) -> Deployments:
    path = tmp_path / "deployments.csv"
    path.write_text(text, encoding="utf-8")
    return read_deployments(path)


def test_a_photo_belongs_to_the_innermost_folder(tmp_path: Path) -> None:
    table = read(tmp_path, f"\ufeff{HEAD}a,R13,1,2,,,\nb,R13/second card/,3.5,-4,,,UTC\nc,,5,6,,,\n")
    assert table.of("R13/first card/IMG_1.JPG") == "a"
    assert table.of("R13/second card/100/IMG_1.JPG") == "b"
    assert table.place_of("b") == Place("given", 3.5, -4.0)
    # THEN a deployment without a folder has those of its own name
    assert table.of("cards/c/IMG_1.JPG") == "c"
    # THEN names only match as wholes, and the name of a photo is none
    assert table.of("R130/IMG_1.JPG") is None
    assert table.of("c") is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("deploymentID,latitude\n", "has no column longitude"),
        (f"{HEAD}a,f,91,2,,,\n", "line 2: latitude is '91'"),
        (f"{HEAD}a,f,1,2,,,\nb,g,one,2,,,\n", "line 3: latitude is 'one'"),
        (f"{HEAD},f,1,2,,,\n", "deploymentID is empty"),
        (f"{HEAD}a,f,1,2\n", "as many fields as columns"),
        (f"{HEAD}a,f,1,2,,,Mars\n", "'Mars' is no time zone"),
        (f"{HEAD}a,f,1,2,2026-01-01T00:00:00,,UTC\n", "is no time with a zone"),
        (f"{HEAD}a,f,1,2,2026-01-02T00:00:00Z,2026-01-01T00:00:00Z,UTC\n", "deploymentEnd is before"),
        (f"{HEAD}a,f,1,2,,,\na,g,1,2,,,\n", "has the deploymentID 'a' twice"),
        (f"{HEAD}a,f,1,2,,,\nb,f/,1,2,,,\n", "has the folder 'f' twice"),
    ],
)
def test_a_fault_is_named_with_its_line(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(CommandError, match=message):
        read(tmp_path, text)
