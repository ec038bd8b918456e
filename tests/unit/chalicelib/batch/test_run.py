"""A batch: one line a photo, whatever is sent twice, killed, broken or missing."""

import json
import logging
from collections.abc import Callable
from math import isfinite, nan
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest
from PIL.ExifTags import IFD, Base

from chalicelib.batch import run
from chalicelib.batch.line import Item
from chalicelib.batch.run import Batch, Tally
from chalicelib.config.features import FeaturePolicy
from chalicelib.config.settings import PhotoLimits, Settings
from chalicelib.config.stores import S3Settings
from chalicelib.deadline import Deadline
from chalicelib.errors import ModelError
from chalicelib.identify import Identification, IdentifyRequest, identify
from chalicelib.services import Services
from chalicelib.telemetry.record import Record
from tests.support.in_memory import InMemoryObjects, InMemoryStore
from tests.support.pictures import SYDNEY, exif, jpeg
from tests.unit.chalicelib.two_datasets import services_in

LOG = logging.getLogger("faunalens.test")
MOST = 100_000
"""Largest photo in bytes."""


class Rig:
    """Services with a small model and stores in memory, and S3 in memory."""

    def __init__(self, folder: Path) -> None:
        self.store, self.objects = InMemoryStore(), InMemoryObjects()
        limits, policy = PhotoLimits(max_bytes=MOST), FeaturePolicy(retry_pause=0.001)
        self.services = services_in(folder, self.store, photo=limits, features=policy)

    def put(self, name: str, data: bytes | None = None, **metadata: str) -> Item:
        """Put a photo, and return what a notification says of it."""
        made = self.objects.put("photos", f"inbox/{name}", jpeg() if data is None else data, **metadata)
        return Item("photos", f"inbox/{name}", made.etag)

    def run(self, *items: Item, seconds: float = 300.0, exif: bool = False) -> Tally:
        """Run a batch in a new process. `exif`: whether lines have the positions in EXIF."""
        settings = S3Settings(total=5.0, batch_exif_location=exif)
        batch = Batch(self.services, self.objects, "photos", "results/", LOG, "r-1", settings)
        return batch.run(items, Deadline.after(seconds))

    def lines(self) -> list[dict[str, Any]]:
        """Return all lines, by photo."""
        return sorted((json.loads(each) for each in self.objects.lines().values()), key=lambda line: line["photo"])


@pytest.fixture
def rig(tmp_path: Path) -> Rig:
    return Rig(tmp_path)


def counts(tally: Tally) -> tuple[int, int, int, int]:
    return tally.identified, tally.unreadable, tally.skipped, len(tally.failed)


def again(item: Item) -> Item:
    return item._replace(attempt=item.attempt + 1)


def test_each_photo_leaves_one_line_with_all_that_is_known(rig: Rig) -> None:
    # GIVEN a photo with metadata, one with a position in EXIF, and one without any place
    clock = exif(SYDNEY, taken="2026:03:01 05:12:44")
    clock.get_ifd(IFD.Exif)[Base.OffsetTimeOriginal] = "+10:00"
    items = [
        rig.put("a.jpg", station="creek", latitude="-33.9", longitude="151.2", time="2026-03-01 05:12:44"),
        rig.put("b.jpg", jpeg(exif=clock)),
        rig.put("c.jpg", jpeg(500, 200)),
    ]
    # WHEN they are identified THEN each has a line under its hash
    assert counts(rig.run(*items)) == (3, 0, 0, 0)
    first, second, third = rig.lines()
    assert {key[: len("results/00/")] for key in rig.objects.lines()} <= {f"results/{x:02x}/" for x in range(256)}
    assert (first["photo"], first["status"], first["error"]) == ("s3://photos/inbox/a.jpg", "identified", None)
    assert (first["station"], first["latitude"], first["longitude"]) == ("creek", -33.9, 151.2)
    assert (first["time"], first["width"], first["height"]) == ("2026-03-01 05:12:44", 400, 300)
    assert (first["size"], first["etag"]) == (len(jpeg()), items[0].etag)
    assert first["models"].keys() == {"tiny"}
    # AND a clock in EXIF keeps its offset
    assert (second["time"], third["time"]) == ("2026-03-01 05:12:44+10:00", None)
    # AND the position in EXIF was used, but is written only if the deployment says so
    assert first["answer"]["location"]["cell"] == second["answer"]["location"]["cell"]
    assert (second["latitude"], second["answer"]["location"]["source"]) == (None, "exif")
    assert (third["answer"]["features"]["mode"], third["width"]) == ("no_location", 500)


