"""Settings of the server: read like all others, with sensible defaults."""

import pytest

from chalicelib.errors import SettingError
from web.settings import WebSettings


def test_names_of_this_machine_are_served_by_default() -> None:
    assert WebSettings().hosts.split() == ["localhost", "127.0.0.1", "[::1]"]


def test_there_is_a_worker_per_processor_unless_the_setting_says_otherwise() -> None:
    assert WebSettings().worker_count >= 1
    assert WebSettings(workers=3).worker_count == 3


def test_a_value_that_cannot_work_stops_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_QUEUE_SECONDS", "soon")
    with pytest.raises(SettingError, match="HTTP_QUEUE_SECONDS"):
        WebSettings.from_environment()


def test_the_function_has_more_workers_because_they_only_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INFERENCE", "lambda")
    # GIVEN no name of a function THEN the process does not start
    with pytest.raises(SettingError, match="IDENTIFY_FUNCTION is empty"):
        WebSettings.from_environment()
    monkeypatch.setenv("IDENTIFY_FUNCTION", "faunalens-dev")
    settings = WebSettings.from_environment()
    assert (settings.relays, settings.worker_count) == (True, 64)
    assert not WebSettings().relays
