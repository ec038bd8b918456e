"""What `python -m faunalens.web` needs, the engine that it has, and the corrections that it lists."""

import csv
import io
import json
import logging
import os
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest

from chalicelib.api.http import Request
from chalicelib.application import Application
from chalicelib.config.settings import ROOT, EngineName, ModelSettings, Settings
from chalicelib.errors import SettingError
from chalicelib.routes import ROUTES
from chalicelib.telemetry.record import ColdStart
from faunalens.web.__main__ import engine_of
from faunalens.web.results.results import LIFETIME, Results, list_corrections
from faunalens.web.results.stores import FolderStore, Quota
from tests.stand_ins import KIT_FOX, PANDA, detection, stand_ins, write_megadetector, write_speciesnet
from tests.support import tiny_model
from tests.support.pictures import jpeg

PROGRAM = """
import sys
from faunalens.web.__main__ import build_application
from faunalens.web.server import relaying
from faunalens.web.settings import WebSettings
import faunalens.web.results.routes

relaying(build_application(), WebSettings.from_environment(), print, None)
absent = {"onnxruntime", "redis", "psycopg2", "h3", "chalice", "boto3", "aiohttp"}
print(*sorted(absent & {name.split(".")[0] for name in sys.modules}))
"""


def test_it_imports_neither_model_nor_stores_nor_chalice() -> None:
    environment = {"INFERENCE": "lambda", "IDENTIFY_FUNCTION": "f", "PHOTO_BUCKET": "b", "RESULTS_BUCKET": "r"}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], cwd=ROOT, env={**os.environ, **environment}, capture_output=True, text=True
    )
    assert (done.stdout.split(), done.stderr, done.returncode) == ([], "", 0)


@pytest.mark.parametrize(
    ("engine", "models", "version"),
    [("speciesnet", ["speciesnet"], "4.0.3a"), ("megadetector", ["tiny", "megadetector"], "v5a.0.1")],
)
def test_a_tier_may_have_the_engine_of_another_project(
    tmp_path: Path, engine: EngineName, models: list[str], version: str
) -> None:
    # GIVEN settings that name an engine, with a stand-in for its package
    path = tiny_model.write(tmp_path, tiny_model.tiny_model())
    net = write_speciesnet(tmp_path / "net", [detection("1", 0.9)], {KIT_FOX: 0.9, PANDA: 0.1})
    weights = net if engine == "speciesnet" else write_megadetector(tmp_path, detection("1", 0.9))
    model = ModelSettings(path=path, engine=engine, engine_weights=str(weights))
    with stand_ins():
        application = Application(
            Settings(model=model), logging.getLogger("test"), ColdStart(0.0), None, engine_of(model)
        )
        # WHEN a photo is sent
        request = Request("r-1", {"content-type": "image/jpeg"}, {"location": ["none"]}, body=jpeg())
        (route,) = (each for each in ROUTES if (each.method, each.path) == ("POST", "/identify"))
        response = application.respond(route, request)
    # THEN the answer has its boxes, and names it
    answer = json.loads(response.body)
    assert response.status == 200, answer
    assert [each["box"]["score"] for each in answer["animals"]] == [0.9]
    used = [answer["model"], *answer["model"]["packs"]]
    assert [each["name"] for each in used] == models
    assert (used[-1]["version"]) == version
    if engine == "speciesnet":
        assert answer["candidates"][0]["scientific_name"] == "Vulpes macrotis"


def test_a_tier_without_the_package_does_not_start() -> None:
    with pytest.raises(SettingError, match=r"the engine speciesnet needs the package speciesnet .*install faunalens"):
        engine_of(ModelSettings(engine="speciesnet"))


@pytest.fixture
def results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Results:
    """Results in the folder that the settings name."""
    monkeypatch.setenv("RESULTS_FOLDER", str(tmp_path))
    return Results(FolderStore(tmp_path, LIFETIME.total_seconds(), Quota(10**9, 10**6)))


def test_the_latest_comes_first_formulas_are_inert_and_pictures_are_saved(
    results: Results, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    # GIVEN two corrections, one of which a spreadsheet would run, and one of which has a picture
    for animal, picture in (("lynx, I think", None), ("=1+1", b"a picture")):
        answer = {"prediction": {"scientific_name": "Felis catus"}, "location": {"cell": "83be0efffffffff"}}
        receipt = results.keep(answer, partial(bytes, picture) if picture else lambda: None)
        results.correct(receipt.id, receipt.token, animal)
    # WHEN they are listed THEN each is a row
    assert list_corrections(pictures=tmp_path / "new" / "pictures") == 0
    printed = capsys.readouterr()
    header, last, first = csv.reader(io.StringIO(printed.out))
    assert header == ["created", "result", "answered", "animal", "cell"]
    assert last[2:] == ["Felis catus", "'=1+1", "83be0efffffffff"]
    assert first[2:4] == ["Felis catus", "lynx, I think"]
    assert last[1] == f"/r/{receipt.id}"
    assert "2 corrections" in printed.err
    # AND the folder has the picture by the id of its result, to compare versions on it
    (saved,) = (tmp_path / "new" / "pictures").iterdir()
    assert (saved.stem, saved.read_bytes()) == (receipt.id, b"a picture")


@pytest.mark.parametrize(
    ("folder", "said"),
    [("", "set RESULTS_FOLDER or RESULTS_BUCKET"), ("file", "corrections cannot be listed")],
    ids=["no store", "a file in place of a folder"],
)
def test_a_store_that_cannot_be_read_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], folder: str, said: str
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.delenv("RESULTS_BUCKET", raising=False)
    monkeypatch.setenv("RESULTS_FOLDER", str(tmp_path / folder) if folder else "")
    assert list_corrections() == 1
    assert said in capsys.readouterr().err
