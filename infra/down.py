"""The steps that take a stage away. Each looks at what is there, so that all can be repeated, also after half a one."""

from infra import configuration, functions, interfaces
from infra import deployed as record
from infra.stage import Stage
from infra.step import PreconditionFailed, Say, Step


class Down:
    """What takes `stage` away."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage

    def steps(self) -> list[Step]:
        """All of it, in order."""
        return [
            Step("protection", "whether the database may go", self._check_protection),
            Step("dashboards", "dashboards, alarms and saved queries", self._remove_dashboards),
            Step(
                "edge", "firewall and usage plan, if there are any", lambda say: self._stage.stack("edge").delete(say)
            ),
            Step("network", "functions out of the network (Lambda takes 20 minutes and more)", self._leave_network),
            Step("app", "functions and API, by Chalice", self._delete_app),
            Step("photos", "photos that are still in the bucket", self._empty_bucket),
            Step("stack", "the stack (about 15 minutes)", lambda say: self._stage.stack().delete(say)),
            Step("configuration", "the stage's surroundings out of .chalice/config.json", self._forget),
        ]

    def _check_protection(self, say: Say) -> None:
        name = f"faunalens-{self._stage.name}"
        pages = self._stage.client("rds").get_paginator("describe_db_clusters").paginate()
        mine = [each for page in pages for each in page["DBClusters"] if each["DBClusterIdentifier"] == name]
        if any(each.get("DeletionProtection") for each in mine):
            raise PreconditionFailed(
                "the database is protected from deletion; take that away with: "
                f"python -m infra up --stage {self._stage.name} --set DatabaseProtected=false --only stack"
            )
        say("it may, and leaves a last snapshot" if mine else "there is none")

    def _remove_dashboards(self, say: Say) -> None:
        self._stage.dashboards(["deploy", "--remove"], say)

    def _leave_network(self, say: Say) -> None:
        if self._stage.is_whole:
            say("CloudFormation sees to that itself")
            return
        interfaces.leave(self._stage.client("lambda"), self._stage.functions, say)
        if group := self._stage.outputs.get("FunctionSecurityGroup"):
            interfaces.wait(self._stage.client("ec2"), group, say)

    def _delete_app(self, say: Say) -> None:
        if self._stage.is_whole:
            say("they are part of the stack")
            return
        name, region = self._stage.name, self._stage.region
        if record.refresh(self._stage.session, name, region):
            functions.chalice("delete", name, region, say)
        else:
            say("there are none")

    def _empty_bucket(self, say: Say) -> None:
        bucket = self._stage.outputs.get("PhotoBucket")
        if not bucket:
            say("there is no bucket")
            return
        s3, count = self._stage.client("s3"), 0
        try:
            for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket):
                if keys := [{"Key": each["Key"]} for each in page.get("Contents", [])]:
                    failed = s3.delete_objects(Bucket=bucket, Delete={"Objects": keys}).get("Errors", [])
                    if failed:
                        raise PreconditionFailed(f"{failed[0]['Key']} could not be deleted: {failed[0].get('Message')}")
                    count += len(keys)
        except s3.exceptions.NoSuchBucket:
            say("the bucket is gone already")
            return
        say(f"{count} photos deleted")

    def _forget(self, say: Say) -> None:
        say("taken out; commit it" if configuration.remove_config(self._stage.name) else "nothing was there")
