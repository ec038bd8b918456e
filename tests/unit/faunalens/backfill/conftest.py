"""S3 as moto simulates it in this process."""

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws

BUCKET = "study-photos"


@pytest.fixture(scope="module")
def s3() -> Iterator[Any]:
    """A client of S3, with a bucket for the tests of a module."""
    with pytest.MonkeyPatch.context() as patch, mock_aws():
        patch.delenv("AWS_ENDPOINT_URL", raising=False)
        client = boto3.client("s3", "us-east-1", aws_access_key_id="testing", aws_secret_access_key="testing")
        client.create_bucket(Bucket=BUCKET)
        yield client
