"""What clients, CloudWatch, Redis and a batch's bucket receive, compared with the files in tests/golden/.

`GOLDEN=write python -m pytest tests/unit/test_golden.py` writes the files. Change them only on purpose: they are the
contract of a refactoring. Durations and versions of files are constant in them, and numbers have two decimals, so that
another processor gives the same.
"""

import io
import json
import logging
import os
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import numpy as np
import pytest
from PIL import Image

from chalicelib.api.http import Request
from chalicelib.api.openapi import document
from chalicelib.application import Application
from chalicelib.batch.line import read_messages
from chalicelib.batch.run import Batch
from chalicelib.config.features import FeaturePolicy
from chalicelib.config.settings import ModelSettings, Settings, Thresholds
from chalicelib.config.stores import S3Settings
from chalicelib.deadline import Deadline
from chalicelib.errors import ModelError
from chalicelib.features import cache as keys
from chalicelib.features.cache import BUCKETS, Rollout
from chalicelib.features.cell_features import CellFeatures
from chalicelib.features.codec import CachedValue, CellAnimals, Seasons, pack
from chalicelib.features.warming import WarmingReport
from chalicelib.routes import ROUTES
from chalicelib.services import Services
from chalicelib.telemetry.emf import Emitter
from chalicelib.telemetry.record import ColdStart, Invoked, Notes, Record, of_batch, of_correction, of_warming
from tests.support import tiny_model
from tests.support.in_memory import InMemoryCache, InMemoryObjects, InMemoryStore
from tests.support.pictures import SYDNEY, encoded, exif
from tests.support.tiny_model import write_detector, write_pack

GOLDEN = Path(__file__).parents[1] / "golden"
CELL = 0x83BE0EFFFFFFFFF
RED, GREEN, BLACK = (255, 0, 0), (0, 255, 0), (0, 0, 0)
RELATIVES = """number,taxon,scientific_name,name,genus,family,order,class
1,vulpes-macrotis,Vulpes macrotis,kit fox,Vulpes,Canidae,Carnivora,Mammalia
2,hyla-meridionalis,Hyla meridionalis,Mediterranean tree frog,Hyla,Hylidae,Anura,Amphibia
"""


def expect(name: str, text: str) -> None:
    """Compare a text with a golden file, or write the file if the environment says so."""
    path = GOLDEN / name
    if os.environ.get("GOLDEN") == "write":
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8"), (
        f"if {name} has to change, run GOLDEN=write python -m pytest {__file__}"
    )


def steady(value: Any, name: str = "") -> Any:
    """Return JSON with constants in place of durations, sizes and versions of files, and with rounded numbers."""
    if isinstance(value, Mapping):
        return {each: steady(inner, each) for each, inner in value.items()}
    if isinstance(value, list):
        return [steady(each, name) for each in value]
    varies = re.search(r"Latency$|milliseconds|_ms$|^Timestamp$|^identified$|^PhotoBytes$|^size$", name)
    if isinstance(value, float):
        return "…" if varies or name in {"photo", "features", "scoring", "boxes", "total"} else round(value, 2)
    of_file = name in {"version", "model_version", "etag", "hash", "tiny", "foxes"} and isinstance(value, str)
    return "…" if varies or (of_file and value[0] != "v") else value


def shown(value: Any, lines: Sequence[Any] = ()) -> str:
    """Return a value as indented JSON, and each of the lines as one line."""
    text = json.dumps(steady(value), indent=1, ensure_ascii=False)
    return "\n".join([text, *(json.dumps(steady(line), ensure_ascii=False) for line in lines), ""])


class Foxes(InMemoryStore):
    """A store with two animals in each cell; in the dataset `v2`, none of them is the red fox. `rollout`: as text."""

    rollout = ""

    def features_of(self, cells: Sequence[int], deadline: Deadline, version: str | None = None) -> list[CellAnimals]:
        found = super().features_of(cells, deadline, version)
        return [each if each.is_empty else foxes_in(each.cell, each.version, self.rollout) for each in found]


def foxes_in(cell: int, version: str, rollout: str = "") -> CellAnimals:
    first = 10 if version == "v1" else 11  # the model does not know animal 11
    seasons = Seasons(np.array([first], np.int32), np.array([[255] * 6 + [51] * 6], np.uint8))
    arrays = np.array([first, 7000], np.int32), np.array([0.75, 0.5], np.float32), np.array([1, 2], np.uint8)
    unknown, relatives = np.array([20], np.int32), np.array([1, 2], np.uint16)
    return CellAnimals(cell, version, ("AU", "NZ"), *arrays, unknown, relatives, seasons, rollout)


