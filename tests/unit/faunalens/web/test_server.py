"""What the server prints about requests, its settings, and with which models it does not start."""

import logging
from pathlib import Path

import pytest

from chalicelib.application import Application
from chalicelib.config.settings import ModelSettings, Settings
from chalicelib.errors import ModelError, SettingError
from chalicelib.telemetry.record import ColdStart
from faunalens.web.server import identifying, print_request
from faunalens.web.settings import WebSettings
from tests.support import tiny_model
from tests.unit.chalicelib.model.tiny_head import write_head


def test_one_line_per_request_and_none_for_an_open_dashboard(capsys: pytest.CaptureFixture[str]) -> None:
    print_request("GET", "/animals", 200, 0.0123, quiet="/dashboards")
    print_request("GET", "/dashboards", 200, 0.1, quiet="/dashboards")
    print_request("GET", "/dashboards", 503, 0.1, quiet="/dashboards")
    print_request("POST", "/identify", 0, 0.1)
    assert capsys.readouterr().out.splitlines() == [
        "GET /animals 200 12 ms",
        "GET /dashboards 503 100 ms",
        "POST /identify gone 100 ms",
    ]


def test_a_head_that_no_detector_gives_boxes_prevents_the_start(tmp_path: Path) -> None:
    # GIVEN a model of one's own without a detector, and a folder with a head
    path = tiny_model.write(tmp_path, tiny_model.tiny_model())
    model = ModelSettings(path=path, packs=write_head(tmp_path / "mine", path).parent)
    application = Application(Settings(model=model), logging.getLogger("test"), ColdStart(0.0))
    # WHEN the server starts THEN the error says why no photo would use the head
    with pytest.raises(ModelError, match="a head scores boxes, but there is no detector; copy model/packs/detector"):
        identifying(application, WebSettings(), lambda *_: None, None)
    # AND with a detector it starts
    tiny_model.write_detector(tmp_path)
    application = Application(Settings(model=model), logging.getLogger("test"), ColdStart(0.0))
    assert identifying(application, WebSettings(), lambda *_: None, None)


def test_the_function_has_more_workers_because_they_only_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INFERENCE", "lambda")
    # GIVEN no name of a function THEN the process does not start
    with pytest.raises(SettingError, match="IDENTIFY_FUNCTION is empty"):
        WebSettings.from_environment()
    monkeypatch.setenv("IDENTIFY_FUNCTION", "faunalens-dev")
    settings = WebSettings.from_environment()
    assert (settings.relays, settings.worker_count) == (True, 64)
    assert not WebSettings().relays
