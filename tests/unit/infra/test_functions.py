"""Functions get limits for asynchronous calls."""

from infra.functions import ASYNC_LIMITS, FUNCTIONS


def test_calls_that_lambda_queues_are_not_repeated() -> None:
    assert ASYNC_LIMITS.keys() == {*FUNCTIONS} - {"api_handler"}, "the API's calls are not queued"
    for each in ASYNC_LIMITS.values():
        assert each["MaximumRetryAttempts"] == 0
        assert 60 <= each["MaximumEventAgeInSeconds"] <= 300  # AWS takes no less than 60
