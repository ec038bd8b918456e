"""The steps of `python -m infra up`: create a stage, or update it to this checkout."""

from collections.abc import Collection, Sequence

from botocore.config import Config

from chalicelib.config.settings import ROOT
from cloudwatch import template as dashboards
from cloudwatch.figures import FileError
from cloudwatch.files import Placeholders
from cloudwatch.lint.folder import lint
from cloudwatch.project import runbook_url
from infra import api_stage, certificates, chalice_project, functions, invoke, preconditions, smoke
from infra.functions import function_config, function_name
from infra.keys import Keys
from infra.stage import Stage
from infra.step import Echo, PreconditionFailed, Step
from infra.template import BACKFILL, EDGE, STACK, STREAM, only, parameters_of, read_template, template_text
from infra.template.web import CDN_PREFIX_LIST, as_text, check_names, tls_warnings, web_template

DATABASE_PATIENCE = "40"  # seconds that the administrative function waits for a paused database


class Up:
    """The steps that bring `stage` up.

    `without`: what the user explicitly leaves out of a production stage: `alarms`, `budget` or both.
    """

    def __init__(self, stage: Stage, without: Collection[str] = ()) -> None:
        self._stage, self._without = stage, without

    def steps(self) -> list[Step]:
        """Return all steps in order. Each step first checks which resources exist, so any step can be repeated."""
        return [
            Step("checkout", "check model, certificates and the account's concurrency", self._check),
            Step("certificates", "compare the packaged certificates with those of RDS", self._check_certificates),
            Step("stack", "deploy network, database, cache and bucket", self._deploy_stack, minutes=15),
            Step("configuration", "write the stage's addresses into .chalice/config.json", self._configure),
            Step("app", "deploy functions and API with chalice deploy", self._deploy_app, minutes=2),
            Step("functions", "limit the functions' retries, and their roles", self._limit_functions),
            Step("limits", "set the throttling and the log of the API, and deploy its firewall and keys", self._limit),
            Step("database", "create the schema and the read-only user", self._prepare_database, minutes=1),
            Step("data", "load the animals of this checkout", self._load_data, minutes=1),
            Step("stream", "have the queue of new photos call the batch function", self._deploy_stream),
            Step("web", "deploy the web tier, if --web names an image of it", self._deploy_web, minutes=5),
            Step("backfill", "deploy the backfill, if BackfillConcurrency is not 0", self._deploy_backfill, minutes=1),
            Step("dashboards", "deploy dashboards, alarms and saved queries", self._deploy_dashboards, minutes=1),
            Step("smoke", "check that the API answers", self._smoke, minutes=1),
        ]

    def _check(self, echo: Echo) -> None:
        model = ROOT / "vendor" / "model" / "faunalens.onnx"  # the packaged one
        if not model.is_file():
            raise PreconditionFailed("the model has not been built; run: make setup")
        certificates.file_of(self._stage.region)
        preconditions.check_production(self._stage.name, self._parameters, self._without)
        echo(f"model: {model.stat().st_size / 1e6:.1f} MB; certificates: {self._stage.region}")
        reserved = chalice_project.reservations(self._stage.name)
        self._check_batches()
        left = preconditions.check_concurrency(self._stage.client("lambda"), reserved)
        echo(f"concurrency: {sum(reserved.values())} reserved, {left} left for the account's other functions")

    def _check_batches(self) -> None:
        reserved = chalice_project.reservations(self._stage.name)
        preconditions.check_batch_callers(self._parameters, reserved.get(function_name(self._stage.name, "batch")))

    def _deploy_stack(self, echo: Echo) -> None:
        self._check_not_single_stack()
        values = self._parameters
        if not values["S3PrefixList"]:
            # The functions may connect to the addresses in this list.
            values["S3PrefixList"] = self._prefix_list(f"com.amazonaws.{self._stage.region}.s3")
        self._deploy(STACK, "", values, echo)

    @property
    def _parameters(self) -> dict[str, str]:
        return parameters_of(self._stage.name, self._stage.parameters)

    def _deploy(
        self, template: str, part: str, values: dict[str, str], echo: Echo, capabilities: Sequence[str] = ()
    ) -> None:
        text, declared = template_text(template), read_template(template)["Parameters"]
        self._stage.stack(part).deploy(text, only(declared, values), self._stage.tags, echo, capabilities)

    def _check_not_single_stack(self) -> None:
        if self._stage.is_single_stack:
            raise PreconditionFailed(
                f"a pipeline created stack faunalens-{self._stage.name} with its functions, and this step would delete "
                "them; update the stage as docs/how-to/pipeline.md says"
            )

    def _prefix_list(self, name: str) -> str:
        """Return the id of a prefix list of AWS in the region, or "" if there is none."""
        filters = [{"Name": "prefix-list-name", "Values": [name]}]
        found = self._stage.client("ec2").describe_managed_prefix_lists(Filters=filters)["PrefixLists"]
        return str(next((each["PrefixListId"] for each in found if each["PrefixListName"] == name), ""))

    def _check_certificates(self, echo: Echo) -> None:
        region = self._stage.region
        if unknown_cas := certificates.unknown_cas(self._stage.client("rds"), region):
            raise PreconditionFailed(
                f"chalicelib/rds/{region}.pem does not contain {', '.join(unknown_cas)}, which RDS uses; download "
                "the region's certificate bundle to this file (the Aurora guide links to the bundles under SSL/TLS)"
            )
        echo("the package contains every certificate authority of RDS")

    def _configure(self, echo: Echo) -> None:
        limits = api_stage.limit_variables(self._stage.name, self._parameters)
        config = function_config(self._stage.outputs, self._stage.region, limits)
        changed = chalice_project.write_config(self._stage.name, config)
        echo(".chalice/config.json is written; commit it" if changed else "the addresses are already there")

    def _deploy_app(self, echo: Echo) -> None:
        self._check_not_single_stack()
        chalice_project.refresh(self._stage.session, self._stage.name, self._stage.region)
        chalice_project.run_chalice("deploy", self._stage.name, self._stage.region, echo)

    def _limit_functions(self, echo: Echo) -> None:
        functions.limit_async_calls(self._stage.client("lambda"), self._stage.name)
        found = chalice_project.read_resources(self._stage.name).values()
        roles = [each["role_name"] for each in found if each["resource_type"] == "iam_role"]
        boundary = self._stage.outputs.get("PermissionsBoundary", "")
        functions.apply_boundary(self._stage.client("iam"), roles, boundary)
        echo(f"retries: none; permissions boundary of {len(roles)} roles: {boundary or 'none'}")

    def _limit(self, echo: Echo) -> None:
        api = chalice_project.read_resources(self._stage.name)["rest_api"]["rest_api_id"]
        total, limits = api_stage.throttle_limits(self._stage.name), api_stage.method_limits(self._stage.name)
        api_stage.throttle(self._stage.client("apigateway"), api, self._stage.name, limits)
        echo(f"limits: {total.rate} requests per second, {total.burst} at once, divided among {len(limits)} methods")
        log = self._stage.outputs.get("AccessLogArn", "")
        changed = api_stage.apply_access_log(self._stage.client("apigateway"), api, self._stage.name, log)
        echo(f"access log: {log or 'off'}{'' if changed else ', as before'}")
        values = self._parameters
        if values["Firewall"] == "yes" or api_stage.demands_keys(values):
            self._deploy(EDGE, "edge", {**values, "RestApiId": api}, echo)
            self._attach_keys(values, echo)
        else:  # a stack without any resource is not possible
            self._stage.stack("edge").delete(echo)

    def _attach_keys(self, values: dict[str, str], echo: Echo) -> None:
        if api_stage.demands_keys(values) and (attached := Keys(self._stage).attach()):
            echo(f"added to the usage plan: the keys {', '.join(attached)}")

    def _prepare_database(self, echo: Echo) -> None:
        self._run_admin_command(["prepare", self._stage.output("DatabaseUser")], echo)

    def _load_data(self, echo: Echo) -> None:
        url = f"rediss://{self._stage.output('CacheUser')}@{self._stage.output('CacheEndpoint')}"
        self._run_admin_command(["load", "--redis-url", f"{url}:{self._stage.output('CachePort')}"], echo)

    def _run_admin_command(self, command: Sequence[str], echo: Echo) -> None:
        # A retry would start the load twice. Keepalive, since a NAT or firewall may drop an idle connection.
        config = Config(read_timeout=310, retries={"total_max_attempts": 1}, tcp_keepalive=True)
        client = self._stage.client("lambda", config=config)
        invoke.run_admin_command(client, self._stage.name, [*command, "--patience", DATABASE_PATIENCE], echo)

    def _deploy_stream(self, echo: Echo) -> None:
        values = self._parameters
        if self._stage.is_single_stack:
            echo("skipped: the pipeline's template contains the stream")
        elif values["StreamConcurrency"] == "0":
            self._stage.stack("stream").delete(echo)
        else:
            self._deploy(STREAM, "stream", values, echo)

    def _deploy_web(self, echo: Echo) -> None:
        values = self._parameters
        if not values["WebImage"]:
            echo("skipped: there is no image; name one with --web")
            return
        check_names(values)
        if values["WebCdn"] == "yes" and not values["WebCdnPrefixList"]:
            values["WebCdnPrefixList"] = self._prefix_list(CDN_PREFIX_LIST)
        template = web_template(self._stage.name, runbook_url(ROOT))
        given, stack = only(template["Parameters"], values), self._stage.stack("web")
        stack.deploy(as_text(template), given, self._stage.tags, echo, ["CAPABILITY_IAM"])
        for line in tls_warnings(values):
            echo(line)
        echo(f"website: {stack.outputs['WebUrl']}")

    def _deploy_backfill(self, echo: Echo) -> None:
        values = self._parameters
        if values["BackfillConcurrency"] == "0":
            echo("skipped: BackfillConcurrency is 0; docs/how-to/million.md says how many batches at a time to choose")
            return
        self._check_batches()
        self._deploy(BACKFILL, "backfill", values, echo, ["CAPABILITY_NAMED_IAM"])
        secret = self._stage.stack("backfill").outputs.get("WebhookSecret", "none")
        echo(f"batches at a time: {values['BackfillConcurrency']}; secret of the webhook: {secret}")

    def _deploy_dashboards(self, echo: Echo) -> None:
        if findings := lint().findings:
            raise PreconditionFailed("\n".join(["dashboards/ has problems; fix them first:", *map(str, findings)]))
        topic = self._stage.output("AlarmTopic")
        containers = str(preconditions.account_limit(self._stage.client("lambda")))
        placeholders = Placeholders(self._stage.name, runbook=runbook_url(ROOT), topic=topic, containers=containers)
        try:
            text = dashboards.as_text(dashboards.template(placeholders))
        except FileError as error:  # such as a limit that is missing in infra/stages
            raise PreconditionFailed(str(error)) from error
        # The template is too large for a request, so CloudFormation reads it from the bucket of packages.
        bucket, key = self._stage.output("PackageBucket"), "dashboards.json"
        self._stage.client("s3").put_object(Bucket=bucket, Key=key, Body=text.encode())
        url = f"https://s3.{self._stage.region}.amazonaws.com/{bucket}/{key}"
        self._stage.stack("dashboards").deploy(url, {}, self._stage.tags, echo)
        try:
            smoke.check_recipients(self._stage.client("sns"), topic, echo)
        except PreconditionFailed as error:
            echo(f"warning: {error}")

    def _smoke(self, echo: Echo) -> None:
        smoke.check_stage(self._stage, echo)