class Rig:
    """The application with a small model, its pack and detector, and stores in memory."""

    def __init__(self, folder: Path) -> None:
        path = tiny_model.write(folder, tiny_model.tiny_model())
        path.with_name("relatives.csv").write_text(RELATIVES)
        write_detector(folder)
        write_pack(folder)
        model, policy = ModelSettings(path=path), FeaturePolicy(retry_pause=0.001)
        settings = Settings(model=model, thresholds=Thresholds(season_floor=0.5), features=policy)
        self.store, self.lines = Foxes(), io.StringIO()
        self.services = Services.build(settings, CellFeatures(InMemoryCache(), self.store, settings.features))
        self.app = Application(settings, logging.getLogger("faunalens.test"), ColdStart(0.0))
        self.app.services = lambda: self.services  # type: ignore[method-assign]
        self.app.emitter = Emitter("faunalens", "test", self.lines, now=lambda: 0.0)

    def identify(self, *photos: bytes, **query: str) -> Any:
        """Return the body of the response of POST /identify."""
        body, media = photos[0], "image/png"
        if len(photos) > 1:
            parts = (b'--x\r\ncontent-disposition: form-data; name="photo"\r\n\r\n' + each + b"\r\n" for each in photos)
            body, media = b"".join([*parts, b"--x--\r\n"]), "multipart/form-data; boundary=x"
        given = {name: [value] for name, value in query.items()}
        response = self.app.respond(ROUTES[0], Request("r-1", {"content-type": media}, given, body=body))
        return json.loads(response.body)

    def emitted(self) -> list[Any]:
        lines = [json.loads(line) for line in self.lines.getvalue().splitlines()]
        self.lines.seek(0)
        self.lines.truncate()
        return lines


@pytest.fixture
def rig(tmp_path: Path) -> Rig:
    return Rig(tmp_path)


def photo(*colours: tuple[int, int, int], **options: Any) -> bytes:
    """Return a PNG of 256 × 256 pixels, with a row of squares in these colours."""
    image = Image.new("RGB", (256, 256), BLACK)
    for number, colour in enumerate(colours):
        width = 256 // len(colours)
        image.paste(colour, (number * width, 0, (number + 1) * width, 256))
    return encoded(image, "PNG", **options)


AT_SYDNEY = {"lat": "-33.87", "lon": "151.21"}
FIELD = photo((200, 20, 0), (60, 60, 60), (0, 90, 60), exif=exif(SYDNEY, taken="2026:07:14 09:30:00"))


def narrowed(rig: Rig) -> Any:
    return rig.identify(FIELD)


def warm_hit(rig: Rig) -> Any:
    rig.identify(FIELD)
    rig.emitted()
    return rig.identify(photo(GREEN, RED), time="2026-01", top="2", **AT_SYDNEY)


def with_boxes(rig: Rig) -> Any:
    image = Image.new("RGB", (256, 256), BLACK)
    image.paste(RED, (32, 96, 64, 128))
    image.paste(GREEN, (192, 96, 224, 128))
    return rig.identify(encoded(image, "PNG"), boxes="true", **AT_SYDNEY)


def several_photos(rig: Rig) -> Any:
    return rig.identify(photo(RED), photo(GREEN), photo((120, 80, 0)), **AT_SYDNEY)


def no_location(rig: Rig) -> Any:
    return rig.identify(photo((110, 100, 90)), location="none")


def unknown_area(rig: Rig) -> Any:
    rig.store.empty = {CELL}
    return rig.identify(photo(RED), **AT_SYDNEY)


def degraded(rig: Rig) -> Any:
    rig.store.fault = "postgres_timeout"
    return rig.identify(photo(GREEN), **AT_SYDNEY)


def location_missing(rig: Rig) -> Any:
    return rig.identify(photo(RED), photo(GREEN))


