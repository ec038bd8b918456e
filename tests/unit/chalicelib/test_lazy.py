"""A lazy value: made once, at the first use, and again only after an error."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from unittest.mock import Mock

import pytest

from chalicelib.lazy import Lazy, without_versions


def test_threads_that_come_at_once_share_one_value() -> None:
    # GIVEN a value that was not used yet
    made: list[object] = []
    barrier = Barrier(8)

    def make() -> object:
        made.append(object())
        return made[-1]

    lazy = Lazy(make)
    assert not lazy.is_made

    def get(_: int) -> object:
        barrier.wait()
        return lazy.get()

    # WHEN eight threads use it at once; THEN it is made once
    with ThreadPoolExecutor(8) as pool:
        values = {*pool.map(get, range(8))}
    assert values == {*made}
    assert len(made) == 1
    assert lazy.is_made


def test_an_error_is_tried_again() -> None:
    make = Mock(side_effect=[ZeroDivisionError, None])
    lazy = Lazy(make)
    with pytest.raises(ZeroDivisionError):
        lazy.get()
    # AND None is a value, which is made once
    assert (lazy.is_made, lazy.get(), lazy.get(), make.call_count) == (False, None, None, 2)


def test_a_start_does_not_look_for_the_versions_of_its_libraries() -> None:
    # GIVEN a new process that has imported what looks for its own version
    program = (
        "import sys; from chalicelib.location import h3; from chalicelib.telemetry import emf\n"
        "h3(), emf.library(); print('zipfile' in sys.modules)\n"
        "from importlib.metadata import version; print(version('h3') > '0')"
    )
    # WHEN it asks THEN what finds versions was not imported, AND finds them now
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True, text=True)
    assert done.stdout.split() == ["False", "True"]


def test_what_another_thread_asks_of_packages_is_true(monkeypatch: pytest.MonkeyPatch) -> None:
    # GIVEN a process that has not looked for versions yet; WHEN another thread imports a library that asks for more
    monkeypatch.delitem(sys.modules, "importlib.metadata")
    with without_versions():
        from importlib.metadata import distribution
    # THEN it gets what it asks for
    assert distribution("pytest").version == pytest.__version__
