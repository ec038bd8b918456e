"""Whether the account lets functions reserve what `.chalice/config.json` reserves for them.

Lambda keeps a part of an account's concurrency for functions without a reservation, and a new account may have ten in
all. What it refuses, it would refuse in the middle of a deployment.
"""

from collections.abc import Mapping
from typing import Any

from infra.step import PreconditionFailed

UNRESERVED = 100
"""What Lambda keeps; all there is, of a smaller account."""


def check(lambdas: Any, wanted: Mapping[str, int]) -> int:
    """What stays for other functions. Raises `PreconditionFailed` if Lambda would not take the reservations.

    `lambdas`: a boto3 client of `lambda`. `wanted`: reservation of each function, by its name.
    """
    whole = of_account(lambdas)
    free = int(lambdas.get_account_settings()["AccountLimit"]["UnreservedConcurrentExecutions"])
    free += sum(_reserved(lambdas, name) for name in wanted)  # theirs until now, which is given back
    stays = free - sum(wanted.values())
    if wanted and stays < min(UNRESERVED, whole):
        raise PreconditionFailed(
            f"the functions reserve {sum(wanted.values())} at once, but of the account's {whole} only "
            f"{max(0, free - min(UNRESERVED, whole))} can be reserved; ask for more (Service Quotas, Lambda, "
            "'Concurrent executions': a new account gets 1,000 for the asking), or take reserved_concurrency out of "
            "the stage in .chalice/config.json: then the account's limit is the only one"
        )
    return stays


def of_account(lambdas: Any) -> int:
    """Containers that all functions of the account may have at once."""
    return int(lambdas.get_account_settings()["AccountLimit"]["ConcurrentExecutions"])


def _reserved(lambdas: Any, name: str) -> int:
    try:
        return int(lambdas.get_function_concurrency(FunctionName=name).get("ReservedConcurrentExecutions", 0))
    except lambdas.exceptions.ResourceNotFoundException:
        return 0
