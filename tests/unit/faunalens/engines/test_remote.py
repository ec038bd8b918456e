"""The pace of requests to a service."""

from faunalens.engines.remote import Pace


def test_each_round_without_a_refusal_allows_one_more_request_at_once() -> None:
    pace, allowed = Pace(4), []
    for _ in range(12):
        allowed.append(pace.allowed)
        pace.succeeded({})
    assert allowed == [2, 2, 3, 3, 3, 4, 4, 4, 4, 4, 4, 4]


def test_refusals_of_one_round_halve_once_and_stop_all_for_a_while() -> None:
    # GIVEN a service that has answered all, and then refuses what was sent, at these times
    times = [0.0] * 16 + [5.0] * 2 + [100.0] * 2 + [110.0] * 2
    pace, allowed = Pace(8, iter(times).__next__), []
    for _ in range(40):
        pace.succeeded({})
    for _ in times:
        pace.refused(5.0)
        allowed.append(pace.allowed)
    assert allowed == [4] * 16 + [2] * 2 + [1] * 4
    assert pace.not_before == 115.0


def test_limits_that_the_service_states_are_kept() -> None:
    pace = Pace(8, lambda: 0.0)
    # GIVEN 60 requests a minute, and another limit of 10 a second
    pace.succeeded({"ratelimit-policy": '"key";q=60;w=60, "service";q=10;w=1'})
    with pace.turn():
        pass
    assert pace.not_before == 1.0
    # GIVEN limits, of one of which nothing is left for 7 s; the order of their parts does not matter
    pace.succeeded({"ratelimit": '"service";r=5;t=9, "key";t=7;r=0'})
    assert pace.not_before == 7.0