def test_a_deployment_may_want_the_positions_in_exif(rig: Rig) -> None:
    given = rig.put("a.jpg", jpeg(exif=exif(SYDNEY)))._replace(latitude=10.0, longitude=20.0)
    rig.run(rig.put("b.jpg", jpeg(exif=exif(SYDNEY))), given, exif=True)
    # THEN a line has the position in EXIF, unless the batch gave another one
    first, second = rig.lines()
    assert (first["latitude"], first["longitude"]) == (10.0, 20.0)
    assert round(second["latitude"], 3) == -33.869


def test_what_is_sent_twice_leaves_one_line(rig: Rig) -> None:
    # GIVEN an event that comes twice in one batch, in another batch, and again after it was worked on; the item of a
    # manifest may have no ETag
    item = rig.put("a.jpg")
    assert counts(rig.run(item, item)) == (1, 0, 1, 0)
    before = dict(rig.objects.objects)
    assert counts(rig.run(item)) == (1, 0, 0, 0)
    for each in (again(item), again(item)._replace(etag="")):
        assert counts(rig.run(each)) == (0, 0, 1, 0)
    # THEN there is one line, which was not written again
    assert len(rig.lines()) == 1
    assert all(found is before[key] for key, found in rig.objects.objects.items())


def test_a_photo_that_replaces_another_has_its_own_line(rig: Rig) -> None:
    # GIVEN two events about one key, the first of which comes late
    first = rig.put("a.jpg")
    second = rig.put("a.jpg", jpeg(500, 200))
    assert rig.run(first, second).lines == 2
    # THEN the photo that is there has a line, and the one that is gone has none
    assert [line["etag"] for line in rig.lines()] == [second.etag]


@pytest.mark.parametrize(
    ("data", "given", "error"),
    [
        (b"", {}, "photo_unreadable"),
        (jpeg()[:300], {}, "photo_unreadable"),
        (b"%PDF", {}, "unsupported_media_type"),
        (bytes(MOST + 1), {}, "photo_too_large"),
        (jpeg(), {"latitude": 91.0, "longitude": 0.0}, "location_invalid"),
        (jpeg(), {"latitude": 1.0, "longitude": nan}, "location_invalid"),
    ],
)
def test_a_photo_without_an_answer_has_a_line_that_says_why(
    rig: Rig, data: bytes, given: dict[str, Any], error: str
) -> None:
    # GIVEN such a photo between two others
    items = [rig.put("a.jpg"), rig.put("b.jpg", data)._replace(**given), rig.put("c.jpg")]
    # WHEN they are identified THEN it is not tried again
    assert counts(rig.run(*items)) == (2, 1, 0, 0)
    line = rig.lines()[1]
    assert (line["status"], line["error"], line["size"]) == ("unreadable", error, len(data))
    assert line["detail"]
    assert line["answer"] is None
    # AND what is no number is not written as one
    assert line["longitude"] is None or isfinite(line["longitude"])


def test_a_photo_that_is_gone_has_a_line_at_the_second_attempt(rig: Rig) -> None:
    # GIVEN an event about a photo that was deleted, or that the policy forbids by mistake
    item = Item("photos", "inbox/gone.jpg", "e1")
    assert counts(rig.run(item)) == (0, 0, 0, 1)
    # WHEN it is tried again THEN its line says so
    assert counts(rig.run(again(item))) == (0, 1, 0, 0)
    assert rig.lines()[0]["error"] == "object_missing"


