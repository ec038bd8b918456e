"""One task: what is wrong with a photo is its outcome."""

import io
import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import astuple
from pathlib import Path
from threading import Event
from typing import Any
from zlib import crc32

import pytest
from PIL import Image
from PIL.ExifTags import IFD, Base

from chalicelib.config.settings import PhotoLimits
from chalicelib.errors import ModelError
from chalicelib.photo.photos import PhotoFacts
from faunalens.engines.engine import Gathered, Identified, Refused, position_in
from faunalens.engines.place import EXIF, Place
from faunalens.study.finding import Clip, Finding, of_answer
from faunalens.study.identify import answer_of_frames, identify_file
from faunalens.study.results import FileFacts, Task
from faunalens.study.video import Sampling
from tests.support.pictures import SYDNEY, exif, jpeg
from tests.support.studies import BOVIDS, IMPALA, LION, animal, answer, person
from tests.support.videos import write_video

PHOTO = jpeg(exif=exif(SYDNEY))


class Scripted:
    """An engine that sees lions in light pictures and nothing in dark ones, or fails. `asked`: what it was given."""

    def __init__(self, error: Exception | None = None, mode: str = "narrowed") -> None:
        self._error, self._mode = error, mode
        self.asked: list[tuple[str, Place, float]] = []

    def identify(self, data: bytes, place: Place, shift: float = 0.0) -> Identified:
        facts = PhotoFacts.read(data, PhotoLimits())
        assert facts is not None
        self.asked.append((facts.taken, place, shift))
        if self._error:
            raise self._error
        with Image.open(io.BytesIO(data)) as image:
            is_light = image.convert("L").resize((1, 1)).getpixel((0, 0)) > 100  # type: ignore[operator]
        return Identified(answer(LION, 0.95) if is_light else answer(None), self._mode, facts)


