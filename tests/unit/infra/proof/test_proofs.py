"""Each proof says what it saw, and a person is asked about the rest."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest
from botocore.exceptions import ClientError, NoCredentialsError

from chalicelib.api.page import page_key
from infra import smoke
from infra.proof import proofs
from infra.proof.proofs import Prove, Trial, Undecided
from infra.proof.report import Claim, Outcome, ProofReport
from infra.smoke import Answer, Upload
from infra.stage import Stage
from infra.step import PreconditionFailed
from tests.unit.infra.fake_aws import Client, Session, error

BEGAN = datetime(2026, 11, 26, 12, tzinfo=UTC)


def trial(**clients: Client) -> Trial:
    """Return a trial whose stage has these clients, by service."""
    return Trial(Stage("dev", "eu-west-1", Session(**clients), {}), lambda _: None)


def metrics(**found: list[float]) -> Client:
    """Return a fake CloudWatch with these values for each metric."""

    def get(MetricName: str, Statistics: list[str], **_: Any) -> dict[str, Any]:  # noqa: N803
        return {"Datapoints": [{Statistics[0]: value} for value in found.get(MetricName, [])]}

    return Client(get_metric_statistics=get)


def capacity(*units: float) -> dict[str, Client]:
    """Return the clients of a stage whose database had these capacities."""
    return {"cloudwatch": metrics(ServerlessDatabaseCapacity=[*units])}


def aurora(status: str) -> Client:
    cluster = {"Status": status, "Engine": "aurora-postgresql", "EngineVersion": "17.9"}
    return Client(describe_db_clusters=lambda **_: {"DBClusters": [cluster]})


def functions(state: str, *subnets: str) -> Client:
    found = {"State": state, "VpcConfig": {"SubnetIds": list(subnets)}, "StateReason": "no network"}
    return Client(get_function_configuration=lambda **_: found)


def logs(*messages: str) -> Client:
    return Client(filter_log_events=lambda **_: {"events": [{"message": each} for each in messages]})


def stack(minutes: float | None) -> Client:
    events = [{"LogicalResourceId": "faunalens-dev", "ResourceStatus": "CREATE_IN_PROGRESS", "Timestamp": BEGAN}]
    if minutes is not None:
        ended = {"ResourceStatus": "CREATE_COMPLETE", "Timestamp": BEGAN + timedelta(minutes=minutes)}
        events.append({"LogicalResourceId": "Database", **ended, "Timestamp": BEGAN + timedelta(minutes=1)})
        events.append({"LogicalResourceId": "faunalens-dev", **ended})
    return Client(describe_stack_events=lambda **_: {"StackEvents": events})


def drift(state: str, drifted: int = 0) -> Client:
    found = {"DetectionStatus": "DETECTION_COMPLETE", "StackDriftStatus": state, "DriftedStackResourceCount": drifted}
    kinds = {"AlarmPage": "AWS::CloudWatch::CompositeAlarm", "Database": "AWS::RDS::DBCluster"}
    listed = [{"LogicalResourceId": name, "ResourceType": kind} for name, kind in kinds.items()]

    def detect(LogicalResourceIds: list[str], **_: str) -> dict[str, str]:  # noqa: N803
        assert LogicalResourceIds == ["AlarmPage"]
        return {"StackDriftDetectionId": "1"}

    return Client(
        list_stack_resources=lambda **_: {"StackResourceSummaries": listed},
        detect_stack_drift=detect,
        describe_stack_drift_detection_status=lambda **_: found,
    )


@pytest.mark.parametrize(
    ("proof", "clients", "seen"),
    [
        (proofs.database_version, {"rds": aurora("available")}, "aurora-postgresql 17.9 in eu-west-1"),
        (proofs.load_time, {"cloudwatch": metrics(Duration=[1500.0, 42_000.0])}, "took 42.0 s"),
        (proofs.network_denial, {"lambda": functions("Active", "subnet-1")}, "4 functions are active and in the net"),
        (proofs.rights, {"logs": logs()}, "no refused call"),
        (proofs.warming, {"cloudwatch": metrics(WarmingRuns=[1.0, 1.0])}, "2 runs in half an hour"),
        (proofs.stack_time, {"cloudformation": stack(14.5)}, "created in 14.5 minutes"),
        (proofs.cold_start, {"cloudwatch": metrics(InitLatency=[400.0, 900.0])}, "400 to 900 ms"),
        (proofs.capacity, capacity(0.0, 0.5, 2.5), "1.50 ACU on average while awake, at most 2.50"),
        (proofs.dashboards, {"cloudformation": drift("IN_SYNC")}, "stores 1 of 1 dashboards and alarms as"),
        (proofs.pause, capacity(0.0, 0.5), "paused in 1 of 2 times"),
    ],
    ids=lambda each: getattr(each, "__name__", ""),
)
def test_a_claim_is_proved(proof: Callable[[Trial], str], clients: dict[str, Client], seen: str) -> None:
    assert seen in proof(trial(**clients))


@pytest.mark.parametrize(
    ("proof", "clients", "seen"),
    [
        (proofs.load_time, {"cloudwatch": metrics(Duration=[300_000.0])}, "ran for 300 s"),
        (proofs.network_denial, {"lambda": functions("Failed", "subnet-1")}, "is Failed, in 1 subnets: no network"),
        (proofs.network_denial, {"lambda": functions("Active")}, "is Active, in 0 subnets"),
        (proofs.rights, {"logs": logs("AccessDenied: s3")}, "1 lines in the log of faunalens-dev.* refused calls"),
        (proofs.dashboards, {"cloudformation": drift("DRIFTED", 2)}, "2 resources differ"),
        (proofs.stack_time, {"cloudformation": stack(45)}, "created in 45.0 minutes, expected at most 30"),
        (proofs.cold_start, {"cloudwatch": metrics(InitLatency=[2000.0])}, "assumed at most 1500 ms"),
        (proofs.capacity, capacity(8.0), "expected at most 2 on average"),
        # without evidence, a claim stays open
        (proofs.database_version, {"rds": aurora("creating")}, ""),
        (proofs.stack_time, {"cloudformation": stack(None)}, ""),
        *((each, {"cloudwatch": metrics()}, "") for each in (proofs.load_time, proofs.warming, proofs.cold_start)),
        (proofs.capacity, capacity(0.0), ""),
        (proofs.pause, capacity(0.5), ""),
    ],
    ids=lambda each: getattr(each, "__name__", ""),
)
def test_a_claim_is_refuted_or_stays_open(proof: Callable[[Trial], str], clients: dict[str, Client], seen: str) -> None:
    with pytest.raises(PreconditionFailed if seen else Undecided, match=seen or None):
        proof(trial(**clients))


def test_a_stage_that_demands_keys_gets_that_of_the_page(monkeypatch: pytest.MonkeyPatch) -> None:
    api = "https://abc.execute-api.eu-west-1.amazonaws.com/dev/"
    form = {"url": "https://bucket/", "fields": {"key": "uploads/one"}, "identify_url": "/dev/uploads/one/identify"}

    def fetch(url: str, data: bytes | None = None, content_type: str = "", key: str = "", **_: Any) -> Answer:  # noqa: ARG001
        is_let_in = not url.startswith(api) or key == page_key("dev", "abc")
        return Answer(200 if is_let_in else 403, {}, json.dumps(form).encode())

    monkeypatch.setattr(Stage, "url", api)
    monkeypatch.setattr(Stage, "output", lambda *_: "bucket")
    monkeypatch.setattr(smoke, "fetch", fetch)
    # WHEN photos are sent to a stage with ApiKeys=required THEN it lets them in
    assert proofs.heic(trial()) == "a HEIC photo was identified"
    assert proofs.uploads(trial()) == "an uploaded photo was identified"
    with pytest.raises(PreconditionFailed, match="could be read from outside"):
        proofs.photos_private(trial(s3=Client(get_object=lambda **_: {})))


def test_a_photo_is_private_if_it_is_there_and_nobody_can_read_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Stage, "url", "https://api/dev/")
    monkeypatch.setattr(Stage, "output", lambda *_: "bucket")
    monkeypatch.setattr(smoke, "upload", lambda *_: Upload("uploads/one", "https://api/dev/uploads/one/identify"))

    def read(refusal: Exception | None) -> str:
        return proofs.photos_private(trial(s3=Client(get_object=Mock(side_effect=refusal))))

    assert "refused" in read(error("AccessDenied")())
    for refusal, raised in ((error("NoSuchKey")(), ClientError), (None, PreconditionFailed)):
        with pytest.raises(raised):
            read(refusal)


def test_the_form_of_a_gateways_own_error_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Stage, "url", "https://api/dev/")

    def asked(status: int, kind: str, **origin: str) -> str:
        monkeypatch.setattr(smoke, "fetch", lambda _: Answer(status, {"content-type": kind, **origin}, b"{}"))
        return proofs.gateway_errors(trial())

    every = {"access-control-allow-origin": "*"}
    assert "an unknown path returned 404" in asked(404, "application/problem+json; charset=utf-8", **every)
    with pytest.raises(PreconditionFailed, match="status 403"):
        asked(403, "application/json", **every)
    with pytest.raises(PreconditionFailed, match="allowed origin None, status 404"):
        asked(404, "application/problem+json")


TRIED = Claim("tried", "It works", "we hope so", proof="try_it")
ASKED = Claim("asked", "It looks good", "we hope so", how="Look at faunalens-STAGE. Is it so?")


@pytest.fixture
def report(tmp_path: Path) -> ProofReport:
    return ProofReport("dev", "eu-west-1", tmp_path)


def raising(error: Exception) -> Callable[[Trial], str]:
    def proof(_: Trial) -> str:
        raise error

    return proof


@pytest.mark.parametrize(
    ("proof", "outcome", "seen"),
    [
        (lambda _: "it did", Outcome.PROVED, "it did"),
        (raising(PreconditionFailed("it did not")), Outcome.REFUTED, "it did not"),
        (raising(Undecided("come back later")), Outcome.OPEN, "come back later"),
        (raising(NoCredentialsError()), Outcome.OPEN, "could not be tried: NoCredentialsError: "),
        (raising(KeyError("DBClusters")), Outcome.OPEN, "could not be tried: KeyError: 'DBClusters'"),
    ],
)
def test_a_proof_has_three_outcomes(
    report: ProofReport, monkeypatch: pytest.MonkeyPatch, proof: Any, outcome: Outcome, seen: str
) -> None:
    monkeypatch.setattr(proofs, "PROOFS", {"try_it": proof})
    output: list[str] = []
    Prove(trial(), report, None, output.append).run([TRIED])
    assert (found := report.finding(TRIED))
    assert (found.outcome, found.seen[: len(seen)]) == (outcome, seen)
    assert output[:2] == ["[1/1] tried", "      It works."]
    assert output[-1].startswith(f"      => {outcome}: {seen}")


@pytest.mark.parametrize(
    ("replies", "outcome"),
    [(["y", "all"], Outcome.PROVED), (["No", "two are empty"], Outcome.REFUTED), ([""], None), (["later"], None)],
)
def test_a_person_answers_yes_no_or_later(report: ProofReport, replies: list[str], outcome: Outcome | None) -> None:
    rest, output = iter(replies), list[str]()
    Prove(trial(), report, lambda _: next(rest), output.append).run([ASKED])
    assert "      Look at faunalens-dev. Is it so?" in output
    found = report.finding(ASKED)
    assert (found and (found.outcome, found.seen)) == (outcome and (outcome, replies[-1]))


def test_without_a_person_and_without_a_stage_nothing_changes(report: ProofReport) -> None:
    # GIVEN a claim that was proved before the stage went down
    report.add(TRIED, Outcome.PROVED, "it did")
    # WHEN the claims are gone through without a stage, and there is no one to ask
    output: list[str] = []
    Prove(None, report, None, output.append).run([TRIED, ASKED])
    # THEN the finding stays, and the other claim is open
    assert "      the stage is not up, so nothing is tried" in output
    assert [line.partition(" (")[0] for line in output if "=>" in line] == ["      => proved: it did", "      => open"]
