"""Check before a deployment that the account can reserve the concurrency in `.chalice/config.json`.

Otherwise the deployment would fail halfway. Lambda always keeps some concurrency for functions without a reservation.
A new account's limit may be only 10.
"""

from collections.abc import Mapping
from typing import Any

from infra.step import PreconditionFailed

UNRESERVED = 100  # concurrency that Lambda keeps unreserved; an account with a lower limit can reserve none


def check(lambdas: Any, wanted: Mapping[str, int]) -> int:
    """Return the concurrency left for other functions. Raise `PreconditionFailed` if `wanted` is too much."""
    total = account_limit(lambdas)
    free = int(lambdas.get_account_settings()["AccountLimit"]["UnreservedConcurrentExecutions"])
    free += sum(_reserved(lambdas, name) for name in wanted)  # these reservations will be replaced
    left = free - sum(wanted.values())
    if wanted and left < min(UNRESERVED, total):
        raise PreconditionFailed(
            f"the functions need a reserved concurrency of {sum(wanted.values())}, but the account, whose limit is "
            f"{total}, can reserve only {max(0, free - min(UNRESERVED, total))}; request a higher limit (Service "
            "Quotas, Lambda, 'Concurrent executions'), or remove reserved_concurrency from the stage in "
            ".chalice/config.json"
        )
    return left


def account_limit(lambdas: Any) -> int:
    """Return the account's limit of concurrent containers, for all its functions together."""
    return int(lambdas.get_account_settings()["AccountLimit"]["ConcurrentExecutions"])


def _reserved(lambdas: Any, name: str) -> int:
    try:
        return int(lambdas.get_function_concurrency(FunctionName=name).get("ReservedConcurrentExecutions", 0))
    except lambdas.exceptions.ResourceNotFoundException:
        return 0
