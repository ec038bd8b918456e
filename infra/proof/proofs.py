"""Prove claims of claims.toml on a stage that is up, and ask people about the claims that no program can prove.

Each function proves one claim; claims.toml names it. It returns what it saw. It raises `PreconditionFailed` if the
claim is wrong, and `Undecided` if that cannot be known yet.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from textwrap import fill
from typing import Any, NamedTuple

from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.errors import UnsupportedMediaType
from chalicelib.telemetry.metrics import NAMESPACE
from infra import invoke, smoke
from infra.cost import ASSUMPTIONS
from infra.proof.report import Claim, Outcome, ProofReport
from infra.stage import Stage
from infra.step import Echo, PreconditionFailed, poll

HEIC = Path(__file__).parent / "photo.heic"  # 64 by 64 pixels
RECENT = timedelta(days=1)

_STACK_MINUTES = 30.0  # longest time in which a stack may be created: twice the expected one
_AWAKE_ACU = 2.0  # largest average capacity of a quiet stage's database while it is awake
_DRIFT_PAUSE, _DRIFT_PATIENCE = 5.0, 300.0  # seconds; CloudFormation compares about one resource a second
_WATCHING = ("AWS::CloudWatch::Alarm", "AWS::CloudWatch::CompositeAlarm", "AWS::CloudWatch::Dashboard")
_CREATION = ("CREATE_IN_PROGRESS", "CREATE_COMPLETE")


class Undecided(Exception):
    """The claim can be neither proved nor disproved yet. The message says why, and what would help."""


class Trial(NamedTuple):
    """A stage on which claims are checked. `echo` prints progress."""

    stage: Stage
    echo: Echo

    def day_of(
        self, metric: str, statistic: str, namespace: str, where: Mapping[str, str], missing: str
    ) -> list[float]:
        """Return a metric's values, one for each five minutes of the last day.

        Raise `Undecided(missing)` if there are none. `where`: the metric's dimensions.
        """
        began = datetime.now(UTC) - RECENT
        if found := smoke.metric_statistics(self.stage, namespace, metric, where, statistic, began, 300):
            return found
        raise Undecided(missing)

    def capacity(self, statistic: str, missing: str) -> list[float]:
        """Return a statistic, such as `Minimum`, of the database's capacity (ACU) in each five minutes of the last day.

        Raise `Undecided(missing)` if there are no values.
        """
        cluster = {"DBClusterIdentifier": self.name}
        return self.day_of("ServerlessDatabaseCapacity", statistic, "AWS/RDS", cluster, missing)

    @property
    def name(self) -> str:
        """The name of the stage's stack and of its database cluster."""
        return f"faunalens-{self.stage.name}"

    @property
    def key(self) -> str:
        """The page's key of the API."""
        return smoke.key_of(self.stage.url, self.stage.name)


def answers(trial: Trial) -> str:
    """Run the smoke test."""
    smoke.check_stage(trial.stage, trial.echo)
    return "health, animals, identification and memory as expected"


def database_sign_in(trial: Trial) -> str:
    """List the datasets through the function `admin`, which signs in to the database."""
    invoke.ask_admin(trial.stage, ["list"], trial.echo)
    return "the administrative function listed the datasets"


def cache_sign_in(trial: Trial) -> str:
    """Ask the API's function whether it can sign in to the cache."""
    state = smoke.wait_for_health(partial(invoke.ask_health, trial.stage, trial.echo), trial.echo)["cache"]
    if state["state"] != "ok":
        raise PreconditionFailed(f"cache is {state['state']} ({state['detail']})")
    return "the health check reaches the cache"


def database_version(trial: Trial) -> str:
    """Read the version of the Aurora cluster."""
    (cluster,) = trial.stage.client("rds").describe_db_clusters(DBClusterIdentifier=trial.name)["DBClusters"]
    if cluster["Status"] != "available":
        raise Undecided(f"the database is {cluster['Status']}; try again once it is available")
    return f"{cluster['Engine']} {cluster['EngineVersion']} in {trial.stage.region}"


def load_time(trial: Trial) -> str:
    """Read from CloudWatch how long the longest run of the function `admin` took."""
    missing = "no load in the last day; run: python -m infra up --only data"
    found = trial.day_of("Duration", "Maximum", "AWS/Lambda", {"FunctionName": f"{trial.name}-admin"}, missing)
    if max(found) >= 300_000:
        raise PreconditionFailed("the function `admin` ran for 300 s, which is its timeout")
    return f"the longest run of the administrative function in a day took {max(found) / 1e3:.1f} s"


def network_denial(trial: Trial) -> str:
    """Check that each function is active, and in the stage's private network."""
    lambdas = trial.stage.client("lambda")
    for name in trial.stage.functions:
        found = lambdas.get_function_configuration(FunctionName=name)
        subnets, state = found.get("VpcConfig", {}).get("SubnetIds"), found.get("State")
        if not subnets or state not in ("Active", "Inactive"):
            reason = found.get("StateReason", "no reason given")
            raise PreconditionFailed(f"{name} is {state}, in {len(subnets or [])} subnets: {reason}")
    return f"{len(trial.stage.functions)} functions are active and in the network"


