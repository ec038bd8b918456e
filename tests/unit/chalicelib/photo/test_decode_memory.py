"""Photos in decoding share their memory in the order of arrival."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.errors import PhotoTooLarge, Unavailable
from chalicelib.photo.decode_memory import DecodeMemory


def test_a_photo_that_needs_more_than_there_is_says_what_to_do() -> None:
    message = "takes 1017 MB of memory, but at most 400 MB are available; send a smaller one"
    with (
        pytest.raises(PhotoTooLarge, match=message),
        DecodeMemory(400_000_000, 1).reserve(1_017_000_000),
    ):
        pass


def test_a_wait_that_takes_too_long_is_unavailable_with_a_time_to_retry() -> None:
    # GIVEN memory that is taken
    memory = DecodeMemory(100, 0.05)
    with memory.reserve(60):
        # WHEN another photo needs more than is left THEN it waits and gives up
        started = time.perf_counter()
        with pytest.raises(Unavailable, match="too many large photos") as caught, memory.reserve(50):
            pass
        assert 0.04 < time.perf_counter() - started < 1
        assert caught.value.headers == {"Retry-After": "2", "RateLimit": '"decoding";r=0;t=2'}
        # AND a small photo still fits
        with memory.reserve(40):
            pass


def test_memory_is_given_back_after_an_error() -> None:
    memory = DecodeMemory(100, 0.01)
    for _ in range(3):
        with pytest.raises(KeyError), memory.reserve(80):
            raise KeyError
    with memory.reserve(100):
        pass


def test_a_large_photo_is_not_overtaken_by_small_ones() -> None:
    # GIVEN half of the memory taken, and a photo that waits for all of it
    memory, order = DecodeMemory(100, 5), list[str]()
    release = threading.Event()

    def decode(name: str, size: int) -> None:
        with memory.reserve(size):
            order.append(name)

    def hold() -> None:
        with memory.reserve(50):
            release.wait(5)

    with ThreadPoolExecutor() as pool:
        pool.submit(hold)
        time.sleep(0.05)
        pool.submit(decode, "large", 100)
        time.sleep(0.05)
        # WHEN a small photo arrives, for which there would be room
        pool.submit(decode, "small", 10)
        time.sleep(0.05)
        assert order == []
        release.set()
    # THEN the large one comes first
    assert order == ["large", "small"]


@settings(max_examples=20, deadline=None)
@given(st.lists(st.integers(1, 100), min_size=1, max_size=30))
def test_never_more_than_all_is_in_use(sizes: list[int]) -> None:
    memory, lock = DecodeMemory(100, 10), threading.Lock()
    used, most = 0, 0

    def decode(size: int) -> None:
        nonlocal used, most
        with memory.reserve(size):
            with lock:
                used += size
                most = max(most, used)
            with lock:
                used -= size

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(decode, sizes))
    assert most <= 100
    with memory.reserve(100):
        pass
