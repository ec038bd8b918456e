"""One stage of Faunalens on AWS: all of it up, or all of it down, as steps."""

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from infra import certificates, configuration, functions, limits, smoke
from infra.environment import surroundings
from infra.stack import Stack
from infra.step import Refused, Say, Step

HERE = Path(__file__).parent
TEMPLATE, EDGE = HERE / "faunalens.yaml", HERE / "edge.yaml"
PATIENCE = "40"
"""Seconds that the administrative function waits for a database that has paused."""


@dataclass(frozen=True, slots=True)
class Stage:
    """A stage in one account and region.

    `session`: of boto3. `parameters`: of the stack, in place of those in stages/STAGE.json. `firewall`: whether a web
    firewall stands before the API.
    """

    name: str
    region: str
    session: Any
    parameters: Mapping[str, str]
    firewall: bool = False

    def up(self) -> list[Step]:
        """Everything that makes a stage, in order. Each step looks at what is there, so all can be repeated."""
        return [
            Step("checkout", "what is deployed: this checkout", self._check_checkout),
            Step(
                "stack",
                "the stack: network, database, cache, bucket (about 15 minutes the first time)",
                self._put_stack,
            ),
            Step(
                "certificates",
                "the database's certificates are those that the package trusts",
                self._check_certificates,
            ),
            Step("configuration", "the stage's surroundings in .chalice/config.json", self._configure),
            Step("app", "functions and API, by Chalice", self._deploy),
            Step("limits", "throttling of the API" + (", and its firewall" if self.firewall else ""), self._limit),
            Step("database", "schema, and a login that may only read", self._prepare_database),
            Step("data", "the animals of this checkout", self._load_data),
            Step("dashboards", "dashboards, alarms and saved queries", self._put_dashboards),
            Step("smoke", "whether it answers", self._smoke),
        ]

    def down(self) -> list[Step]:
        """Everything that takes a stage away, in order."""
        return [
            Step("protection", "whether the database may go", self._check_protection),
            Step("dashboards", "dashboards, alarms and saved queries", self._remove_dashboards),
            Step("edge", "firewall and usage plan, if there are any", lambda say: self._stack("edge").delete(say)),
            Step("app", "functions and API, by Chalice", self._delete_app),
            Step("photos", "photos that are still in the bucket", self._empty_bucket),
            Step(
                "stack", "the stack (network interfaces of functions take up to 20 minutes to go)", self._delete_stack
            ),
            Step("configuration", "the stage's surroundings out of .chalice/config.json", self._forget),
        ]

    @property
    def url(self) -> str:
        """Where the API is, with a slash at its end. Only the stack of infra/template.py has the API in it."""
        told = self._stack().outputs.get("EndpointURL")
        return told or str(functions.deployed(self.name)["rest_api"]["rest_api_url"])

    def kept(self) -> list[str]:
        """Snapshots of the database that are left: they cost a little, and bring it back."""
        pages = (
            self._client("rds")
            .get_paginator("describe_db_cluster_snapshots")
            .paginate(DBClusterIdentifier=f"faunalens-{self.name}")
        )
        return [each["DBClusterSnapshotIdentifier"] for page in pages for each in page["DBClusterSnapshots"]]

    def _client(self, service: str) -> Any:
        return self.session.client(service, region_name=self.region)

    def _stack(self, part: str = "") -> Stack:
        return Stack(self._client("cloudformation"), "-".join(["faunalens", self.name, *([part] if part else [])]))

    def _check_checkout(self, say: Say) -> None:
        model = functions.ROOT / "model" / "faunalens.onnx"
        if not model.is_file():
            raise Refused("the model is not built; run: make setup")
        try:
            certificates.file_of(self.region)
        except FileNotFoundError as error:
            raise Refused(str(error)) from error
        say(f"model of {model.stat().st_size / 1e6:.1f} MB, certificates for {self.region}")

    def _put_stack(self, say: Say) -> None:
        path = HERE / "stages" / f"{self.name}.json"
        if not path.is_file():
            raise Refused(f"infra/stages has no {path.name}: the stack's parameters; docs/infra.md lists them")
        if self._stack().status and "EndpointURL" in self._stack().outputs:
            raise Refused(
                f"stack faunalens-{self.name} was made from one template with the functions in it, which this would "
                "take away; docs/pipeline.md says how such a stage is changed"
            )
        parameters = {**json.loads(path.read_text(encoding="utf-8"))["Parameters"], **self.parameters}
        if "S3PrefixList" not in parameters:
            parameters["S3PrefixList"] = self._prefix_list_of_s3()
        self._stack().put(TEMPLATE.read_text(encoding="utf-8"), parameters, self._tags, say)

    def _prefix_list_of_s3(self) -> str:
        """The region's addresses of S3, so that functions may call nothing else; empty if AWS does not say."""
        name = f"com.amazonaws.{self.region}.s3"
        filters = [{"Name": "prefix-list-name", "Values": [name]}]
        found = self._client("ec2").describe_managed_prefix_lists(Filters=filters)["PrefixLists"]
        return str(next((each["PrefixListId"] for each in found if each["PrefixListName"] == name), ""))

    @property
    def _tags(self) -> dict[str, str]:
        return {"project": "faunalens", "stage": self.name}

    def _check_certificates(self, say: Say) -> None:
        if strangers := certificates.strangers(self._client("rds"), self.region):
            raise Refused(
                f"RDS signs with {', '.join(strangers)} in {self.region}, which chalicelib/rds/{self.region}.pem "
                "does not hold; put the region's bundle there, which the Aurora guide links to (SSL/TLS)"
            )
        say("every authority of RDS is known")

    def _configure(self, say: Say) -> None:
        try:
            found = surroundings(self._stack().outputs, self.region)
        except KeyError as error:
            raise Refused(str(error.args[0])) from error
        changed = configuration.settle(self.name, found)
        say("written; commit it" if changed else "already there")

    def _deploy(self, say: Say) -> None:
        functions.chalice("deploy", self.name, say)

    def _limit(self, say: Say) -> None:
        api = functions.deployed(self.name)["rest_api"]["rest_api_id"]
        chosen = limits.limits_of(self.name)
        limits.throttle(self._client("apigateway"), api, self.name, chosen)
        say(f"{chosen.rate} requests a second, {chosen.burst} at once")
        if self.firewall:
            parameters = {"Stage": self.name, "RestApiId": api, "Firewall": "yes"}
            self._stack("edge").put(EDGE.read_text(encoding="utf-8"), parameters, self._tags, say)

    def _prepare_database(self, say: Say) -> None:
        user = self._stack().outputs["DatabaseUser"]
        self._administer(["prepare", user], say)

    def _load_data(self, say: Say) -> None:
        redis_url = surroundings(self._stack().outputs, self.region).environment["REDIS_URL"]
        self._administer(["load", "--redis-url", redis_url], say)

    def _administer(self, command: Sequence[str], say: Say) -> None:
        from botocore.config import Config

        patient = Config(read_timeout=310, retries={"total_max_attempts": 1})  # a load is not to be started twice
        client = self.session.client("lambda", region_name=self.region, config=patient)
        functions.administer(client, self.name, [*command, "--patience", PATIENCE], say)

    def _put_dashboards(self, say: Say) -> None:
        topic = self._stack().outputs["AlarmTopic"]
        self._dashboards(["deploy", "--topic", topic], say)

    def _remove_dashboards(self, say: Say) -> None:
        self._dashboards(["deploy", "--remove"], say)

    def _dashboards(self, command: Sequence[str], say: Say) -> None:
        arguments = [sys.executable, "-m", "dashboards", *command, "--stage", self.name, "--region", self.region]
        done = subprocess.run(arguments, cwd=functions.ROOT, capture_output=True, text=True)
        for line in done.stdout.splitlines():
            say(line)
        if done.returncode:
            raise Refused(done.stderr.strip() or f"python -m dashboards {command[0]} ended with {done.returncode}")

    def _smoke(self, say: Say) -> None:
        smoke.check(self.url, say)

    def _check_protection(self, say: Say) -> None:
        clusters = self._client("rds").describe_db_clusters()["DBClusters"]
        mine = [each for each in clusters if each["DBClusterIdentifier"] == f"faunalens-{self.name}"]
        if any(each.get("DeletionProtection") for each in mine):
            raise Refused(
                "the database is protected from deletion; take that away with: "
                f"python -m infra up --stage {self.name} --set DatabaseProtected=false --only stack"
            )
        say("it may, and leaves a last snapshot" if mine else "there is none")

    def _delete_app(self, say: Say) -> None:
        functions.chalice("delete", self.name, say)

    def _empty_bucket(self, say: Say) -> None:
        if self._stack().status is None:
            say("there is no bucket")
            return
        bucket = self._stack().outputs["PhotoBucket"]
        s3, count = self._client("s3"), 0
        for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket):
            if keys := [{"Key": each["Key"]} for each in page.get("Contents", [])]:
                s3.delete_objects(Bucket=bucket, Delete={"Objects": keys})
                count += len(keys)
        say(f"{count} photos deleted")

    def _delete_stack(self, say: Say) -> None:
        self._stack().delete(say)

    def _forget(self, say: Say) -> None:
        say("taken out; commit it" if configuration.unsettle(self.name) else "nothing was there")
