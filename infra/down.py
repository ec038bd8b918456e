"""The steps of `python -m infra down`: delete a stage, even if it was only partly created or deleted.

Lambda deletes a function's network interfaces some minutes after the function, and needs the function's role for it.
But `chalice delete` deletes the role at once. The interfaces then remain, and the network cannot be deleted
(https://github.com/awslabs/aws-support-tools/pull/174). So `infra down` first detaches the functions and waits.
"""

from collections.abc import Sequence
from typing import Any

from infra import chalice_project
from infra.keys import Keys
from infra.stage import Stage
from infra.step import Echo, PreconditionFailed, Step, poll


class Down:
    """The steps that delete `stage`."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage

    def steps(self) -> list[Step]:
        """Return all steps in order. Each step first checks which resources exist, so any step can be repeated."""
        return [
            Step("protection", "check that the database may be deleted", self._check_protection),
            Step("dashboards", "delete dashboards, alarms and saved queries", self._remove_dashboards),
            Step("web", "delete the web tier and its results", self._delete_web, minutes=5),
            Step("backfill", "delete the backfill", self._delete_backfill, minutes=1),
            Step("stream", "stop the queue's calls of the batch function", self._delete_stream),
            Step("edge", "delete firewall, API keys and usage plans", self._delete_edge),
            Step("network", "detach functions from the network", self._leave_network, minutes=20),
            Step("app", "delete functions and API with chalice delete", self._delete_app),
            Step("photos", "delete the photos and packages left in the buckets", self._empty_buckets),
            Step("stack", "delete the other resources", self._delete_stack, minutes=15),
            Step("configuration", "remove the stage's addresses from .chalice/config.json", self._remove_config),
        ]

    def _check_protection(self, echo: Echo) -> None:
        name = f"faunalens-{self._stage.name}"
        pages = self._stage.client("rds").get_paginator("describe_db_clusters").paginate()
        mine = [each for page in pages for each in page["DBClusters"] if each["DBClusterIdentifier"] == name]
        if any(each.get("DeletionProtection") for each in mine):
            raise PreconditionFailed(
                "the database is protected from deletion; remove the protection with: "
                f"python -m infra up --stage {self._stage.name} --set DatabaseProtected=false --only stack"
            )
        echo("the database is not protected; a final snapshot will be kept" if mine else "there is no database")

    def _remove_dashboards(self, echo: Echo) -> None:
        self._stage.stack("dashboards").delete(echo)

    def _delete_web(self, echo: Echo) -> None:
        stack = self._stage.stack("web")
        self._empty_bucket(stack.outputs.get("ResultBucket"), "results", echo)
        stack.delete(echo)

    def _delete_backfill(self, echo: Echo) -> None:
        self._stage.stack("backfill").delete(echo)

    def _delete_stream(self, echo: Echo) -> None:
        self._stage.stack("stream").delete(echo)

    def _delete_edge(self, echo: Echo) -> None:
        if revoked := Keys(self._stage).revoke_all():
            echo(f"{revoked} API keys deleted")
        self._stage.stack("edge").delete(echo)

    def _leave_network(self, echo: Echo) -> None:
        if self._stage.is_single_stack:
            echo("skipped: CloudFormation detaches the functions in step `stack`")
            return
        detach(self._stage.client("lambda"), self._stage.functions, echo)
        if group := self._stage.outputs.get("FunctionSecurityGroup"):
            wait_until_deleted(self._stage.client("ec2"), group, echo)

    def _delete_app(self, echo: Echo) -> None:
        if self._stage.is_single_stack:
            echo("skipped: step `stack` deletes the functions and the API")
        elif chalice_project.refresh(self._stage.session, self._stage.name, self._stage.region):
            chalice_project.run_chalice("delete", self._stage.name, self._stage.region, echo)
        else:
            echo("there are no functions and no API")

    def _empty_buckets(self, echo: Echo) -> None:
        for output, content in (("PhotoBucket", "photos"), ("PackageBucket", "packages")):
            self._empty_bucket(self._stage.outputs.get(output), content, echo)

    def _empty_bucket(self, bucket: str | None, content: str, echo: Echo) -> None:
        if not bucket:
            echo(f"there is no bucket of {content}")
            return
        s3 = self._stage.session.resource("s3", region_name=self._stage.region)
        try:
            batches = s3.Bucket(bucket).objects.delete()
        except s3.meta.client.exceptions.NoSuchBucket:
            echo(f"the bucket of {content} is already gone")
            return
        for failed in (each for batch in batches for each in batch.get("Errors", [])):
            raise PreconditionFailed(f"{failed['Key']} could not be deleted: {failed.get('Message')}; try again")
        echo(f"{sum(len(batch['Deleted']) for batch in batches)} {content} deleted")

    def _delete_stack(self, echo: Echo) -> None:
        self._stage.stack().delete(echo)

    def _remove_config(self, echo: Echo) -> None:
        echo("removed; commit it" if chalice_project.remove_config(self._stage.name) else "nothing to remove")


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
    left, printed, shown = list[str](), 0.0, 0
    for waited in poll(PAUSE, TIMEOUT):
        pages = ec2.get_paginator("describe_network_interfaces").paginate(Filters=filters)
        left = [each["NetworkInterfaceId"] for page in pages for each in page["NetworkInterfaces"]]
        if not left:
            return
        if len(left) != shown or waited - printed >= ECHO_PAUSE:
            printed, shown = waited, len(left)
            echo(f"{waited:5.0f} s  waiting for Lambda to delete {shown} network interface{'s' * (shown > 1)}")
    raise PreconditionFailed(
        f"network interfaces {', '.join(left)} of security group {security_group} still exist after {TIMEOUT / 60:.0f} "
        "minutes; look in the EC2 console for the resources that use them, then delete the interfaces"
    )
