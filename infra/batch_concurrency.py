"""Check that those who call the batch function share its reserved concurrency.

Otherwise Lambda would throttle some calls, and a message that is throttled five times ends among the dead letters,
although nobody looked at its photo.
"""

from collections.abc import Mapping

from infra.step import PreconditionFailed

CALLERS = ("StreamConcurrency", "BackfillConcurrency")
"""Parameters with the number of calls at the same time."""


def check(parameters: Mapping[str, str], reserved: int | None) -> None:
    """Raise `PreconditionFailed` if the callers together exceed `reserved`, or if SQS would refuse the stream's share.

    `reserved`: None if the function shares the account's concurrency.
    """
    shares = {name: int(parameters.get(name, "0")) for name in CALLERS}
    if shares["StreamConcurrency"] == 1:
        raise PreconditionFailed("StreamConcurrency is 1, but SQS takes 2 or more; 0 is for no stream")
    if reserved is not None and sum(shares.values()) > reserved:
        told = " and ".join(f"{name} {value}" for name, value in shares.items() if value)
        raise PreconditionFailed(
            f"{told} are more than the reserved concurrency of the batch function, {reserved}; lower them, or raise "
            "reserved_concurrency of batch in .chalice/config.json"
        )
