"""Decoding gets what is left of the process's memory, or the process does not start."""

from pathlib import Path

import pytest

from chalicelib.config import process_memory
from chalicelib.config.process_memory import decode_bytes, memory_limit
from chalicelib.errors import SettingError

LAMBDA = 1769


@pytest.fixture(autouse=True)
def _machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process_memory, "memory_limit", lambda: 2_000_000_000)


def test_on_lambda_decoding_gets_all_that_is_left() -> None:
    assert decode_bytes(0, LAMBDA) == LAMBDA * 2**20 - 250_000_000


def test_elsewhere_it_gets_the_memory_of_one_large_photo() -> None:
    assert decode_bytes(0, 0) == 400_000_000


def test_a_setting_counts_if_it_fits() -> None:
    assert decode_bytes(1_000_000_000, 0) == 1_000_000_000
    assert decode_bytes(1_000_000_000, LAMBDA) == 1_000_000_000


def test_a_setting_that_does_not_fit_is_an_error_with_both_numbers() -> None:
    expected = (
        "PHOTO_DECODE_BYTES is 1000 MB, but only 824 MB are left of 1074 MB of memory; lower the setting, or give the "
        "process more memory"
    )
    with pytest.raises(SettingError, match=expected):
        decode_bytes(1_000_000_000, 1024)


def test_a_default_that_does_not_fit_is_an_error_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process_memory, "memory_limit", lambda: 512_000_000)
    with pytest.raises(SettingError, match="is 400 MB, but only 262 MB are left"):
        decode_bytes(0, 0)
    with pytest.raises(SettingError, match="is 400 MB, but only 162 MB are left"):
        decode_bytes(0, 0, other=100_000_000)


def test_a_function_that_is_too_small_for_any_photo_is_an_error() -> None:
    with pytest.raises(SettingError, match="only 0 MB are left of 134 MB"):
        decode_bytes(0, 128)


@pytest.mark.parametrize(("text", "limited"), [("1000000\n", True), ("max\n", False), (None, False)])
def test_the_limit_is_that_of_the_container(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, text: str | None, limited: bool
) -> None:
    file = tmp_path / "memory.max"
    if text is not None:
        file.write_text(text)
    monkeypatch.setattr(process_memory, "_CGROUP_FILES", (file,))
    assert (memory_limit() == 1_000_000) == limited
    assert memory_limit() > 0
