"""Limits for asynchronous calls of functions, which Lambda queues and repeats.

EventBridge calls warming this way; anyone with `lambda:InvokeFunction` may call any function so. By default, Lambda
repeats a failed call twice, and keeps the calls of a busy function for six hours:
https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html
"""

from collections.abc import Mapping
from typing import Any

from infra.deployed import function_name

LIMITS: Mapping[str, Mapping[str, int]] = {
    "warm": {"MaximumRetryAttempts": 0, "MaximumEventAgeInSeconds": 300},  # the next scheduled run comes by then
    "batch": {"MaximumRetryAttempts": 0, "MaximumEventAgeInSeconds": 60},  # its callers wait, and repeat by themselves
    "admin": {"MaximumRetryAttempts": 0, "MaximumEventAgeInSeconds": 60},  # a retry would start a load twice
}
"""Limits by the function's name in app.py. `warming-silent` tells of lost runs; nothing else is called so."""


def limit(lambdas: Any, stage: str) -> None:
    """Set the limits of a stage's functions. `lambdas`: a boto3 client of `lambda`."""
    for key, limits in LIMITS.items():
        lambdas.put_function_event_invoke_config(FunctionName=function_name(stage, key), **limits)
