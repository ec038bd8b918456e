"""The webhook at the end of a backfill: what it says, and that receivers can verify it."""

from collections.abc import Iterator
from typing import Any
from urllib.error import HTTPError

import boto3
import pytest
from moto import mock_aws
from standardwebhooks import Webhook, WebhookVerificationError
from werkzeug import Request, Response
from werkzeug.serving import make_server

from infra import webhook
from local.stack.ports import serving
from tests.support.cloudformation import in_account, resources

EVENT = {
    "id": "315c1398-40ff-a850-213b-158f73e60175",
    "time": "2026-11-26T06:12:44Z",
    "detail": {
        "status": "SUCCEEDED",
        "startDate": 1795665600000,
        "stopDate": 1795676400000,
        "input": '{"run": "creek-1", "study": "s3://b/batches/creek/", "photos": 1000000, "manifest": "m", '
        '"results": "s3://b/results/creek/creek-1/"}',
    },
}
"""As in EventBridge's reference of Step Functions' events, shortened."""


class Receiver:
    """Takes messages, and answers each with the next of `statuses`."""

    def __init__(self) -> None:
        self.statuses: list[int] = []
        self.messages: list[tuple[bytes, dict[str, str]]] = []

    def answer(self, request: Request) -> Response:
        self.messages.append((request.data, dict(request.headers)))
        return Response(status=self.statuses.pop(0), headers={"location": "/elsewhere"})


@pytest.fixture
def receiver(monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiver]:
    """A receiver to which the function's environment points."""
    found = Receiver()
    with serving(server := make_server("127.0.0.1", 0, Request.application(found.answer))):
        monkeypatch.setenv("URL", f"http://127.0.0.1:{server.port}/hook?key=1")
        yield found


@pytest.fixture
def secrets(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Secrets Manager with the secret of the template."""
    values = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing", "AWS_DEFAULT_REGION": "eu-west-1"}
    for name, value in {**values, "SECRET": "hook"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws():
        client = boto3.client("secretsmanager")
        client.create_secret(Name="hook", SecretString="MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYqr")
        yield client


def secret_of(client: Any, stage: str = "AWSCURRENT") -> str:
    return f"whsec_{client.get_secret_value(SecretId='hook', VersionStage=stage)['SecretString']}"


def test_a_receiver_can_verify_the_message(receiver: Receiver, secrets: Any) -> None:
    # WHEN a run has ended
    receiver.statuses = [204]
    webhook.handler(EVENT, None)
    # THEN the community's library takes the signature, and refuses another body or key
    ((body, headers),) = receiver.messages
    assert headers["Webhook-Id"] == f"msg_{EVENT['id']}", "the same if the message is sent again"
    message = Webhook(secret_of(secrets)).verify(body, headers)
    assert message == {
        "type": "backfill.succeeded",
        "timestamp": "2026-11-26T06:12:44Z",
        "data": {
            "run": "creek-1",
            "study": "s3://b/batches/creek/",
            "photos": 1000000,
            "results": "s3://b/results/creek/creek-1/",
            "status": "succeeded",
            "started": "2026-11-26T04:00:00+00:00",
            "stopped": "2026-11-26T07:00:00+00:00",
        },
    }
    failed = {**EVENT, "detail": {**EVENT["detail"], "status": "ABORTED"}}  # type: ignore[dict-item]
    assert webhook.message(failed)["type"] == "backfill.failed"
    for wrong, key in ((body + b" ", secret_of(secrets)), (body, "whsec_c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0")):
        with pytest.raises(WebhookVerificationError):
            Webhook(key).verify(wrong, headers)


def test_a_new_secret_and_the_one_before_both_verify(receiver: Receiver, secrets: Any) -> None:
    # GIVEN a secret that was replaced, which the receiver does not know yet
    before = secret_of(secrets)
    secrets.put_secret_value(SecretId="hook", SecretString="zFpTg5HPcZUvqGhBJcHVY0oyS8VJzGQ0aaaaaaaaaaaa")
    receiver.statuses = [200]
    webhook.handler(EVENT, None)
    # THEN both verify
    ((body, headers),) = receiver.messages
    for key in (before, secret_of(secrets)):
        assert Webhook(key).verify(body, headers)


@pytest.mark.usefixtures("secrets")
@pytest.mark.parametrize(("status", "error"), [(410, webhook.Gone), (302, HTTPError), (500, HTTPError)])
def test_the_end_of_a_receiver_redirects_and_failures(receiver: Receiver, status: int, error: type[Exception]) -> None:
    receiver.statuses = [status, 200]
    with pytest.raises(error):
        webhook.handler(EVENT, None)
    assert len(receiver.messages) == 1


def test_only_ends_of_the_backfill_itself_start_a_message() -> None:
    # The children of a Distributed Map are executions of `…/Photos`, whose ends are not reported.
    found = resources("backfill.yaml", {"Stage": "dev", "BackfillWebhook": "https://a.example/hook"})
    pattern = in_account(found["Ended"]["Properties"]["EventPattern"], "1", "r", {"Backfill": "machine"})
    ends = ["SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED"]
    assert pattern["detail"] == {"stateMachineArn": ["machine"], "status": ends}
    assert not {"Ended", "Secret", "Webhook"} & resources("backfill.yaml", {"Stage": "dev"}).keys()
