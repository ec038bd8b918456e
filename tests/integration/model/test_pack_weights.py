"""Weights of packs: from the cache, a folder or a host, always checked; a missing file differs from a wrong one."""

import hashlib
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from chalicelib.errors import ModelError
from chalicelib.model.manifest import Weights
from model.build_packs import HostUnreachable, WeightsUnavailable, get_weights
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


def test_a_wrong_checksum_is_an_error(tmp_path: Path, upstream: WeightsHost) -> None:
    # GIVEN a host that has other bytes at the address
    upstream.files[PATH] = b"other"
    # WHEN they are wanted; THEN that is an error, not a pack that cannot be had, and nothing is kept
    with pytest.raises(ModelError, match=r"has SHA-256 d9298a10d1b0.*, expected .*do not use it"):
        get_weights(WEIGHTS, tmp_path, host=upstream.url)
    assert [*tmp_path.iterdir()] == []


def test_a_folder_is_used_instead_of_the_network(tmp_path: Path, upstream: WeightsHost) -> None:
    # GIVEN a folder with the file, without the folders of its repository
    (tmp_path / "a b.tflite").write_bytes(DATA)
    # WHEN it is named; THEN no host is asked
    assert get_weights(WEIGHTS, tmp_path / "cache", tmp_path, upstream.url).read_bytes() == DATA
    assert upstream.asked == []
    # AND a wrong file there is an error too
    (tmp_path / "a b.tflite").write_bytes(b"other")
    with pytest.raises(ModelError, match="has SHA-256"):
        get_weights(WEIGHTS, tmp_path / "other", tmp_path, upstream.url)


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


def test_a_host_without_a_server_is_unreachable(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # and does not listen
        with pytest.raises(HostUnreachable, match="cannot be reached"):
            get_weights(WEIGHTS, tmp_path, host=f"http://127.0.0.1:{taken.getsockname()[1]}")