TASK, VIDEO = Task(1, "b.jpg", EXIF, None), Task(1, "b.mp4", Place("given", 1.5, 2.5), None)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A folder with a photo, and with a video that gets light after 2 s."""
    (tmp_path / "b.jpg").write_bytes(PHOTO)
    dark, light = (Image.new("RGB", (64, 48), (grey,) * 3) for grey in (0, 200))
    write_video(tmp_path / "b.mp4", [dark] * 20 + [light] * 10, creation_time="2026-05-02T06:00:00.000000Z")
    return tmp_path


def test_an_answer_comes_with_what_the_photo_says(root: Path) -> None:
    outcome = identify_file(TASK, root, Scripted())
    assert (outcome.state, outcome.answer, outcome.code) == ("done", answer(None), None)
    assert (outcome.size, outcome.checksum) == (len(PHOTO), crc32(PHOTO))
    latitude, longitude = (pytest.approx(degrees, abs=1e-4) for degrees in (-33.8688, 151.2093))
    assert astuple(outcome.facts) == (400, 300, None, latitude, longitude)
    # WHEN place and clock are given THEN they count; the camera's offset is kept
    tags = exif(SYDNEY, taken="2026:05:02 06:00:00")
    tags.get_ifd(IFD.Exif)[Base.OffsetTimeOriginal] = "+03:00"
    (root / "b.jpg").write_bytes(jpeg(exif=tags))
    engine, given = Scripted(), Place("given", 1.5, 2.5)
    outcome = identify_file(TASK._replace(place=given, shift=-60.0), root, engine)
    assert outcome.facts == FileFacts(400, 300, "2026-05-02 06:00:00+03:00", 1.5, 2.5)
    assert engine.asked == [("2026:05:02 06:00:00", given, -60.0)]


def test_the_same_bytes_are_not_identified_again(root: Path) -> None:
    engine = Scripted()
    assert identify_file(TASK._replace(checksum=crc32(PHOTO)), root, engine).state == "touched"
    assert identify_file(VIDEO._replace(checksum=crc32((root / "b.mp4").read_bytes())), root, engine).state == "touched"
    assert engine.asked == []
    assert identify_file(TASK._replace(checksum=1), root, engine).state == "done"


@pytest.mark.parametrize(
    ("error", "state", "code", "said"),
    [
        (Refused("photo_unreadable", "broken", is_lasting=True), "unreadable", "photo_unreadable", "broken"),
        (Refused("unavailable", "later", is_lasting=False), "failed", "unavailable", "later"),
        (ZeroDivisionError("a bug"), "failed", "internal", "ZeroDivisionError: a bug"),
        # THEN advice is about the command
        *(
            (Refused(code, "send lat and lon", is_lasting=False), "failed", code, "give --deployments, --lat and --lon")
            for code in ("location_missing", "location_invalid")
        ),
        (Refused("bad_request", "give no boxes=true", is_lasting=False), "failed", "bad_request", "give no --boxes"),
    ],
)
def test_an_error_is_the_outcome(root: Path, error: Exception, state: str, code: str, said: str) -> None:
    outcome = identify_file(TASK, root, Scripted(error))
    assert (outcome.state, outcome.code, outcome.answer, outcome.facts.width) == (state, code, None, 400)
    assert said in str(outcome.detail)
    assert identify_file(VIDEO, root, Scripted(error)).code == code
    # WHEN the model cannot be had THEN nothing goes on
    with pytest.raises(ModelError):
        identify_file(TASK, root, Scripted(ModelError("gone")))


def test_what_cannot_be_read_is_said_without_the_engine(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    engine, photo = Scripted(), root / "b.jpg"
    photo.write_bytes(b"")
    empty = identify_file(TASK, root, engine)
    photo.unlink()
    assert (empty.state, empty.detail) == ("unreadable", "the file is empty; copy it again")
    (root / "b.mp4").write_bytes(b"no video")
    damaged = identify_file(VIDEO, root, engine)
    assert (damaged.state, damaged.code, "copy it again" in str(damaged.detail)) == (
        "unreadable",
        "video_unreadable",
        True,
    )
    # THEN without PyAV, a video says how to get that
    monkeypatch.setattr("faunalens.study.identify.can_read", lambda: False)
    unsupported = identify_file(VIDEO, root, engine)
    assert (unsupported.state, unsupported.code) == ("failed", "video_unsupported")
    assert "install faunalens with it" in str(unsupported.detail)
    assert (identify_file(TASK, root, engine).code, engine.asked) == ("file_unreadable", [])


@pytest.mark.parametrize("gps", [{}, {2: (), 4: ()}, {2: (float("nan"),) * 3, 1: "S", 4: (0.0, 0.0, 0.0), 3: ""}])
def test_empty_gps_tags_are_no_position(gps: dict[int, object]) -> None:
    assert position_in(PhotoFacts(1, 1, 1, gps, "")) is None


def test_a_video_is_one_answer_from_its_frames(root: Path) -> None:
    engine = Scripted()
    outcome = identify_file(VIDEO, root, engine, Sampling(0.5, 30))
    assert outcome.answer is not None
    whole = json.loads(outcome.answer)
    assert (outcome.state, whole["prediction"]["name"], whole["video"]["frame"]) == ("done", "lion", 20)
    assert whole["video"]["processed"] == [0, 5, 10, 15, 20, 25]
    assert engine.asked == [("2026:05:02 06:00:00", VIDEO.place, 0.0)] * 6
    # THEN the row says what the file says
    data = (root / "b.mp4").read_bytes()
    assert (outcome.size, outcome.checksum) == (len(data), crc32(data))
    assert (outcome.facts.taken, outcome.facts.width, outcome.facts.latitude) == ("2026-05-02 06:00:00", 64, 1.5)


def test_an_answer_without_its_place_is_kept_and_asked_for_again(root: Path) -> None:
    for each in (TASK, VIDEO):
        outcome = identify_file(each, root, Scripted(mode="degraded"))
        assert (outcome.state, outcome.code, outcome.answer is None) == ("failed", "degraded", False)


def test_what_waits_goes_through_together() -> None:
    # GIVEN a model that is busy with one photo
    batches: list[list[int]] = []
    is_busy, may_go_on = Event(), Event()

    def identify_file(items: Sequence[int]) -> list[int]:
        batches.append(list(items))
        is_busy.set()
        may_go_on.wait(10)
        return [10 * each for each in items]

    gathered = Gathered(identify_file, most=3)
    with ThreadPoolExecutor(6) as pool:
        first = pool.submit(gathered, 0)
        is_busy.wait(10)
        # WHEN five more come
        others = [pool.submit(gathered, number) for number in range(1, 6)]
        while len(gathered._waiting) < 5:
            pass
        may_go_on.set()
        # THEN each gets its own answer
        assert [each.result() for each in (first, *others)] == [0, 10, 20, 30, 40, 50]
    # and they were two batches
    assert [len(each) for each in batches] == [1, 3, 2]


def test_every_item_of_many_threads_is_done_once_and_an_error_is_that_of_its_batch_alone() -> None:
    seen: list[int] = []

    def identify_file(items: Sequence[int]) -> list[float]:
        seen.extend(items)
        return [1 / each for each in items]

    gathered = Gathered(identify_file, most=4)
    with pytest.raises(ZeroDivisionError):
        gathered(0)
    with ThreadPoolExecutor(16) as pool:
        assert list(pool.map(gathered, range(1, 2000))) == [1 / each for each in range(1, 2000)]
    assert sorted(seen) == list(range(2000))


def watched(*answers: str) -> tuple[dict[str, Any], Finding]:
    frames = [(10 * number, float(number), json.loads(text)) for number, text in enumerate(answers)]
    whole = answer_of_frames(frames, 10.0, 4.5)
    return whole, of_answer(whole, "2026-05-02T06:00:00+00:00")


def test_the_surest_frame_of_the_animal_answers() -> None:
    whole, found = watched(answer(None), answer(LION, 0.7), answer(LION, 0.95), answer(None))
    assert (str(found.named), found.sureness, found.parts) == ("lion (Panthera leo)", 0.95, ())
    assert found.clip == Clip(20, 2.0, 10.0, 4.5, (0, 10, 20, 30))
    # THEN the answer is otherwise as the model gave it, also for those who read it alone
    assert {key: value for key, value in whole.items() if key != "video"} == json.loads(answer(LION, 0.95))


ONE = answer(LION, 0.9, subject="animal", animals=[animal(0.1, LION)])
TWO = answer(LION, 0.9, subject="animal", animals=[animal(0.1, LION), animal(0.6, LION)])
SLIP = answer(LION, 0.5, [(LION, 0.5), (IMPALA, 0.4)])  # an impala that one frame takes for a lion
PERSON, BOTH = answer(None, **person(0.9)), answer(LION, 0.8, **person(0.9) | {"subject": "animal"})


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        ((ONE, TWO, ONE), [("animal", "lion", 10), ("animal", "lion", 10)]),  # as sure: that with most animals
        ((SLIP, answer(IMPALA, 0.8), answer(BOVIDS, 0.97, [(IMPALA, 0.6)])), [("animal", "impala", 10)]),
        (
            (answer(LION, 0.95), PERSON, answer(IMPALA, 0.95), BOTH),  # each has its own frame
            [("animal", "lion", 0), ("animal", "impala", 20), ("human", None, 10)],
        ),
        ((answer(None), answer(None)), [("blank", None, 0)]),
    ],
)
def test_what_frames_show_has_its_best_frame(
    answers: Sequence[str], expected: list[tuple[str, str | None, int]]
) -> None:
    _, found = watched(*answers)
    shown = [(part.kind, part.named and part.named.name, part.clip and part.clip.frame) for part in found.each]
    assert (shown, found.shows_people) == (expected, PERSON in answers)
    # AND what is too faint to be said has a frame too, as MegaDetector's format demands
    assert all(part.clip for part in found.faint)
