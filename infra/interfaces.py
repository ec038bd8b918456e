"""The network interfaces of functions: Lambda has to take them away before the roles go by which it may.

Lambda deletes a function's interfaces some minutes after the function, with the rights of the function's role. Without
the role they stay for ever, and with them security group, subnets and network
(https://github.com/awslabs/aws-support-tools/pull/174). `chalice delete` deletes a role right after its function. So
functions leave the network first, and roles go once that is done.
"""

from collections.abc import Sequence
from time import monotonic, sleep
from typing import Any

from infra.step import PreconditionFailed, Say

PAUSE = 10.0
"""Seconds between two looks."""
PATIENCE = 2700.0
"""Longest wait, seconds. Lambda promises 20 minutes and is known to take 45."""


def leave(lambdas: Any, functions: Sequence[str], say: Say) -> None:
    """Take functions out of their network; those that are in none, or not there, stay as they are.

    `lambdas`: a boto3 client of `lambda`.
    """
    for name in functions:
        try:
            found = lambdas.get_function_configuration(FunctionName=name)
        except lambdas.exceptions.ResourceNotFoundException:
            continue
        if found.get("VpcConfig", {}).get("SubnetIds"):
            lambdas.get_waiter("function_updated").wait(FunctionName=name)
            lambdas.update_function_configuration(
                FunctionName=name, VpcConfig={"SubnetIds": [], "SecurityGroupIds": []}
            )
            lambdas.get_waiter("function_updated").wait(FunctionName=name)
            say(f"{name} is out of it")


def wait(ec2: Any, security_group: str, say: Say) -> None:
    """Wait until nothing is left that has the security group. `ec2`: a boto3 client. Raises `PreconditionFailed` after a while."""
    started, told = monotonic(), -1
    while True:
        pages = ec2.get_paginator("describe_network_interfaces").paginate(
            Filters=[{"Name": "group-id", "Values": [security_group]}]
        )
        left = [each["NetworkInterfaceId"] for page in pages for each in page["NetworkInterfaces"]]
        if not left:
            return
        waited = monotonic() - started
        if waited > PATIENCE:
            raise PreconditionFailed(
                f"{', '.join(left)} of {security_group} {'is' if len(left) == 1 else 'are'} still there after "
                f"{PATIENCE / 60:.0f} minutes; look at who uses them (EC2, network interfaces)"
            )
        if waited // 60 > told:
            told = int(waited // 60)
            say(f"{waited:5.0f} s  {len(left)} network interface{'s' * (len(left) > 1)} for Lambda to take away")
        sleep(PAUSE)
