from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest

from chalicelib.features.cell_features import SingleFlight
from chalicelib.features.deadline import Deadline


def test_threads_that_ask_for_the_same_share_one_look_up() -> None:
    # GIVEN a lookup that waits until the others have asked
    flights, go, calls = SingleFlight[str](), Event(), []

    def look_up() -> str:
        calls.append(1)
        assert go.wait(5)
        return "found"

    with ThreadPoolExecutor(8) as pool:
        results = [pool.submit(flights.join, 7, look_up, Deadline.after(5)) for _ in range(8)]
        while not calls:
            pass
        go.set()
        answers = [result.result() for result in results]
    # THEN all have the answer, and every lookup was one caller's own
    assert {answer for answer, _ in answers} == {"found"}
    assert sum(own for _, own in answers) == len(calls)


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
