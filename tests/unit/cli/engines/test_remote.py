"""The pace of requests to a service."""

from cli.engines.remote import Pace


class Clock:
    """A clock that tests set."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_each_round_without_a_refusal_allows_one_more_request_at_once() -> None:
    pace, allowed = Pace(4, Clock()), []
    for _ in range(12):
        allowed.append(pace.allowed)
        pace.succeeded({})
    assert allowed == [2, 2, 3, 3, 3, 4, 4, 4, 4, 4, 4, 4]


def test_refusals_of_one_round_halve_once_and_stop_all_for_a_while() -> None:
    clock = Clock()
    pace = Pace(8, clock)
    for _ in range(40):
        pace.succeeded({})
    for _ in range(8):
        pace.refused(5.0)
    assert (pace.allowed, pace.not_before) == (4, 5.0)
    clock.now = 5.0
    pace.refused(1.0)
    assert pace.allowed == 2
    clock.now = 100.0
    for _ in range(3):
        pace.refused(1.0)
        clock.now += 10
    assert pace.allowed == 1


def test_limits_that_the_service_states_are_kept() -> None:
    clock = Clock()
    pace = Pace(8, clock)
    # GIVEN 60 requests a minute, and another limit of 10 a second
    pace.succeeded({"ratelimit-policy": '"key";q=60;w=60, "service";q=10;w=1'})
    with pace.turn():
        pass
    assert pace.not_before == 1.0
    # GIVEN limits, of one of which nothing is left for 7 s; the order of their parts does not matter
    pace.succeeded({"ratelimit": '"service";r=5;t=9, "key";t=7;r=0'})
    assert pace.not_before == 7.0
