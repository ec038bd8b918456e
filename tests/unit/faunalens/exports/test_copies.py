"""Names that all file systems allow, and a table that survives a kill."""

from ntpath import isreserved
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from faunalens.errors import CommandError
from faunalens.exports.copies import LONGEST, TABLE, Copies, Copy, safe
from faunalens.words import rows_of

ROW = Copy("N/1.jpg", "lion/north_1.jpg", "animal", "lion", "Panthera leo", "tiny", "link")


def put(folder: Path, row: Copy = ROW, text: str = "photo", *, force: bool = False) -> Copies:
    def make(target: Path) -> str:
        target.write_text(text)
        return row.how

    copies = Copies(folder, folder.parent, force=force)
    copies.put(row, make)
    return copies


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_a_safe_name_is_one_on_windows_too(name: str) -> None:
    found = safe(name)
    assert found
    assert not set(found) & set('<>:"/\\|?*\0\n')
    assert found[-1] not in " ."
    assert not isreserved(found)
    assert len(found.encode()) <= LONGEST + 1


def test_photos_of_one_name_get_two(tmp_path: Path) -> None:
    assert safe("ü" * 99 + "1") != safe("ü" * 99 + "2")
    copies = Copies(put(tmp_path).folder, tmp_path)
    # THEN the one that has the name keeps it, and another one gets a number, also where case is one
    assert copies.place("N/1.jpg", "lion", "north_1", ".jpg") == "lion/north_1.jpg"
    assert copies.place("N/1.jpg", "Lion", "north_1", ".JPG") == "lion/north_1.jpg"
    assert copies.place("M/1.jpg", "lion", "North_1", ".JPG") == "lion/North_1-2b4ff6e4.JPG"


def test_what_was_killed_while_it_was_made_is_made_again(tmp_path: Path) -> None:
    # GIVEN a run that was killed after it wrote a row, and before the file was whole
    put(tmp_path)
    lines = (tmp_path / TABLE).read_text().splitlines()
    (tmp_path / TABLE).write_text("\n".join(lines[:2]) + '\nN/2.jpg,"lion, or no')
    (tmp_path / ROW.new_path).write_text("ph")
    # THEN the next one takes the file for its own
    copies = put(tmp_path)
    assert (tmp_path / ROW.new_path).read_text() == "photo"
    copies.finish()
    assert [row["bytes"] for row in rows_of(tmp_path / TABLE)] == ["5"]


def test_files_of_others_are_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / TABLE).write_text("a,b\n1,2\n")
    with pytest.raises(CommandError, match="is not a table of copies"):
        Copies(tmp_path, tmp_path)
    assert (tmp_path / TABLE).read_text() == "a,b\n1,2\n"
    (tmp_path / TABLE).unlink()
    (tmp_path / "lion").mkdir()
    (tmp_path / ROW.new_path).write_text("mine")
    with pytest.raises(CommandError, match="was not made by this command; choose another folder"):
        put(tmp_path)
    assert put(tmp_path, force=True).counts == {"link": 1}
    # AND what someone changed since stays too, also if its photo is there and belongs elsewhere now
    (tmp_path / ROW.new_path).write_text("retouched")
    (tmp_path / ROW.path).parent.mkdir(parents=True)
    (tmp_path / ROW.path).touch()
    assert put(tmp_path).counts == {"changed": 1}
    Copies(tmp_path, tmp_path).finish()
    assert (tmp_path / ROW.new_path).read_text() == "retouched"


def test_a_row_that_leads_out_of_the_folder_is_not_read(tmp_path: Path) -> None:
    # GIVEN a table that was made to have a file deleted
    put(tmp_path / "out")
    for evil in ("../victim.txt", str(tmp_path / "victim.txt")):
        (tmp_path / "victim.txt").write_text("12345")
        with (tmp_path / "out" / TABLE).open("a") as file:
            file.write(f"victim.txt,{evil},animal,a,b,c,copy,5,\n")
        Copies(tmp_path / "out", tmp_path).finish()
        assert (tmp_path / "victim.txt").exists()


def test_a_copy_that_is_the_last_of_its_photo_stays(tmp_path: Path) -> None:
    put(tmp_path / "out", ROW._replace(path="gone.jpg"))
    put(tmp_path / "out", ROW._replace(path="there.jpg", new_path="lion/two.jpg"))
    (tmp_path / "there.jpg").touch()
    Copies(tmp_path / "out", tmp_path).finish()
    assert [row["path"] for row in rows_of(tmp_path / "out" / TABLE)] == ["gone.jpg"]
    assert [path.name for path in (tmp_path / "out" / "lion").iterdir()] == ["north_1.jpg"]


def test_a_name_that_a_spreadsheet_would_compute_is_read_as_it_was(tmp_path: Path) -> None:
    row = ROW._replace(path="=1+1/1.jpg", new_path="=lion/1.jpg")
    put(tmp_path, row)
    assert put(tmp_path, row).counts == {"there": 1}
    assert rows_of(tmp_path / TABLE)[-1]["path"] == "'=1+1/1.jpg"
