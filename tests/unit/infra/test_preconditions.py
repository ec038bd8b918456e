"""A deployment is refused before it begins if the account cannot reserve the concurrency."""

from collections.abc import Mapping
from typing import Any

import pytest

from infra import preconditions
from infra.step import PreconditionFailed
from tests.unit.infra.fake_aws import Client, ResourceNotFoundException

WANTED = {"faunalens-dev": 10, "faunalens-dev-warm": 1, "faunalens-dev-admin": 1}


def account(whole: int, free: int, reserved: Mapping[str, int]) -> Client:
    """Return a fake client of an account with `whole` preconditions, of which `free` is unreserved."""

    def reservation(FunctionName: str) -> dict[str, Any]:  # noqa: N803
        if FunctionName not in reserved:
            raise ResourceNotFoundException
        return {"ReservedConcurrentExecutions": reserved[FunctionName]} if reserved[FunctionName] else {}

    limit = {"ConcurrentExecutions": whole, "UnreservedConcurrentExecutions": free}
    return Client(get_account_settings=lambda: {"AccountLimit": limit}, get_function_concurrency=reservation)


@pytest.mark.parametrize(
    ("whole", "free", "reserved", "stays"),
    [
        (1000, 1000, {}, 988),
        (1000, 112, {}, 100),
        (1000, 100, WANTED, 100),  # the functions have them already
        (1000, 111, {"faunalens-dev-warm": 1, "faunalens-dev-admin": 0}, 100),
    ],
)
def test_reservations_that_lambda_accepts(whole: int, free: int, reserved: Mapping[str, int], stays: int) -> None:
    assert preconditions.check_concurrency(account(whole, free, reserved), WANTED) == stays


@pytest.mark.parametrize(("whole", "free", "rest"), [(10, 10, 0), (50, 50, 0), (1000, 111, 11)])
def test_a_reservation_that_lambda_would_refuse_is_an_error(whole: int, free: int, rest: int) -> None:
    # GIVEN a new account, or one whose other functions reserve the rest
    with pytest.raises(
        PreconditionFailed,
        match=rf"concurrency of 12, but the account, whose limit is {whole}, can reserve only {rest};",
    ) as error:
        preconditions.check_concurrency(account(whole, free, {}), WANTED)
    assert "Service Quotas" in str(error.value)
    assert "reserved_concurrency" in str(error.value)


def test_a_small_account_does_without_reservations() -> None:
    assert preconditions.check_concurrency(account(10, 10, {}), {}) == 10
