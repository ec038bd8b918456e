"""The steps of `python -m infra up`: create a stage, or update it to this checkout."""

import json
from collections.abc import Collection, Mapping
from contextlib import suppress
from typing import Any

from chalicelib.config.settings import ROOT
from dashboards.lint.folder import FolderCheck
from dashboards.project import runbook_url
from infra import invoke, preconditions, smoke
from infra.functions import reservations
from infra.keys import Keys
from infra.package.upload import Packages
from infra.release import commit
from infra.release.live import WATCHED
from infra.release.releases import KEPT, Releases
from infra.stack import Confirm, Deployment
from infra.stage import Stage
from infra.step import Echo, PreconditionFailed, Step
from infra.template import BACKFILL, PACKAGES, as_text, only, parameters_of, pipeline, read_template
from infra.template.web import CDN_PREFIX_LIST, check_names, has_tls, web_template

WATCHED_MINUTES = 10  # minutes for which an alarm watches a change of a stack that shifts traffic slowly, as in prod


class Up:
    """The steps that bring `stage` up: create it, or update it to this checkout.

    `without`: what the user explicitly leaves out of a production stage: `alarms`, `budget` or `tls`. `confirm`:
    decides, mostly by asking the user, whether a stack may change as shown.
    """

    def __init__(self, stage: Stage, without: Collection[str] = (), confirm: Confirm = lambda _: True) -> None:
        self._stage, self._without, self._confirm = stage, without, confirm
        self._before = ""  # the commit of the release that ran before this command

    def steps(self) -> list[Step]:
        """Return all steps in order. Each step first checks which resources exist, so any step can be repeated."""
        return [
            Step("checkout", "check model, certificates, zones and the account's quotas", self._check),
            Step("roles", "create the service-linked roles that the account lacks", self._create_roles),
            Step("stack", "build the package, show what changes, and deploy it", self._deploy_stack, minutes=17),
            Step("database", "create the schema and the read-only user", self._prepare_database, minutes=1),
            Step("data", "load the animals of this checkout", self._load_data, minutes=1),
            Step("web", "deploy the web tier, if --web names an image of it", self._deploy_web, minutes=5),
            Step("backfill", "deploy the backfill, if BackfillConcurrency is not 0", self._deploy_backfill, minutes=1),
            Step("smoke", "check that the API answers; if it does not, take the release back", self._smoke, minutes=1),
            Step("versions", f"delete the versions of all but the last {KEPT} releases", self._prune),
        ]

    def _check(self, echo: Echo) -> None:
        model = ROOT / "vendor" / "model" / "faunalens.onnx"  # the packaged one
        if not model.is_file():
            raise PreconditionFailed("the model has not been built; run: make setup")
        region, reserved = self._stage.region, reservations(self._stage.name)
        preconditions.check_production(self._stage.name, self._parameters, self._without)
        preconditions.check_host(self._parameters)
        preconditions.check_batch_callers(self._stage.name, self._parameters)
        if findings := FolderCheck().findings:
            raise PreconditionFailed("\n".join(["dashboards/ has problems; fix them first:", *map(str, findings)]))
        preconditions.check_certificates(self._stage.client("rds"), region)
        echo(f"model: {model.stat().st_size / 1e6:.1f} MB; certificates: every authority of RDS in {region}")
        left = preconditions.check_concurrency(self._stage.client("lambda"), reserved)
        echo(f"concurrency: {sum(reserved.values())} reserved, {left} left for the account's other functions")
        echo(f"zones: {' and '.join(self._zones().values())}")
        preconditions.check_quotas(self._stage, self._parameters, echo)

    def _create_roles(self, echo: Echo) -> None:
        preconditions.create_service_roles(self._stage.client("iam"), echo)

    def _zones(self) -> dict[str, str]:
        """Return the stage's zones as values of the parameters `ZoneA` and `ZoneB`."""
        values = self._parameters
        chosen = [values[each] for each in ("ZoneA", "ZoneB") if each in values]
        first, second = preconditions.choose_zones(self._stage, values["DatabaseVersion"], chosen)
        return {"ZoneA": first, "ZoneB": second}

    @property
    def _parameters(self) -> dict[str, str]:
        return parameters_of(self._stage.name, self._stage.parameters)

    def _deploy_stack(self, echo: Echo) -> None:
        values = {**self._parameters, **self._zones()}
        with suppress(PreconditionFailed):  # there is no release yet
            self._before = next((each.commit for each in self._releases.all() if each.share), "")
        if not values["S3PrefixList"]:  # the addresses to which the functions may connect
            values["S3PrefixList"] = self._prefix_list(f"com.amazonaws.{self._stage.region}.s3")
        folder = ROOT / "build" / "stages" / self._stage.name
        made = pipeline.write(self._stage.name, folder, self._stage.parameters, echo, runbook=runbook_url(ROOT))
        packages = self._packages(echo)
        template = packages.with_packages(json.loads(made.read_text(encoding="utf-8")), folder)
        self._deploy(packages, "", template, values, echo)
        if values["ApiKeys"] == "required" and (attached := Keys(self._stage).attach()):
            echo(f"added to the usage plan: the keys {', '.join(attached)}")
        echo(f"functions and API: {self._stage.url}")
        if target := self._stage.outputs.get("ApiTarget"):
            echo(f"point the DNS record of {values['ApiHost']} to {target}")

    def _packages(self, echo: Echo) -> Packages:
        """Deploy and return the bucket of packages: a stack of its own, since the other stacks' templates are in it."""
        document, stack = read_template(PACKAGES), self._stage.stack("packages")
        given = only(document["Parameters"], self._parameters)
        stack.deploy(Deployment(as_text(document), given, self._stage.tags), echo)
        return Packages(self._stage, stack.outputs["PackageBucket"], echo)

    def _deploy(
        self, packages: Packages, part: str, template: Mapping[str, Any], values: Mapping[str, str], echo: Echo
    ) -> dict[str, str]:
        """Deploy one of the stage's stacks by its template in S3, and return its outputs."""
        wanted = Deployment(
            packages.url_of(as_text(template)),
            only(template["Parameters"], values),
            self._stage.tags,
            ("CAPABILITY_NAMED_IAM" if part == "backfill" else "CAPABILITY_IAM",),
            protected=not part and values["DatabaseProtected"] == "true",
            options=self._watched(part, values, echo),
        )
        stack = self._stage.stack(part)
        stack.deploy(wanted, echo, self._confirm)
        return stack.outputs

    def _watched(self, part: str, values: Mapping[str, str], echo: Echo) -> dict[str, Any]:
        """Return the option with which an alarm rolls back a stack's change, during the change and some time after.

        Without an alarm to watch, the option says so: CloudFormation would use the alarms of the last change again.
        """
        prefix, shifts = f"faunalens-{self._stage.name}-", values["Traffic"] != "AllAtOnce"
        name = f"{prefix}{part}-page".replace("--", "-")
        names = [name, *(f"{prefix}{each}" for each in WATCHED if shifts and not part)]
        ask = self._stage.client("cloudwatch").describe_alarms
        found = ask(AlarmNames=names, AlarmTypes=["CompositeAlarm", "MetricAlarm"])
        if on := [each["AlarmName"] for each in found.get("MetricAlarms", []) if each["StateValue"] == "ALARM"]:
            echo(f"warning: while alarm {', '.join(on)} is on, only a release with --set Traffic=AllAtOnce succeeds")
        alarms = found.get("CompositeAlarms", [])
        if any(each["StateValue"] == "ALARM" for each in alarms):
            echo(f"warning: alarm {name} is on already, so it does not watch this change")
            alarms = []
        triggers = [{"Arn": each["AlarmArn"], "Type": "AWS::CloudWatch::CompositeAlarm"} for each in alarms]
        minutes = WATCHED_MINUTES if triggers and shifts else 0
        return {"RollbackConfiguration": {"RollbackTriggers": triggers, "MonitoringTimeInMinutes": minutes}}

    def _prefix_list(self, name: str) -> str:
        """Return the id of one of AWS's prefix lists in the stage's region, or "" if there is no list of this name."""
        filters = [{"Name": "prefix-list-name", "Values": [name]}]
        found = self._stage.client("ec2").describe_managed_prefix_lists(Filters=filters)["PrefixLists"]
        return str(next((each["PrefixListId"] for each in found if each["PrefixListName"] == name), ""))

    def _prepare_database(self, echo: Echo) -> None:
        self._run_admin_command(["prepare", self._stage.output("DatabaseUser")], echo)

    def _load_data(self, echo: Echo) -> None:
        url = f"rediss://{self._stage.output('CacheUser')}@{self._stage.output('CacheEndpoint')}"
        self._run_admin_command(["load", "--redis-url", f"{url}:{self._stage.output('CachePort')}"], echo)

    def _run_admin_command(self, command: list[str], echo: Echo) -> None:
        for line in invoke.ask_admin(self._stage, command, echo):
            echo(line)

    def _deploy_web(self, echo: Echo) -> None:
        values = self._parameters
        if not values["WebImage"]:
            echo("skipped: there is no image; name one with --web")
            return
        check_names(values)
        values |= self._zones()
        if values["WebCdn"] == "yes" and not values["WebCdnPrefixList"]:
            values["WebCdnPrefixList"] = self._prefix_list(CDN_PREFIX_LIST)
        template = web_template(self._stage.name, runbook_url(ROOT), int(values["WebMostTasks"]))
        outputs = self._deploy(self._packages(echo), "web", template, values, echo)
        if not has_tls(values):
            echo("WARNING: the website has no TLS, so everyone on the way can read photos and places; for a trial only")
        echo(f"website: {outputs['WebUrl']}")

    def _deploy_backfill(self, echo: Echo) -> None:
        values = self._parameters
        if values["BackfillConcurrency"] == "0":
            echo("skipped: BackfillConcurrency is 0; docs/how-to/million.md says how many batches at a time to choose")
            return
        preconditions.check_batch_callers(self._stage.name, values)
        outputs = self._deploy(self._packages(echo), "backfill", read_template(BACKFILL), values, echo)
        secret = outputs.get("WebhookSecret", "none")
        echo(f"batches at a time: {values['BackfillConcurrency']}; secret of the webhook: {secret}")

    @property
    def _releases(self) -> Releases:
        return Releases(self._stage.client("lambda"), self._stage.name)

    def _prune(self, echo: Echo) -> None:
        self._releases.prune(echo)

    def _smoke(self, echo: Echo) -> None:
        try:
            smoke.check_stage(self._stage, echo)
        except PreconditionFailed as error:
            if self._before in ("", commit()):  # there was no release before this one
                raise
            self._releases.roll_back(echo, self._before)
            raise PreconditionFailed(f"{error}\nThe release was rolled back; {self._before} runs again") from error
        try:
            smoke.check_recipients(self._stage, echo)
        except PreconditionFailed as error:
            echo(f"warning: {error}")
