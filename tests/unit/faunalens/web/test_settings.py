"""Settings of the server: read like all others, with sensible defaults."""

import pytest

from chalicelib.errors import SettingError
from faunalens.web.settings import WebSettings


def test_the_function_has_more_workers_because_they_only_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INFERENCE", "lambda")
    # GIVEN no name of a function THEN the process does not start
    with pytest.raises(SettingError, match="IDENTIFY_FUNCTION is empty"):
        WebSettings.from_environment()
    monkeypatch.setenv("IDENTIFY_FUNCTION", "faunalens-dev")
    settings = WebSettings.from_environment()
    assert (settings.relays, settings.worker_count) == (True, 64)
    assert not WebSettings().relays
