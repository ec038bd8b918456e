"""Detach functions from the network, and wait until Lambda has deleted their network interfaces.

Lambda deletes a function's network interfaces some minutes after the function, and needs the function's role for it.
But `chalice delete` deletes the role at once. The interfaces then remain, and the network cannot be deleted
(https://github.com/awslabs/aws-support-tools/pull/174). So `infra down` first detaches the functions and waits.
"""

from collections.abc import Sequence
from typing import Any

from infra.polling import poll
from infra.step import Echo, PreconditionFailed

PAUSE = 10.0  # seconds between two checks
ECHO_PAUSE = 60.0  # seconds between two lines that say what is left
TIMEOUT = 2700.0  # longest wait, seconds; Lambda's documentation says 20 minutes, but users saw 45


def detach(lambdas: Any, functions: Sequence[str], echo: Echo) -> None:
    """Detach the functions that exist and are in a network. `lambdas`: a boto3 client of `lambda`."""
    for name in functions:
        try:
            found = lambdas.get_function_configuration(FunctionName=name)
        except lambdas.exceptions.ResourceNotFoundException:
            continue
        if found.get("VpcConfig", {}).get("SubnetIds"):
            updated = lambdas.get_waiter("function_updated")
            updated.wait(FunctionName=name)
            no_network: dict[str, list[str]] = {"SubnetIds": [], "SecurityGroupIds": []}
            lambdas.update_function_configuration(FunctionName=name, VpcConfig=no_network)
            updated.wait(FunctionName=name)
            echo(f"{name} is detached")


def wait_until_deleted(ec2: Any, security_group: str, echo: Echo) -> None:
    """Wait until no network interface has the security group. Raise `PreconditionFailed` after `TIMEOUT`.

    `ec2`: a boto3 client of `ec2`.
    """
    filters = [{"Name": "group-id", "Values": [security_group]}]
    left, told, shown = list[str](), 0.0, 0
    for waited in poll(PAUSE, TIMEOUT):
        pages = ec2.get_paginator("describe_network_interfaces").paginate(Filters=filters)
        left = [each["NetworkInterfaceId"] for page in pages for each in page["NetworkInterfaces"]]
        if not left:
            return
        if len(left) != shown or waited - told >= ECHO_PAUSE:
            told, shown = waited, len(left)
            echo(f"{waited:5.0f} s  waiting for Lambda to delete {shown} network interface{'s' * (shown > 1)}")
    raise PreconditionFailed(
        f"network interfaces {', '.join(left)} of security group {security_group} still exist after {TIMEOUT / 60:.0f} "
        "minutes; look in the EC2 console for the resources that use them, then delete the interfaces"
    )
