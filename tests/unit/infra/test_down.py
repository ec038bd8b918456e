"""Taking a stage down, while its clients go on."""

from collections.abc import Callable
from typing import Any

import boto3
import pytest
from moto import mock_aws

from infra import down
from infra.stage import Stage
from infra.step import Echo


@pytest.mark.parametrize(("step", "output"), [("stack", "PhotoBucket"), ("web", "ResultBucket")])
def test_a_bucket_that_fills_again_before_it_can_be_deleted_is_emptied_again(
    step: str, output: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Stack:
        """A stack with a bucket, into which a client puts something before the first attempt to delete it."""

        outputs = {output: "bucket"}  # noqa: RUF012

        def delete(self, echo: Echo, prepare: Callable[[], object] = lambda: None) -> None:
            prepare()
            self.put()
            echo("some resources could not be deleted; trying again")
            prepare()

        def put(self) -> None:
            s3.put_object(Bucket="bucket", Key="late", Body=b"a photo")

    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws():
        session = boto3.Session("testing", "testing", region_name="us-east-1")
        s3: Any = session.client("s3")
        s3.create_bucket(Bucket="bucket")
        stack = Stack()
        stack.put()
        monkeypatch.setattr(Stage, "stack", lambda *_: stack)
        # WHEN the stack is deleted
        said = list[str]()
        (found,) = [each for each in down.steps(Stage("dev", "us-east-1", session, {})) if each.name == step]
        found.action(said.append)
        # THEN nothing prevents the second attempt
        assert [line.partition(": ")[2] for line in said if "deleted: " in line] == ["1", "1"]
        assert "Contents" not in s3.list_objects_v2(Bucket="bucket")
