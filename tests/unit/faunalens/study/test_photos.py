"""Finding photos."""

import errno
import io
import ntpath
import os
from collections import Counter
from pathlib import Path
from unittest.mock import Mock

import pytest
from PIL import Image

from faunalens.errors import CommandError
from faunalens.study.photos import expand, root_of, thumbnail, walk
from tests.support.videos import write_video


@pytest.fixture
def card(tmp_path: Path) -> Path:
    """A memory card, with what else lies on one."""
    for name in ("b/IMG_2.JPG", "a/IMG_1.jpeg", "a/.hidden.jpg", ".Trashes/x.jpg", "a/notes.txt", "IMG_3.heic"):
        path = tmp_path / "card" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return tmp_path / "card"


def test_a_folder_has_the_photos_of_all_its_folders_and_no_bins_and_small_copies(card: Path) -> None:
    # GIVEN what Windows or a NAS adds to a card
    for folder in ("$RECYCLE.BIN/S-1-5", "a/@eaDir/IMG_1.jpeg", "#recycle", "System Volume Information"):
        (card / folder).mkdir(parents=True)
        (card / folder / "SYNOPHOTO_THUMB_XL.jpg").touch()
        # THEN it is left alone, unless somebody names it
        assert len(list(walk(card / folder))) == 1
    found = [Path(each).relative_to(card).as_posix() for each in walk(card)]
    assert found == ["IMG_3.heic", "a/IMG_1.jpeg", "b/IMG_2.JPG"]
    assert list(walk(card / "a" / "notes.txt")) == [card / "a" / "notes.txt"]


def test_raw_photos_are_counted_and_videos_without_pyav(card: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("a/IMG_4.AVI", "b/IMG_5.avi", "IMG_6.CR2", "a/.IMG_7.avi"):
        (card / name).touch()
    for has_pyav, found, counted in ((False, 3, {".avi": 2, ".cr2": 1}), (True, 5, {".cr2": 1})):
        monkeypatch.setattr("faunalens.study.photos.can_read", lambda has_pyav=has_pyav: has_pyav)
        left_out = Counter[str]()
        assert (len(list(walk(card, left_out))), left_out) == (found, counted)


def test_a_video_without_such_a_frame_has_no_thumbnail(card: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_video(card / "film.mp4", [Image.new("RGB", (64, 48))] * 20)
    assert [bool(thumbnail(card / "film.mp4", 32, seconds)) for seconds in (0.0, 99.0)] == [True, False]
    monkeypatch.setattr("faunalens.study.photos.can_read", lambda: False)
    assert thumbnail(card / "film.mp4", 32) is None


def test_patterns_and_lists_name_photos(card: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # GIVEN a list with a name that is not text
    name = os.fsencode(card) + b"/M\xfcller.jpg"
    strange = Path(os.fsdecode(name))
    strange.touch()
    listed = f"{card}/IMG_3.heic\n\n{card}/b\n".encode() + name + b"\n"
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(listed), encoding="utf-8"))
    expected = [card / "a" / "IMG_1.jpeg", card / "b" / "IMG_2.JPG", card / "IMG_3.heic", card / "b", strange]
    assert expand([f"{card}/*/IMG*", "-"]) == expected
    for pattern in ("missing.jpg", "missing*.jpg"):
        with pytest.raises(CommandError, match="missing"):
            expand([f"{card}/{pattern}"])


def test_a_folder_that_cannot_be_read_does_not_hide_the_others(card: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # GIVEN a card with a folder that belongs to another user
    real, denied = os.scandir, Mock(side_effect=PermissionError(errno.EACCES, "Permission denied"))
    monkeypatch.setattr("os.scandir", lambda path: denied() if path.name == "a" else real(path))
    # THEN it is listed, and the photos of the others are found
    closed: list[str] = []
    found = [Path(each).name for each in walk(card, closed=closed)]
    assert (found, closed) == (["IMG_3.heic", "IMG_2.JPG"], [str(card / "a")])
    # THEN a folder that was named itself is an error
    with pytest.raises(CommandError, match="Permission denied"):
        list(walk(card / "a", closed=closed))


def test_photos_are_named_below_their_folder(card: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for paths in ([card], [card / "a", card / "b" / "IMG_2.JPG"], [card / "IMG_3.heic"]):
        assert root_of(paths) == card
    assert root_of([]) == Path(os.getcwd())  # noqa: PTH109
    # THEN those on several drives are no study
    monkeypatch.setattr(os, "path", ntpath)
    with pytest.raises(CommandError, match="the photos are on several drives"):
        root_of([Path("C:/card/a.jpg"), Path("D:/card/a.jpg")])
