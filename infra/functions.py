"""The functions of a stage: their names, and the limits of calls that Chalice leaves out.

Chalice cannot limit asynchronous calls, which Lambda queues and repeats: EventBridge calls warming this way, and anyone
with `lambda:InvokeFunction` may call any function so. By default, Lambda repeats a failed call twice, and keeps the
calls of a busy function for six hours:
https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html
"""

from collections.abc import Mapping

APP = "faunalens"
FUNCTIONS = ("admin", "batch", "warm", "api_handler")
"""Their names in app.py; `api_handler` is Chalice's name for the API's function."""


def function_name(stage: str, key: str) -> str:
    """Return a function's name on AWS. `key`: its name in app.py."""
    return f"{APP}-{stage}" if key == "api_handler" else f"{APP}-{stage}-{key}"


ASYNC_LIMITS: Mapping[str, Mapping[str, int]] = {
    "warm": {"MaximumRetryAttempts": 0, "MaximumEventAgeInSeconds": 300},  # the next scheduled run comes by then
    "batch": {"MaximumRetryAttempts": 0, "MaximumEventAgeInSeconds": 60},  # its callers wait, and repeat by themselves
    "admin": {"MaximumRetryAttempts": 0, "MaximumEventAgeInSeconds": 60},  # a retry would start a load twice
}
"""Limits by the function's name in app.py. The alarm `warming-silent` reports lost runs of warming."""
