"""What is checked before a deployment, which would otherwise fail halfway or run without somebody who hears its alarms.

Lambda always keeps some concurrency for functions without a reservation, and a new account's limit may be only 10.
Those who call the batch function share its reserved concurrency: Lambda would throttle further calls, and a message
that is throttled five times ends among the dead letters, although its photo was never looked at.
"""

from collections.abc import Collection, Mapping
from typing import Any

from infra.step import PreconditionFailed
from infra.template.web import has_tls

UNRESERVED = 100  # concurrency that Lambda keeps unreserved; an account with a lower limit can reserve none


def check_concurrency(lambdas: Any, wanted: Mapping[str, int]) -> int:
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


BATCH_CALLERS = ("StreamConcurrency", "BackfillConcurrency")
"""Parameters with the number of calls at the same time."""


def check_batch_callers(parameters: Mapping[str, str], reserved: int | None) -> None:
    """Raise `PreconditionFailed` if the callers together exceed `reserved`, or if SQS would refuse the stream's share.

    `reserved`: None if the function shares the account's concurrency.
    """
    shares = {name: int(parameters.get(name, "0")) for name in BATCH_CALLERS}
    if shares["StreamConcurrency"] == 1:
        raise PreconditionFailed("StreamConcurrency is 1, but SQS takes 2 or more; 0 is for no stream")
    if reserved is not None and sum(shares.values()) > reserved:
        given = " and ".join(f"{name} {value}" for name, value in shares.items() if value)
        raise PreconditionFailed(
            f"{given} are more than the reserved concurrency of the batch function, {reserved}; lower them, or raise "
            "reserved_concurrency of batch in .chalice/config.json"
        )


def check_production(stage: str, parameters: Mapping[str, str], without: Collection[str] = ()) -> None:
    """Raise `PreconditionFailed` if a production stage lacks alarms, a budget or TLS that `without` does not name.

    A stage is a production stage if its database is protected from deletion. `parameters`: all of the stage's.
    """
    missing = [each for each in missing_for_production(parameters) if each not in without]
    if missing:
        parameter = {
            "alarms": '"AlarmEmail": "you@example.org"',
            "budget": '"BudgetDollars": "200"',
            "tls": '"WebCertificate": "arn:aws:acm:…" with "WebHost", or "WebCdn": "yes"',
        }
        raise PreconditionFailed(
            f"stage {stage} is for production, but has no {' and no '.join(missing)}: write "
            f"{' and '.join(parameter[each] for each in missing)} into infra/stages/{stage}.json, or go on without, "
            f"with {' '.join(f'--without-{each}' for each in missing)}"
        )


def check_host(parameters: Mapping[str, str]) -> None:
    """Raise `PreconditionFailed` if the API has a name without a certificate, or the other way round."""
    if bool(parameters["ApiHost"]) != bool(parameters["ApiCertificate"]):
        raise PreconditionFailed("ApiHost and ApiCertificate belong together; set both, or neither")


def missing_for_production(parameters: Mapping[str, str]) -> list[str]:
    """Return what a production stage with these parameters lacks: some of `alarms`, `budget` and `tls`, or nothing."""
    if parameters["DatabaseProtected"] != "true":
        return []
    has = {
        "alarms": bool(parameters["AlarmEmail"]),
        "budget": float(parameters["BudgetDollars"]) > 0,
        "tls": not parameters["WebImage"] or has_tls(parameters),
    }
    return [name for name, there in has.items() if not there]
