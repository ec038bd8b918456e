"""The steps that make a stage, or bring it up to this checkout."""

from collections.abc import Sequence
from pathlib import Path

from infra import certificates, concurrency, configuration, functions, smoke
from infra import deployed as record
from infra import throttling as limits
from infra.environment import surroundings
from infra.parameters import EDGE, STACK, parameters_of, those_of
from infra.stage import Stage
from infra.step import PreconditionFailed, Say, Step

HERE = Path(__file__).parent
PATIENCE = "40"
"""Seconds that the administrative function waits for a database that has paused."""


class Up:
    """What makes `stage`."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage

    def steps(self) -> list[Step]:
        """All of it, in order. Each step looks at what is there, so all can be repeated."""
        return [
            Step("checkout", "what is deployed: this checkout, and whether the account takes it", self._check),
            Step(
                "certificates",
                "the database's certificates are those that the package trusts",
                self._check_certificates,
            ),
            Step(
                "stack",
                "the stack: network, database, cache, bucket (about 15 minutes the first time)",
                self._put_stack,
            ),
            Step("configuration", "the stage's surroundings in .chalice/config.json", self._configure),
            Step("app", "functions and API, by Chalice", self._deploy),
            Step(
                "limits", "throttling of the API" + (", and its firewall" if self._stage.firewall else ""), self._limit
            ),
            Step("database", "schema, and a login that may only read", self._prepare_database),
            Step("data", "the animals of this checkout", self._load_data),
            Step("dashboards", "dashboards, alarms and saved queries", self._put_dashboards),
            Step("smoke", "whether it answers", self._smoke),
        ]

    def _check(self, say: Say) -> None:
        model = record.ROOT / "vendor" / "model" / "faunalens.onnx"  # what is packed
        if not model.is_file():
            raise PreconditionFailed("the model is not built; run: make setup")
        try:
            certificates.file_of(self._stage.region)
        except FileNotFoundError as error:
            raise PreconditionFailed(str(error)) from error
        say(f"model of {model.stat().st_size / 1e6:.1f} MB, certificates for {self._stage.region}")
        reserved = {
            record.name_of(self._stage.name, key): count
            for key, count in configuration.reservations(self._stage.name).items()
        }
        stays = concurrency.check(self._stage.client("lambda"), reserved)
        say(f"{sum(reserved.values())} requests at once are reserved, {stays} stay for other functions of the account")

    def _put_stack(self, say: Say) -> None:
        self._refuse_whole()
        parameters = parameters_of(self._stage.name, self._stage.parameters)
        if not parameters["S3PrefixList"]:
            parameters["S3PrefixList"] = self._prefix_list_of_s3()
        text = (HERE / STACK).read_text(encoding="utf-8")
        self._stage.stack().put(text, those_of(STACK, parameters), self._stage.tags, say)

    def _refuse_whole(self) -> None:
        if self._stage.is_whole:
            raise PreconditionFailed(
                f"stack faunalens-{self._stage.name} was made from one template with the functions in it, which this "
                "would take away; docs/how-to/pipeline.md says how such a stage is changed"
            )

    def _prefix_list_of_s3(self) -> str:
        """The region's addresses of S3, so that functions may call nothing else; empty if AWS does not say."""
        name = f"com.amazonaws.{self._stage.region}.s3"
        filters = [{"Name": "prefix-list-name", "Values": [name]}]
        found = self._stage.client("ec2").describe_managed_prefix_lists(Filters=filters)["PrefixLists"]
        return str(next((each["PrefixListId"] for each in found if each["PrefixListName"] == name), ""))

    def _check_certificates(self, say: Say) -> None:
        region = self._stage.region
        if unknown_cas := certificates.unknown_cas(self._stage.client("rds"), region):
            raise PreconditionFailed(
                f"RDS signs with {', '.join(unknown_cas)} in {region}, which chalicelib/rds/{region}.pem "
                "does not hold; put the region's bundle there, which the Aurora guide links to (SSL/TLS)"
            )
        say("every authority of RDS is known")

    def _configure(self, say: Say) -> None:
        try:
            found = surroundings(self._stage.outputs, self._stage.region)
        except KeyError as error:
            raise PreconditionFailed(str(error.args[0])) from error
        changed = configuration.write_config(self._stage.name, found)
        say("written; commit it" if changed else "already there")

    def _deploy(self, say: Say) -> None:
        self._refuse_whole()
        name, region, session = self._stage.name, self._stage.region, self._stage.session
        record.refresh(session, name, region)
        functions.chalice("deploy", name, region, say)

    def _limit(self, say: Say) -> None:
        api = record.deployed(self._stage.name)["rest_api"]["rest_api_id"]
        try:
            rates = limits.limits_of(self._stage.name)
        except KeyError as error:
            raise PreconditionFailed(str(error.args[0])) from error
        limits.throttle(self._stage.client("apigateway"), api, self._stage.name, rates)
        say(f"{rates.rate} requests a second, {rates.burst} at once")
        firewall = {"Firewall": "yes"} if self._stage.firewall else {}
        parameters = parameters_of(self._stage.name, {**self._stage.parameters, **firewall})
        if "yes" in (parameters["Firewall"], parameters["UsagePlan"]):
            edge = {**those_of(EDGE, parameters), "RestApiId": api}
            self._stage.stack("edge").put((HERE / EDGE).read_text(encoding="utf-8"), edge, self._stage.tags, say)

    def _prepare_database(self, say: Say) -> None:
        self._administer(["prepare", self._stage.output("DatabaseUser")], say)

    def _load_data(self, say: Say) -> None:
        url = f"rediss://{self._stage.output('CacheUser')}@{self._stage.output('CacheEndpoint')}"
        self._administer(["load", "--redis-url", f"{url}:{self._stage.output('CachePort')}"], say)

    def _administer(self, command: Sequence[str], say: Say) -> None:
        from botocore.config import Config

        # A load is not to be started twice; and what stands between may forget a connection that says nothing.
        patient = Config(read_timeout=310, retries={"total_max_attempts": 1}, tcp_keepalive=True)
        client = self._stage.client("lambda", config=patient)
        functions.administer(client, self._stage.name, [*command, "--patience", PATIENCE], say)

    def _put_dashboards(self, say: Say) -> None:
        containers = concurrency.of_account(self._stage.client("lambda"))
        topic = self._stage.output("AlarmTopic")
        self._stage.dashboards(["deploy", "--topic", topic, "--containers", str(containers)], say)

    def _smoke(self, say: Say) -> None:
        smoke.check(self._stage.url, say)
