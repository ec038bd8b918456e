"""Functions get limits for asynchronous calls."""

import pytest

from infra.functions import ASYNC_LIMITS, FUNCTIONS, function_settings, reservations, stages
from infra.step import PreconditionFailed


def test_calls_that_lambda_queues_are_not_repeated() -> None:
    assert ASYNC_LIMITS.keys() == {*FUNCTIONS} - {"api_handler"}, "the API's calls are not queued"
    for each in ASYNC_LIMITS.values():
        assert each["MaximumRetryAttempts"] == 0
        assert 60 <= each["MaximumEventAgeInSeconds"] <= 300  # AWS takes no less than 60


def test_stages_are_those_with_functions() -> None:
    assert stages() == ["dev", "prod"]


def test_an_unknown_stage_is_an_error() -> None:
    with pytest.raises(PreconditionFailed, match=r"config.json has no stage staging, only dev, prod"):
        function_settings("staging")


def test_reservations_are_by_the_names_on_aws() -> None:
    assert reservations("dev") == {
        "faunalens-dev": 10,
        "faunalens-dev-warm": 1,
        "faunalens-dev-batch": 4,
        "faunalens-dev-admin": 1,
    }