def rights(trial: Trial) -> str:
    """Search the functions' logs of the last day for refused calls."""
    began, refused = datetime.now(UTC) - RECENT, "?AccessDenied ?UnauthorizedOperation ?NOPERM"
    where = {"filterPattern": refused, "startTime": int(began.timestamp() * 1e3)}
    for name in trial.stage.functions:
        pages = trial.stage.pages("logs", "filter_log_events", logGroupName=f"/aws/lambda/{name}", **where)
        if found := [event["message"] for page in pages for event in page["events"]]:
            raise PreconditionFailed(f"{len(found)} lines in the log of {name} report refused calls: {found[0][:200]}")
    return "no refused call in a day of the functions' logs"


def uploads(trial: Trial) -> str:
    """Send a photo through the bucket, and have it identified."""
    identify_url = smoke.upload(trial.stage.url, smoke.PHOTO.read_bytes(), trial.key).identify_url
    answer = smoke.fetch(f"{identify_url}?location=none", b"", key=trial.key)
    if answer.status != 200:
        raise PreconditionFailed(f"the identification of an upload returned {answer}")
    return "an uploaded photo was identified"


def photos_private(trial: Trial) -> str:
    """Upload a photo, and try to read it from here."""
    uploaded = smoke.upload(trial.stage.url, smoke.PHOTO.read_bytes(), trial.key)
    try:
        trial.stage.client("s3").get_object(Bucket=trial.stage.output("PhotoBucket"), Key=uploaded.key)
    except ClientError as error:
        if error.response["Error"]["Code"] in ("AccessDenied", "403"):
            return "the bucket refused to give a photo to these credentials"
        raise
    raise PreconditionFailed("a photo could be read from outside the network")


def heic(trial: Trial) -> str:
    """Have a small HEIC photo identified."""
    answer = smoke.fetch(f"{trial.stage.url}identify?location=none", HEIC.read_bytes(), "image/heic", trial.key)
    if UnsupportedMediaType.code.encode() in answer.body:
        raise Undecided("this package was built without HEIC")
    if answer.status != 200:
        raise PreconditionFailed(f"a HEIC photo returned {answer}")
    return "a HEIC photo was identified"


def gateway_errors(trial: Trial) -> str:
    """Ask for a path that API Gateway does not know."""
    answer = smoke.fetch(f"{trial.stage.url}no-such-path")
    kind, origin = answer.headers.get("content-type", ""), answer.headers.get("access-control-allow-origin")
    if (answer.status, kind.partition(";")[0], origin) != (404, "application/problem+json", "*"):
        raise PreconditionFailed(f"an unknown path returned {kind}, allowed origin {origin}, {answer}")
    return f"an unknown path returned {answer.status} as {kind}"


def metrics(trial: Trial) -> str:
    """Have a photo identified, and wait for its metric."""
    began = datetime.now(UTC)
    smoke.check_stage(trial.stage, trial.echo)
    smoke.wait_for_metric(trial.stage, began, trial.echo)
    return f"the metric was there {(datetime.now(UTC) - began).total_seconds():.0f} s after the first request"


def warming(trial: Trial) -> str:
    """Count the runs of warming in the last half hour."""
    began = datetime.now(UTC) - timedelta(minutes=30)
    if not (runs := smoke.metric_sum(trial.stage, "WarmingRuns", began)):
        raise Undecided("warming did not run in the last half hour; try again ten minutes after the deployment")
    return f"{runs:.0f} runs in half an hour"


def dashboards(trial: Trial) -> str:
    """Let CloudFormation compare the dashboards and alarms that it deployed with those in CloudWatch."""
    cloudformation, name = trial.stage.client("cloudformation"), trial.name
    pages = trial.stage.pages("cloudformation", "list_stack_resources", StackName=name)
    ours = [each for page in pages for each in page["StackResourceSummaries"] if each["ResourceType"] in _WATCHING]
    ids = [each["LogicalResourceId"] for each in ours]
    detection = cloudformation.detect_stack_drift(StackName=name, LogicalResourceIds=ids)["StackDriftDetectionId"]
    asked = partial(cloudformation.describe_stack_drift_detection_status, StackDriftDetectionId=detection)
    states = (asked() for _ in poll(_DRIFT_PAUSE, _DRIFT_PATIENCE))
    found: dict[str, Any] = next((each for each in states if each["DetectionStatus"] != "DETECTION_IN_PROGRESS"), {})
    if "StackDriftStatus" not in found:
        raise Undecided(f"CloudFormation did not finish: {found.get('DetectionStatusReason', 'no reason')}")
    if found["StackDriftStatus"] != "IN_SYNC":
        raise PreconditionFailed(f"{found['DriftedStackResourceCount']} resources differ from the stack {name}")
    return f"CloudWatch stores {len(ids)} of {len(ids)} dashboards and alarms as they were sent"


def recipients(trial: Trial) -> str:
    """Count the subscriptions of the topic to which alarms are sent."""
    return smoke.check_recipients(trial.stage, trial.echo)


