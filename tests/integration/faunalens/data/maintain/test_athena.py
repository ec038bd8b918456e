"""Counting on AWS, simulated by moto: the stack, a query in its workgroup, and what goes wrong."""

from collections.abc import Iterator
from typing import Any

import pytest
from moto.moto_api import state_manager

from faunalens.data.dataset_files import DatasetError
from faunalens.data.maintain.__main__ import main
from faunalens.data.maintain.athena import WORKGROUP, query, run
from faunalens.data.maintain.occurrences.filters import Filters
from tests.support.aws import ACCOUNT, REGION, Account, account
from tests.support.cloudformation import INFRA, in_account, resources

GBIF, RESULTS = "gbif-open-data-eu-central-1", "results"
SNAPSHOT = "2026-11-01"
STATEMENT = query(SNAPSHOT, Filters())

pytestmark = pytest.mark.filterwarnings("ignore:Tried to parse AWS")  # moto, about what it does not create


@pytest.fixture(scope="module")
def aws() -> Iterator[Account]:
    """An account with the stack, and GBIF's bucket. Moto's CloudFormation makes neither tables nor workgroups."""
    found = resources("athena.yaml", {"GbifBucket": GBIF})
    known = {"Results": RESULTS, "Catalog": "faunalens_gbif"}
    with account() as running:
        cloudformation = running.client("cloudformation")
        template = (INFRA / "athena.yaml").read_text(encoding="utf-8")
        capabilities = ["CAPABILITY_IAM"]
        cloudformation.create_stack(StackName="faunalens-athena", TemplateBody=template, Capabilities=capabilities)
        assert [each["Name"] for each in running.client("s3").list_buckets()["Buckets"]]
        (role,) = running.client("iam").list_roles()["Roles"]
        assert role["Description"] == "Counts GBIF's records on Athena"
        workgroup = in_account(found["Workgroup"]["Properties"], ACCOUNT, REGION, known)
        running.client("athena").create_work_group(
            Name=workgroup["Name"], Configuration=_typed(workgroup["WorkGroupConfiguration"])
        )
        glue = running.client("glue")
        glue.create_database(DatabaseInput=found["Catalog"]["Properties"]["DatabaseInput"])
        table = in_account(found["Occurrences"]["Properties"], ACCOUNT, REGION, known)
        glue.create_table(DatabaseName=table["DatabaseName"], TableInput=table["TableInput"])
        s3 = running.client("s3")
        s3.create_bucket(Bucket=GBIF, CreateBucketConfiguration={"LocationConstraint": REGION})
        s3.put_object(Bucket=GBIF, Key=f"occurrence/{SNAPSHOT}/occurrence.parquet/000000", Body=b"PAR1")
        yield running


@pytest.fixture(autouse=True)
def in_account_of_the_stack(aws: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in aws.environment.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def slow() -> Iterator[None]:
    """Let a query be queued, then run, then succeed: a state at each look."""
    state_manager.set_transition("athena::execution", {"progression": "manual", "times": 1})
    yield
    state_manager.unset_transition("athena::execution")


def _typed(configuration: dict[str, Any]) -> dict[str, Any]:
    """Return a workgroup's configuration with the limit as the number that CloudFormation makes of it."""
    return configuration | {"BytesScannedCutoffPerQuery": int(configuration["BytesScannedCutoffPerQuery"])}


@pytest.mark.usefixtures("slow")
def test_a_query_runs_in_the_workgroup_and_leaves_a_table(aws: Account) -> None:
    # GIVEN a snapshot in GBIF's bucket WHEN the query runs
    said: list[str] = []
    waited: list[float] = []
    counted = run(STATEMENT, SNAPSHOT, report=said.append, wait=waited.append)
    # THEN it waits for the end, and the statement writes to a folder of the result bucket that no other run has
    assert counted.folder.startswith(f"s3://{RESULTS}/occurrences/{SNAPSHOT}/")
    identity = said[0].split()[1]
    execution = aws.client("athena").get_query_execution(QueryExecutionId=identity)["QueryExecution"]
    assert f"to '{counted.folder}' with (format = 'PARQUET'" in execution["Query"]
    assert execution["QueryExecutionContext"] == {"Database": "faunalens_gbif"}
    assert execution["WorkGroup"] == WORKGROUP
    assert counted.citation == f"s3://{GBIF}/occurrence/{SNAPSHOT}/citation.txt"
    assert waited
    assert run(STATEMENT, SNAPSHOT, report=said.append, wait=waited.append).folder != counted.folder


def test_the_command_says_what_to_load(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["athena", "--run", "--snapshot", SNAPSHOT, "--months"]) == 0
    said = capsys.readouterr().out
    assert "which cost 0.00 US dollars" in said
    assert f"aws s3 cp --recursive s3://{RESULTS}/occurrences/{SNAPSHOT}/" in said
    assert "python -m faunalens.data.maintain load counts --months --citation" in said

    # BUT a snapshot that is not there is an error that names the latest
    assert main(["athena", "--run", "--snapshot", "2026-12-01"]) == 1
    assert "no snapshot of 2026-12-01; the latest is --snapshot 2026-11-01" in capsys.readouterr().err


def test_an_account_that_cannot_be_reached_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    with pytest.raises(DatasetError, match=r"AWS: .*127.0.0.1:9.*; docs/how-to/occurrences.md says what Athena needs"):
        run(STATEMENT, SNAPSHOT)


@pytest.mark.usefixtures("slow")
def test_ctrl_c_stops_the_query_on_athena_too(aws: Account) -> None:
    # GIVEN a query that runs WHEN its command is interrupted
    def interrupt(_seconds: float) -> None:
        raise KeyboardInterrupt

    said: list[str] = []
    with pytest.raises(KeyboardInterrupt):
        run(STATEMENT, SNAPSHOT, report=said.append, wait=interrupt)
    # THEN Athena has ended it
    identity = said[0].split()[1]
    execution = aws.client("athena").get_query_execution(QueryExecutionId=identity)["QueryExecution"]
    assert execution["Status"]["State"] == "CANCELLED"