def test_a_process_that_ends_loses_no_photo_and_does_none_twice(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    # GIVEN three photos, the second of which ends the process
    items = [rig.put(f"{name}.jpg") for name in "abc"]
    monkeypatch.setattr(run, "line_of", ending_at(items[1]))
    # WHEN all are tried again and again, as their messages come back
    with pytest.raises(KeyboardInterrupt):
        rig.run(*items)
    assert len(rig.lines()) == 1
    with pytest.raises(KeyboardInterrupt):
        rig.run(*map(again, items))
    assert counts(rig.run(*map(again, map(again, items)))) == (1, 0, 2, 0)
    # THEN each has one line, and that of the photo says what it did
    found = [(line["status"], line["error"]) for line in rig.lines()]
    assert found == [("identified", None), ("unreadable", "interrupted"), ("identified", None)]


def test_a_photo_is_not_blamed_for_a_process_that_ended_once(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    item = rig.put("a.jpg")
    with monkeypatch.context() as patch:
        patch.setattr(run, "line_of", ending_at(item))
        with pytest.raises(KeyboardInterrupt):
            rig.run(item)
    assert counts(rig.run(again(item))) == (1, 0, 0, 0)


def ending_at(item: Item) -> Callable[..., Any]:
    real = run.line_of

    def line_of(each: Item, *rest: Any, **options: Any) -> Any:
        if each.key == item.key:
            raise KeyboardInterrupt
        return real(each, *rest, **options)

    return line_of


@pytest.mark.parametrize("fault", ["store", "model", "a photo does not arrive", "read", "write"])
def test_what_a_dependency_breaks_is_tried_again_and_leaves_no_line(
    rig: Rig, fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # GIVEN a photo with a place, while something is broken
    item = rig.put("a.jpg", latitude="-33.9", longitude="151.2")
    with monkeypatch.context() as patch:
        if fault == "store":
            patch.setattr(rig.store, "fault", "postgres_refused")
        elif fault == "model":
            patch.setattr(run, "line_of", Mock(side_effect=ModelError("the model is broken")))
        elif fault == "a photo does not arrive":
            patch.setattr(rig.objects, "read", Mock(side_effect=TimeoutError))
        else:
            patch.setattr(rig.objects, "failing", {fault})
        # WHEN it is tried twice THEN it fails twice: a degraded answer is none
        assert counts(rig.run(item)) == (0, 0, 0, 1)
        assert counts(rig.run(again(item))) == (0, 0, 0, 1)
        assert rig.lines() == []
    # AND once all is well, it has its line
    assert counts(rig.run(again(again(item)))) == (1, 0, 0, 0)
    assert rig.lines()[0]["status"] == "identified"


def test_a_bug_is_tried_once_more_and_is_then_the_answer(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    # GIVEN a bug that only one photo has
    item = rig.put("a.jpg")
    monkeypatch.setattr(run, "line_of", Mock(side_effect=ZeroDivisionError))
    assert counts(rig.run(item)) == (0, 0, 0, 1)
    assert counts(rig.run(again(item))) == (0, 1, 0, 0)
    (line,) = rig.lines()
    assert (line["error"], line["detail"]) == ("internal", "identifying it failed twice with ZeroDivisionError")


def test_no_photo_is_begun_when_time_runs_out(rig: Rig) -> None:
    items = [rig.put(f"{name}.jpg") for name in "abcde"]
    tally = rig.run(*items, seconds=run.RESERVE - 1)
    assert (tally.lines, tally.failed) == (0, items)


def test_the_reserve_is_longer_than_the_slowest_photo() -> None:
    # GIVEN a photo that arrives late, whose place waits for a paused database, and that is slow to open and to decode
    settings = Settings()
    slowest = settings.s3.total + settings.database.sign_in + 2 * settings.photo.max_seconds
    # THEN time does not run out while it is looked at, which would make the photo look like a poisonous one
    assert slowest < run.RESERVE


def test_the_time_of_the_batch_or_of_a_corrected_clock_says_the_season(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[int | None, float]] = []

    def noted(data: list[bytes], request: IdentifyRequest, services: Services, record: Record) -> Identification:
        asked.append((request.month, request.shift))
        return identify(data, request, services, record)

    monkeypatch.setattr(run, "identify", noted)
    # GIVEN a photo with a time, one with a time that is none, and one of a wrong clock
    timed, untimed = rig.put("a.jpg", time="2026-03-01 05:12:44"), rig.put("c.jpg", time="spring")
    rig.run(timed, untimed, rig.put("d.jpg")._replace(shift=-3600.0))
    # THEN identify knows it
    assert asked == [(3, 0.0), (None, 0.0), (None, -3600.0)]


def test_photos_are_fetched_while_others_are_identified_but_not_all_at_once(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    # GIVEN a note of the photos that were fetched, at each that is identified
    fetched: list[int] = []
    real = run.line_of

    def line_of(*rest: Any, **options: Any) -> Any:
        fetched.append(sum(name == "read" for name, _ in rig.objects.calls))
        return real(*rest, **options)

    monkeypatch.setattr(run, "line_of", line_of)
    rig.run(*(rig.put(f"{name}.jpg") for name in "abcdefgh"))
    # THEN only the next ones may be in memory too
    assert all(number <= fetches <= number + run.AHEAD for number, fetches in enumerate(fetched, 1))