def stack_time(trial: Trial) -> str:
    """Measure from the stack's creation to its first completion."""
    pages = trial.stage.pages("cloudformation", "describe_stack_events", StackName=trial.name)
    events = [event for page in pages for event in page["StackEvents"] if event["LogicalResourceId"] == trial.name]
    times = {state: [e["Timestamp"] for e in events if e["ResourceStatus"] == state] for state in _CREATION}
    if not all(times.values()):
        raise Undecided("CloudFormation no longer has the events of the stack's creation")
    began, ended = (min(times[state]) for state in _CREATION)
    minutes = (ended - began).total_seconds() / 60
    if minutes > _STACK_MINUTES:
        raise PreconditionFailed(f"stack created in {minutes:.1f} minutes, expected at most {_STACK_MINUTES:.0f}")
    return f"created in {minutes:.1f} minutes"


def cold_start(trial: Trial) -> str:
    """Read from CloudWatch how long the function's processes took to start."""
    where = smoke.app_dimensions(trial.stage)
    found = trial.day_of("InitLatency", "Average", NAMESPACE, where, "no cold start in the last day")
    seen = f"{min(found):.0f} to {max(found):.0f} ms from app.py to ready"
    if max(found) > ASSUMPTIONS["init_ms"].value:
        raise PreconditionFailed(f"{seen}, assumed at most {ASSUMPTIONS['init_ms'].value:.0f} ms with the download")
    return seen


def capacity(trial: Trial) -> str:
    """Read the database's capacity while it is awake."""
    missing = "the database was not awake in the last day, or CloudWatch does not know it yet"
    if not (found := [each for each in trial.capacity("Average", missing) if each]):
        raise Undecided(missing)
    average = sum(found) / len(found)
    seen = f"{average:.2f} ACU on average while awake, at most {max(found):.2f}"
    if average > _AWAKE_ACU:
        raise PreconditionFailed(f"{seen}; expected at most {_AWAKE_ACU:g} on average")
    return seen


def pause(trial: Trial) -> str:
    """Look for a time at which the database was paused."""
    missing = "the database has not paused in the last day; leave the stage without traffic for an hour"
    found = trial.capacity("Minimum", missing)
    if min(found) > 0:
        raise Undecided(missing)
    return f"paused in {sum(each == 0 for each in found)} of {len(found)} times five minutes"


_ALL: Sequence[Callable[[Trial], str]] = (
    *(answers, database_sign_in, cache_sign_in, database_version, load_time, network_denial, rights, uploads),
    *(photos_private, heic, gateway_errors, metrics, warming, dashboards, recipients, stack_time, cold_start),
    *(capacity, pause),
)
PROOFS = {each.__name__: each for each in _ALL}


Ask = Callable[[str], str]  # prints a question and returns the reply

_OUTCOMES = {"y": Outcome.PROVED, "n": Outcome.REFUTED}  # by the first letter of a person's reply
_INDENT = " " * 6
_paragraph = partial(fill, width=110, initial_indent=_INDENT, subsequent_indent=_INDENT, break_on_hyphens=False)


class Prove:
    """Checks claims one after another. `trial`: the stage, or None if none is up. `ask`: asks a person, or None."""

    def __init__(self, trial: Trial | None, report: ProofReport, ask: Ask | None, echo: Echo) -> None:
        self._trial, self._report, self._ask, self._echo = trial, report, ask, echo

    def run(self, claims: Sequence[Claim]) -> None:
        """Check each claim and save its result at once. If no stage is up, only ask about claims that need a person."""
        for number, claim in enumerate(claims, 1):
            self._echo(f"[{number}/{len(claims)}] {claim.name}")
            self._echo(_paragraph(f"{claim.claim}."))
            if found := self._tried(claim) if claim.proof else self._asked(claim):
                self._report.add(claim, *found)
            known = self._report.finding(claim)
            self._echo(f"{_INDENT}=> {known.outcome}: {known.seen} ({known.day})" if known else f"{_INDENT}=> open")

    def _tried(self, claim: Claim) -> tuple[Outcome, str] | None:
        if self._trial is None:
            self._echo(f"{_INDENT}the stage is not up, so nothing is tried")
            return None
        try:
            return Outcome.PROVED, PROOFS[claim.proof](self._trial)
        except Undecided as error:
            return Outcome.OPEN, str(error)
        except PreconditionFailed as error:
            return Outcome.REFUTED, str(error)
        except (ClientError, BotoCoreError, OSError, LookupError, ValueError) as error:
            return Outcome.OPEN, f"could not be tried: {type(error).__name__}: {error}"

    def _asked(self, claim: Claim) -> tuple[Outcome, str] | None:
        self._echo(_paragraph(claim.how.replace("STAGE", self._report.stage)))
        if self._ask is None:
            return None
        reply = self._ask(f"{_INDENT}Is it so? y: yes, n: no, anything else: later > ")
        if (outcome := _OUTCOMES.get(reply.strip().lower()[:1])) is None:
            return None
        return outcome, self._ask(f"{_INDENT}What did you see? (one line, may be empty) > ").strip()
