"""Freed images go back to the system."""

import subprocess
import sys

import pytest

from web import allocator

PROGRAM = """
import resource
from threading import Thread
from PIL import Image
from web.allocator import return_large_blocks

def resident():
    with open("/proc/self/statm") as statm:
        return int(statm.read().split()[1]) * resource.getpagesize() / 1e6

assert return_large_blocks()
def work():
    for size in (500, 1000, 2000, 4000, 5000):
        Image.new("RGB", (size, size), "red")
before = resident()
for _ in range(2):
    thread = Thread(target=work)
    thread.start()
    thread.join()
print(resident() - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc; glibc runs on Linux")
def test_large_images_leave_no_memory_behind() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    assert float(done.stdout) < 10


def test_another_c_library_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ctypes.CDLL", lambda _: object())
    assert allocator.return_large_blocks() is False
