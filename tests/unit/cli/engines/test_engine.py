"""One task: what is wrong with a photo is its outcome."""

from pathlib import Path
from zlib import crc32

import pytest
from PIL.ExifTags import IFD, Base

from chalicelib.config.settings import PhotoLimits
from chalicelib.errors import ModelError
from chalicelib.photo.photos import PhotoFacts
from cli.engines.engine import Identified, Refused, work
from cli.place import EXIF, Place
from cli.results import Task
from testing.pictures import SYDNEY, exif, jpeg

PHOTO = jpeg(exif=exif(SYDNEY))


class Scripted:
    """An engine that answers, or fails as prepared."""

    def __init__(self, error: Exception | None = None, mode: str = "narrowed") -> None:
        self._error, self._mode = error, mode
        self.asked, self.shift = 0, 0.0

    def identify(self, data: bytes, place: Place, shift: float = 0.0) -> Identified:
        self.asked += 1
        self.shift = shift
        if self._error:
            raise self._error
        facts = PhotoFacts.read(data, PhotoLimits())
        assert facts is not None
        return Identified(f'{{"place": "{place.text}"}}', self._mode, facts)


def task(place: Place = EXIF, checksum: int | None = None) -> Task:
    return Task(1, "a/b.jpg", place, checksum)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A folder with one photo."""
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "b.jpg").write_bytes(PHOTO)
    return tmp_path


def test_place_and_clock_that_are_given_count(root: Path) -> None:
    engine = Scripted()
    outcome = work(task(Place("given", 1.5, 2.5))._replace(shift=-60.0), root, engine)
    assert (outcome.facts.latitude, outcome.facts.longitude, engine.shift) == (1.5, 2.5, -60.0)


def test_an_answer_comes_with_what_the_photo_says(root: Path) -> None:
    outcome = work(task(), root, Scripted())
    assert (outcome.state, outcome.answer, outcome.code) == ("done", '{"place": "exif"}', None)
    assert (outcome.size, outcome.checksum) == (len(PHOTO), crc32(PHOTO))
    assert (outcome.facts.width, outcome.facts.height) == (400, 300)
    assert outcome.facts.latitude == pytest.approx(-33.8688, abs=1e-4)
    assert outcome.facts.taken is None


def test_the_offset_of_the_clock_is_kept(root: Path) -> None:
    tags = exif(taken="2026:05:02 06:00:00")
    tags.get_ifd(IFD.Exif)[Base.OffsetTimeOriginal] = "+03:00"
    (root / "a" / "b.jpg").write_bytes(jpeg(exif=tags))
    assert work(task(), root, Scripted()).facts.taken == "2026-05-02 06:00:00+03:00"


def test_the_same_bytes_are_not_identified_again(root: Path) -> None:
    engine = Scripted()
    assert work(task(checksum=crc32(PHOTO)), root, engine).state == "touched"
    assert engine.asked == 0
    assert work(task(checksum=1), root, engine).state == "done"


@pytest.mark.parametrize(
    ("error", "state", "code"),
    [
        (Refused("photo_unreadable", "it is broken", is_lasting=True), "unreadable", "photo_unreadable"),
        (Refused("unavailable", "later", is_lasting=False), "failed", "unavailable"),
        (ZeroDivisionError("a bug"), "failed", "internal"),
    ],
)
def test_an_error_is_the_outcome(root: Path, error: Exception, state: str, code: str) -> None:
    outcome = work(task(), root, Scripted(error))
    assert (outcome.state, outcome.code, outcome.answer) == (state, code, None)
    assert outcome.facts.width == 400


def test_an_answer_without_its_place_is_kept_and_asked_for_again(root: Path) -> None:
    outcome = work(task(), root, Scripted(mode="degraded"))
    assert (outcome.state, outcome.code) == ("failed", "degraded")
    assert outcome.answer


def test_a_file_that_is_gone_fails(root: Path) -> None:
    (root / "a" / "b.jpg").unlink()
    assert (work(task(), root, Scripted()).code) == "file_unreadable"


def test_without_a_model_nothing_goes_on(root: Path) -> None:
    with pytest.raises(ModelError):
        work(task(), root, Scripted(ModelError("gone")))


def test_advice_is_about_the_command(root: Path) -> None:
    error = Refused("location_missing", "send lat and lon with the request", is_lasting=False)
    assert "give --deployments, --lat and --lon, or --no-location" in str(work(task(), root, Scripted(error)).detail)


def test_an_empty_file_is_said(root: Path) -> None:
    (root / "a" / "b.jpg").write_bytes(b"")
    engine = Scripted()
    outcome = work(task(), root, engine)
    assert (outcome.state, outcome.detail, engine.asked) == ("unreadable", "the file is empty; copy it again", 0)
