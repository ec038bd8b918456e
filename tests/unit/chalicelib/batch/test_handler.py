"""The batch function: what it returns to SQS and to a Distributed Map, and what it emits."""

import json
import logging
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from chalicelib.batch.handler import BatchFunction
from chalicelib.config.settings import ModelSettings, Settings
from chalicelib.config.stores import S3Settings
from chalicelib.deadline import Deadline
from chalicelib.errors import ModelError, Unfinished
from chalicelib.services import Services
from chalicelib.telemetry.record import Notes
from faunalens.engines.megadetector import MegaDetector, with_detector
from tests.stand_ins import detection, stand_ins, write_megadetector
from tests.support.in_memory import InMemoryObjects
from tests.support.pictures import jpeg
from tests.unit.chalicelib.two_datasets import services_in


class Rig:
    """A batch function with a small model, stores and S3 in memory, and the records that it emitted."""

    def __init__(self, folder: Path, change: Callable[[Services], Services] = lambda services: services) -> None:
        self.objects, self.emitted = InMemoryObjects(), list[Notes]()
        settings, log = Settings(s3=S3Settings(bucket="photos")), logging.getLogger("faunalens.test")
        services = change(services_in(folder))
        self.function = BatchFunction(settings, log, self.emitted.append, services, self.objects)

    def answer(self, event: dict[str, Any]) -> dict[str, Any]:
        return self.function.answer(event, "r-1", Deadline.after(300))

    def put(self, key: str) -> None:
        self.objects.put("photos", key, jpeg())


@pytest.fixture
def rig(tmp_path: Path) -> Rig:
    return Rig(tmp_path)


def message(name: str, *keys: str, body: str = "") -> dict[str, Any]:
    records = [{"s3": {"bucket": {"name": "photos"}, "object": {"key": key, "eTag": "e"}}} for key in keys]
    attributes = {"ApproximateReceiveCount": "1"}
    return {"messageId": name, "attributes": attributes, "body": body or json.dumps({"Records": records})}


def test_sqs_gets_the_messages_that_failed_and_no_other(rig: Rig) -> None:
    # GIVEN a message about a photo, one about two of which one is gone, and one that is no notification
    rig.put("inbox/a.jpg")
    rig.put("inbox/b.jpg")
    messages = [message("1", "inbox/a.jpg"), message("2", "inbox/b.jpg", "inbox/gone.jpg"), message("3", body="{}")]
    # WHEN the function gets them THEN it returns the two that have to come again
    returned = rig.answer({"Records": messages})
    assert returned == {"batchItemFailures": [{"itemIdentifier": "3"}, {"itemIdentifier": "2"}]}
    # AND the lines are in the photo bucket
    assert all(key.startswith("results/") for key in rig.objects.lines("photos"))
    # AND one record counts them all
    (notes,) = rig.emitted
    names = ("BatchIdentified", "BatchUnreadable", "BatchSkipped", "BatchFailed")
    assert [notes.metrics[name] for name in names] == [2, 0, 0, 1]
    assert notes.metrics["BatchRuns"] == 1
    assert notes.metrics["BatchLatency"] > 0
    assert (notes.dimensions, notes.properties) == ({}, {"request_id": "r-1", "queries": 0})
    # AND a message without photos is done
    body = json.dumps({"Service": "Amazon S3", "Event": "s3:TestEvent"})
    assert rig.answer({"Records": [message("1", body=body)]}) == {"batchItemFailures": []}
    assert len(rig.emitted) == 1


def batch(*keys: str, attempt: int = 0) -> dict[str, Any]:
    items = [{"bucket": "photos", "key": key} for key in keys]
    return {"BatchInput": {"results": "s3://out/spring/", "run": "spring"}, "Attempt": attempt, "Items": items}


def test_a_map_gets_numbers_and_tries_again_what_is_unfinished(rig: Rig) -> None:
    # GIVEN a batch of which one photo is gone
    rig.put("batches/a.jpg")
    with pytest.raises(Unfinished, match="1 of 2 photos have no line yet"):
        rig.answer(batch("batches/a.jpg", "batches/gone.jpg"))
    # WHEN it is tried again THEN both have lines where the batch wants them
    assert rig.answer(batch("batches/a.jpg", "batches/gone.jpg", attempt=1)) == {"done": 0, "failed": 0, "lines": 2}
    assert len(rig.objects.lines("out")) == 2


def test_without_a_model_nothing_is_done(tmp_path: Path) -> None:
    settings = Settings(model=ModelSettings(path=tmp_path / "none.onnx"), s3=S3Settings(bucket="photos"))
    function = BatchFunction(settings, logging.getLogger("faunalens.test"), lambda _: None)
    with pytest.raises(ModelError):
        function.answer(batch("batches/a.jpg"), "r-1", Deadline.after(300))


def test_batches_take_any_engine_where_there_is_room_for_it(tmp_path: Path) -> None:
    # GIVEN a batch function whose boxes are those of another project, which Lambda's package has no room for
    with stand_ins():
        detector = MegaDetector(str(write_megadetector(tmp_path, detection("1", 0.9))))
        rig = Rig(tmp_path, partial(with_detector, detector=detector))
        # WHEN it gets a photo
        rig.put("inbox/a.jpg")
        rig.answer({"Records": [message("1", "inbox/a.jpg")]})
    # THEN the line has the box, and says who found it
    (line,) = rig.objects.lines("photos").values()
    assert json.loads(line)["models"]["megadetector"] == "v5a.0.1"
