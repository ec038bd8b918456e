"""Processor time and memory of a process and its children."""

import os
import subprocess
import sys

import pytest

from benchmarks.peers.process_tree import cpu_seconds, peak_memory

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")

CHILD = "import sys; data = bytearray(60_000_000); sum(range(5_000_000)); print('ready', flush=True); sys.stdin.read()"
PARENT = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {CHILD!r}])"


def test_children_count() -> None:
    # GIVEN a process whose child has used a processor and memory
    with subprocess.Popen([sys.executable, "-c", PARENT], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        with peak_memory(process.pid) as peak:
            pass
        assert 60 < peak() < 200
        assert cpu_seconds(process.pid) > 0.02
        process.communicate()


def test_a_process_that_has_ended_counts_nothing() -> None:
    with subprocess.Popen(["true"]) as process:
        process.wait()
        assert cpu_seconds(process.pid) == 0


def test_this_process_is_measured() -> None:
    assert cpu_seconds(os.getpid()) > 0