def photo_damaged(rig: Rig) -> Any:
    whole = encoded(Image.fromarray(np.random.default_rng(7).integers(0, 255, (256, 256, 3), np.uint8)), "PNG")
    return rig.identify(whole[: len(whole) // 2], **AT_SYDNEY)


def model_failed(rig: Rig) -> Any:
    failure = ModelError("inference with tiny.onnx failed: no such node")
    broken = Mock(**{"wants_boxes.return_value": False, "recognise.side_effect": failure})
    rig.services = rig.services._replace(recogniser=broken)
    return rig.identify(photo(RED), **AT_SYDNEY)


ANSWERED = (narrowed, warm_hit, with_boxes, several_photos, no_location, unknown_area, degraded)
REFUSED = (location_missing, photo_damaged, model_failed)


@pytest.mark.parametrize("case", [*ANSWERED, *REFUSED])
def test_answers_and_their_metrics(case: Callable[[Rig], Any], rig: Rig) -> None:
    body = case(rig)
    expect(f"{case.__name__}.txt", shown(body, rig.emitted()))


def test_a_comparison_with_a_dataset_in_shadow(rig: Rig) -> None:
    cache = InMemoryCache()
    rig.store.rollout = Rollout(2, "v1", "v2", BUCKETS, in_shadow=True).to_text()
    cache.put(keys.ROLLOUT, rig.store.rollout.encode())
    settings = rig.app.settings
    services = Services.build(settings, CellFeatures(cache, rig.store, settings.features))
    rig.services = services.with_shadow(None, rig.app.emit, rig.app.busy)
    body = rig.identify(photo((140, 100, 0)), **AT_SYDNEY)
    assert rig.app.busy.acquire(timeout=5)
    lines = sorted(rig.emitted(), key=lambda line: "shadow_kind" in line)  # its thread may be first
    expect("shadow.txt", shown(body, lines))


def test_other_kinds_of_metrics(rig: Rig) -> None:
    report = WarmingReport(20, 11, 8, 1, 2, 1.25, 40, 10, faults=["redis_timeout"])
    web = Record("r-1", "/identify", invoked=Invoked(12.5, failed=False), initialisation=0.25)
    records: dict[str, Notes] = {
        "warming": of_warming("r-1", report),
        "batch": of_batch("r-1", 2.5, identified=5, unreadable=1, skipped=2, failed=1, queries=3),
        "correction": of_correction("r-1"),
        "web": web.summary(),
    }
    for record in records.values():
        rig.app.emit(record)
    expect("other_metrics.txt", shown([*records], rig.emitted()))


def test_lines_of_a_batch(rig: Rig) -> None:
    objects = InMemoryObjects()
    objects.put("photos", "inbox/a.png", FIELD, station="creek")
    objects.put("photos", "inbox/b.png", photo(GREEN), time="2026-03-01 05:12:44")
    objects.put("photos", "inbox/c.png", FIELD[:200])
    records = [{"s3": {"bucket": {"name": "photos"}, "object": {"key": f"inbox/{name}.png"}}} for name in "abc"]
    message = {"messageId": "m-1", "attributes": {"ApproximateReceiveCount": "1"}}
    items, _ = read_messages({"Records": [message | {"body": json.dumps({"Records": records})}]})
    s3 = S3Settings(total=5.0, batch_exif_location=True)
    batch = Batch(rig.services, objects, "photos", "results/", rig.app.log, "r-1", s3)
    batch.run(items, Deadline.after(300.0))
    lines = sorted(map(json.loads, objects.lines().values()), key=lambda line: line["photo"])
    expect("batch_lines.txt", shown([], lines))


def test_the_openapi_document() -> None:
    expect(
        "openapi.json",
        json.dumps(document(ROUTES, "0.1.0", "/dev/", api_keys=True), indent=1, ensure_ascii=False) + "\n",
    )


def test_values_and_keys_in_redis() -> None:
    foxes = foxes_in(CELL, "v1")
    none = {name: getattr(foxes, name)[:0] for name in ("animals", "weights", "status")}
    nothing = foxes._replace(**none, seasons=CellAnimals._field_defaults["seasons"])
    values = {
        "animals": pack(CachedValue(foxes, 1e9, 1e9 + 600, 1e9 + 6000, warmed=True)).hex(" ", 4),
        "nothing": pack(CachedValue(nothing, 1e9, 1e9 + 60, 1e9 + 600)).hex(" ", 4),
    }
    names = {
        "rollout": keys.ROLLOUT,
        "health": keys.HEALTH,
        "value": keys.value_key(CELL, "v1"),
        "taxon": keys.taxon_key("vulpes-vulpes", "facts", "v1"),
        "lease": keys.lease_key(CELL),
        "shadow_lease": keys.shadow_lease_key(CELL),
        "demand": keys.demand_key(490_000),
        "hits": keys.hits_key(490_000),
    }
    full = {name: f"{Settings().redis.prefix}{key.decode()}" for name, key in names.items()}
    texts = {"rollout": Rollout(2, "v1", "v2", BUCKETS, in_shadow=True).to_text()}
    expect("redis.json", shown({"values": values, "keys": full, "texts": texts}))
