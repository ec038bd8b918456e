"""Weights of packs: from the cache, a folder or a host, always checked; a missing file differs from a wrong one."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from chalicelib.model.manifest import Weights
from model.build_packs import WeightsUnavailable, get_weights
from tests.integration.model.weights_host import WeightsHost, serving_weights

DATA = bytes(range(256)) * 1000
WEIGHTS = Weights("owner/name", "c" * 40, "models/a b.tflite", hashlib.sha256(DATA).hexdigest())
PATH = f"/owner/name/{'c' * 40}/models/a%20b.tflite"


@pytest.fixture
def upstream() -> Iterator[WeightsHost]:
    with serving_weights() as host:
        host.files[PATH] = DATA
        yield host


def test_a_file_is_fetched_once(tmp_path: Path, upstream: WeightsHost, capsys: pytest.CaptureFixture[str]) -> None:
    # GIVEN an empty cache; WHEN the weights are wanted twice
    first = get_weights(WEIGHTS, tmp_path / "cache", host=upstream.url)
    second = get_weights(WEIGHTS, tmp_path / "cache", host=upstream.url)
    # THEN the address is made of repository, commit and path, and the second time the cache has them
    assert upstream.asked == [PATH]
    assert first == second
    assert first.read_bytes() == DATA
    # AND the download printed its progress
    assert "a b.tflite: 0.3 of 0.3 MB" in capsys.readouterr().err


def test_a_damaged_cache_is_replaced(tmp_path: Path, upstream: WeightsHost) -> None:
    # GIVEN a cached file that was damaged on disk
    get_weights(WEIGHTS, tmp_path, host=upstream.url).write_bytes(b"damaged")
    # WHEN it is wanted; THEN it is fetched again
    assert get_weights(WEIGHTS, tmp_path, host=upstream.url).read_bytes() == DATA
    assert len(upstream.asked) == 2


def test_what_cannot_be_had_is_told(tmp_path: Path, upstream: WeightsHost) -> None:
    # GIVEN a folder without the file, a host without it, and one that closes the connection
    with pytest.raises(WeightsUnavailable, match=r"a b\.tflite cannot be read \(No such file"):
        get_weights(WEIGHTS, tmp_path / "cache", tmp_path)
    upstream.files.clear()
    with pytest.raises(WeightsUnavailable, match="answers 404 Not Found"):
        get_weights(WEIGHTS, tmp_path / "cache", host=upstream.url)
    upstream.files[PATH], upstream.cut = DATA, 100_000
    with pytest.raises(WeightsUnavailable, match="ended after 100,000 of 256,000 bytes"):
        get_weights(WEIGHTS, tmp_path / "cache", host=upstream.url)
