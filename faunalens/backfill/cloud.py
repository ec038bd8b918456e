"""The AWS account in which a stage runs, reached with the credentials and the region that the environment names."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache, cached_property, partial
from typing import NamedTuple

from faunalens.errors import CommandError

CONNECTIONS = 64  # most calls to S3 at the same time
REGION = ("region", ["AWS_REGION", "AWS_DEFAULT_REGION"], None, None)
"""Where botocore looks for the region. By default it reads only the second variable, unlike AWS's other tools."""


class Cloud:
    """The parts of an AWS account that a backfill uses. `stage`: the deployed stage, such as prod.

    `client`: returns boto3's client of a service, such as s3, for all threads. Raises `CommandError` without a region.
    """

    def __init__(self, stage: str) -> None:
        try:
            import boto3
        except ImportError as error:
            raise CommandError("boto3 is not installed; install the command with it: faunalens[aws]") from error
        import botocore.session
        from botocore.config import Config
        from botocore.exceptions import ProfileNotFound

        core = botocore.session.Session(session_vars={"region": REGION})
        try:
            self.stage, self._session = stage, boto3.session.Session(botocore_session=core)
        except ProfileNotFound as error:
            raise CommandError(f"{error}; check AWS_PROFILE") from error
        if not self._session.region_name:
            raise CommandError("no AWS region is set; set AWS_REGION to the region of the stage")
        retries = {"mode": "standard", "total_max_attempts": 6}
        config = Config(max_pool_connections=CONNECTIONS, connect_timeout=10, read_timeout=60, retries=retries)
        self.client = cache(partial(self._session.client, config=config))

    @cached_property
    def _caller(self) -> tuple[str, str]:
        """Return the partition, such as aws, and the number of the AWS account."""
        found = self.client("sts").get_caller_identity()
        return found["Arn"].split(":")[1], found["Account"]

    @property
    def machine(self) -> str:
        partition, account = self._caller
        region = self._session.region_name
        return f"arn:{partition}:states:{region}:{account}:stateMachine:faunalens-{self.stage}-backfill"

    @property
    def function(self) -> str:
        return f"faunalens-{self.stage}-batch"

    @property
    def bucket(self) -> str:
        """Return the stage's bucket of photos. docs/reference/batch.md lists its folders."""
        return f"faunalens-{self.stage}-photos-{self._session.region_name}-{self._caller[1]}"


@contextmanager
def aws_errors(doing: str) -> Iterator[None]:
    """Turn an AWS error in the block into a `CommandError`. `doing`: what follows `while` (`the photos are listed`)."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except ClientError as error:
        code, message = error.response["Error"].get("Code", ""), error.response["Error"].get("Message", "")
        advice = "run the same command again to continue"
        if "AccessDenied" in code or "UnauthorizedOperation" in code:
            advice = "docs/how-to/million.md lists the permissions that are needed"
        if code in {"NoSuchBucket", "StateMachineDoesNotExist", "ResourceNotFoundException"}:
            advice = "check --stage, the region, and that `infra up` has deployed the backfill"
        raise CommandError(f"AWS refused a request while {doing} ({code}: {message}); {advice}") from error
    except BotoCoreError as error:
        advice = "check credentials, region and network. Run the same command again to continue"
        raise CommandError(f"a request to AWS failed while {doing} ({error}); {advice}") from error


_NAME = re.compile(r"s3://(?P<bucket>[a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:/(?P<key>.*))?", re.DOTALL)


class S3Name(NamedTuple):
    """An object or a folder in S3. `key`: ends with `/` if it is a folder, and is empty for the whole bucket."""

    bucket: str
    key: str

    def __str__(self) -> str:
        return f"s3://{self.bucket}/{self.key}"

    def __truediv__(self, name: str) -> "S3Name":
        return S3Name(self.bucket, self.key + name)

    @property
    def title(self) -> str:
        """Return a name to show to people: the last part of the key, or else the bucket."""
        return self.key.rstrip("/").rpartition("/")[2] or self.bucket


def parse_object(text: str) -> S3Name:
    """Parse the address of an object in S3, such as `s3://bucket/folder/key`. Raises `ValueError`."""
    found = _NAME.fullmatch(text)
    if not found:
        raise ValueError(f"'{text}' is not an address in S3; expected one such as s3://bucket/folder/")
    return S3Name(found["bucket"], found["key"] or "")


def parse_folder(text: str) -> S3Name:
    """Parse the address of a folder in S3, such as `s3://bucket/folder`, with or without a final slash.

    Raises `ValueError`. The key of the result ends with a slash, or is empty for a whole bucket.
    """
    bucket, key = parse_object(text)
    return S3Name(bucket, key if not key or key.endswith("/") else f"{key}/")
