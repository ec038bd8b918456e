"""Packages go to Lambda through S3: on a slow line, on a line that breaks, and after a command that failed.

Chalice's own client sends them, over HTTP, through a proxy that simulates the line, to an account simulated by moto.
"""

import os
from collections import Counter
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import botocore.session
import pytest
from botocore.config import Config
from chalice.awsclient import TypedAWSClient
from click import ClickException
from moto.awslambda.models import lambda_backends

from infra.package import upload
from testing.aws import ACCOUNT, REGION, Account, account
from testing.proxy import Proxy

BUCKET = f"faunalens-dev-packages-{ACCOUNT}"
NAME = "faunalens-dev-managed-layer"
IMPATIENT = upload.SETTINGS.merge(Config(connect_timeout=1, retries={"mode": "standard", "total_max_attempts": 2}))
"""The production settings scaled down: a line is slow if the whole package takes longer than a second."""
RATE = 1_000_000
"""Bytes per second of the slow line. A part takes 5 s, of which the kernel's buffers hide up to 4."""


@pytest.fixture
def aws() -> Iterator[Account]:
    with account() as aws:
        aws.client("s3").create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
        yield aws


@pytest.fixture
def line(aws: Account, monkeypatch: pytest.MonkeyPatch) -> Iterator[Proxy]:
    """The line between this machine and the account."""
    with Proxy.to(urlsplit(aws.url).port or 0) as line:
        for name, value in aws.environment.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{line.port}")
        yield line


@pytest.fixture(autouse=True)
def _installed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Patch Chalice for one test, with the settings scaled down."""
    monkeypatch.setattr(TypedAWSClient, "_client", TypedAWSClient._client)
    monkeypatch.setattr(upload, "SETTINGS", IMPATIENT)
    upload.install()


class Command:
    """One command of Chalice. `calls`: number of requests by operation."""

    def __init__(self) -> None:
        self.calls: Counter[str] = Counter()
        session = botocore.session.get_session()
        session.register("before-send", lambda event_name, **_: self.calls.update([event_name.split(".")[-1]]))
        self.client = TypedAWSClient(session)

    def publish(self, data: bytes) -> str:
        """Publish a layer as Chalice does."""
        return str(self.client.publish_layer(NAME, data, "python3.13", "x86_64"))


def layer() -> bytes:
    """Return what the account received as the latest version of the layer."""
    *_, latest = lambda_backends[ACCOUNT][REGION].list_layer_versions(NAME)
    received: bytes = latest.code_bytes
    return received


def test_a_slow_line_takes_it_in_parts_and_shows_progress(line: Proxy, capsys: pytest.CaptureFixture[str]) -> None:
    # GIVEN the same line and zip WHEN Chalice publishes the layer THEN Lambda gets it, and each part is reported
    line.throttle(RATE)
    command, data = Command(), os.urandom(upload.PART + 5000)
    assert command.publish(data).endswith(f":{NAME}:1")
    assert layer() == data
    first, *later = capsys.readouterr().out.splitlines()
    assert first == f"{NAME}: 0.0 of 5.2 MB uploaded, 0%"
    assert [each.rpartition(",")[0] for each in later] == [f"{NAME}: 5.2 of 5.2 MB uploaded, 100%"] * 2
    assert 0 < float(later[0].split()[-2]) <= 1.1 * RATE * 8e-6
    assert command.calls["UploadPart"] == 2


def test_a_part_whose_connection_breaks_is_sent_again(line: Proxy) -> None:
    # GIVEN a line that breaks once, while the reply to the first part is on its way
    command, data = Command(), os.urandom(2 * upload.PART)
    broken: list[bool] = []

    def break_once(**_: Any) -> None:
        if not broken:
            broken.append(True)
            line.lose_reply()

    command.client._session.register("before-send.s3.UploadPart", break_once)
    # WHEN Chalice publishes the layer THEN only that part is sent twice
    command.publish(data)
    assert layer() == data
    assert command.calls["UploadPart"] == 3


def test_a_command_continues_where_an_earlier_one_failed(line: Proxy, capsys: pytest.CaptureFixture[str]) -> None:
    # GIVEN a command whose line went down for good after two of three parts
    first, data = Command(), os.urandom(3 * upload.PART)

    def go_down(**_: Any) -> None:
        if first.calls["UploadPart"] == 2:
            line.turn_away()

    first.client._session.register("after-call.s3.UploadPart", go_down)
    with pytest.raises(
        ClickException, match=rf"the upload of {NAME} failed: .*run the same command again\. It continues"
    ):
        first.publish(data)
    # WHEN the same command runs again on a line that works THEN it sends the third part only
    line.restore()
    capsys.readouterr()
    second = Command()
    second.publish(data)
    assert second.calls["UploadPart"] == 1
    assert layer() == data
    assert capsys.readouterr().out.startswith(f"{NAME}: 10.5 of 15.7 MB uploaded, 67%\n")


@pytest.mark.usefixtures("line")
def test_functions_with_the_same_code_share_one_upload(aws: Account) -> None:
    # GIVEN the code of a function WHEN two functions are created with it, and one is updated
    command, code = Command(), os.urandom(1000)
    zipped: Any = code  # Chalice declares it as text
    role = aws.client("iam").create_role(RoleName="it", AssumeRolePolicyDocument="{}")["Role"]["Arn"]
    for name in ("faunalens-dev", "faunalens-dev-warm"):
        command.client.create_function(name, role, zipped, "python3.13", "app.app")
    command.client.update_function("faunalens-dev", zipped)
    # THEN it went over the line once, and all have it
    assert command.calls["UploadPart"] == 1
    assert {each.code_bytes for each in lambda_backends[ACCOUNT][REGION].list_functions()} == {code}


@pytest.mark.usefixtures("line")
def test_a_stage_without_a_bucket_sends_the_zip_in_the_request(aws: Account) -> None:
    aws.client("s3").delete_bucket(Bucket=BUCKET)
    command = Command()
    command.publish(b"a zip")
    assert layer() == b"a zip"
    assert not command.calls["UploadPart"]


@pytest.mark.usefixtures("line")
def test_every_request_demands_that_the_bucket_is_of_the_same_account() -> None:
    # GIVEN that anybody may have made a bucket with this name
    command, owners = Command(), []
    command.client._session.register(
        "before-send.s3", lambda request, **_: owners.append(request.headers.get("x-amz-expected-bucket-owner"))
    )
    # WHEN a package is uploaded THEN S3 refuses each request unless the account owns the bucket
    command.publish(b"a zip")
    assert len(owners) == 6
    assert {each.decode() for each in owners} == {ACCOUNT}
