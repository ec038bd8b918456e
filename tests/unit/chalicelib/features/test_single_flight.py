from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest

from chalicelib.features.cell_features import SingleFlight
from chalicelib.features.deadline import Deadline


def test_cells_do_not_wait_for_each_other() -> None:
    flights = SingleFlight[int]()
    inner = flights.join(1, lambda: flights.join(2, lambda: 2, Deadline.after(1))[0] or 0, Deadline.after(1))
    assert inner == (2, True)


def test_waiting_ends_at_the_deadline() -> None:
    flights, go, begun = SingleFlight[str](), Event(), Event()

    def look_up() -> str:
        begun.set()
        assert go.wait(5)
        return "late"

    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(flights.join, 7, look_up, Deadline.after(5))
        assert begun.wait(5)
        assert flights.join(7, look_up, Deadline.after(0.01)) == (None, False)
        go.set()
        assert first.result() == ("late", True)


def test_an_exception_is_its_callers_own_and_frees_the_cell() -> None:
    flights = SingleFlight[int]()

    def broken() -> int:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        flights.join(1, broken, Deadline.after(1))
    assert flights.join(1, lambda: 3, Deadline.after(1)) == (3, True)
