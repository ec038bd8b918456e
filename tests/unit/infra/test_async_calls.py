"""Failed asynchronous calls are not repeated."""

from infra import async_calls
from infra.async_calls import LIMITS
from infra.deployed import FUNCTIONS
from tests.unit.infra.fake_aws import Client


def test_every_function_but_the_api_s_has_limits() -> None:
    assert LIMITS.keys() == set(FUNCTIONS) - {"api_handler"}  # API Gateway calls synchronously


def test_limits_are_set_for_the_stage_s_functions() -> None:
    lambdas = Client(put_function_event_invoke_config=lambda **_: {})
    async_calls.limit(lambdas, "dev")
    set_for = {arguments["FunctionName"]: arguments for _, arguments in lambdas.calls}
    assert set_for.keys() == {"faunalens-dev-warm", "faunalens-dev-batch", "faunalens-dev-admin"}
    for each in set_for.values():
        assert each["MaximumRetryAttempts"] == 0
        assert 60 <= each["MaximumEventAgeInSeconds"] <= 300  # AWS takes no less than 60
