"""Send packages and templates to the stage's bucket for packages, from where CloudFormation takes them.

An object's name is the digest of its content, so what the bucket has is not sent again. Old packages stay, because a
rollback reads those of the version before.
"""

import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path
from threading import Lock
from time import monotonic
from typing import Any

from boto3.s3.transfer import TransferConfig
from botocore.config import Config
from botocore.exceptions import ClientError

from infra.stage import Stage
from infra.step import Echo

PART = 5 * 2**20
"""Bytes of a part: the least that S3 accepts. It takes 42 s at 1 Mbit/s; S3 accepts a signature for 15 minutes."""
_SETTINGS = Config(retries={"mode": "standard", "total_max_attempts": 10})  # with pauses of up to 20 s
_PARTS = TransferConfig(multipart_threshold=PART, multipart_chunksize=PART, max_concurrency=2)
_PAUSE = 5.0  # seconds between two lines of progress


class Packages:
    """The existing bucket for a stage's packages. `echo` prints progress."""

    def __init__(self, stage: Stage, bucket: str, echo: Echo) -> None:
        self._s3, self._bucket, self._echo = stage.client("s3", config=_SETTINGS), bucket, echo
        # The owner is compared: somebody else could have made a bucket with this name.
        self._owner = {"ExpectedBucketOwner": stage.client("sts").get_caller_identity()["Account"]}
        self._address = f"https://s3.{stage.region}.amazonaws.com/{bucket}"

    def with_packages(self, template: Mapping[str, Any], folder: Path) -> dict[str, Any]:
        """Upload the zips in `folder` that a SAM template names. Return the template with their addresses in S3."""
        resources = dict(template["Resources"])
        for name, each in resources.items():
            local = {key: each["Properties"][key] for key in ("CodeUri", "ContentUri") if key in each["Properties"]}
            there = {key: f"s3://{self._bucket}/{self._send(folder / path)}" for key, path in local.items()}
            resources[name] = {**each, "Properties": {**each["Properties"], **there}} if there else each
        return {**template, "Resources": resources}

    def url_of(self, template: str) -> str:
        """Upload the text of a template. Return the URL from which CloudFormation reads it."""
        key = f"{hashlib.sha256(template.encode()).hexdigest()}.template"
        self._s3.put_object(Bucket=self._bucket, Key=key, Body=template.encode(), **self._owner)
        return f"{self._address}/{key}"

    def _send(self, path: Path) -> str:
        """Upload a file unless the bucket has it. Return its key in the bucket."""
        with path.open("rb") as file:
            key = f"{hashlib.file_digest(file, 'sha256').hexdigest()}{path.suffix}"
        if not self._is_there(key):
            progress = self._progress(path.name, path.stat().st_size)
            self._s3.upload_file(str(path), self._bucket, key, ExtraArgs=self._owner, Config=_PARTS, Callback=progress)
        return key

    def _is_there(self, key: str) -> bool:
        try:
            self._s3.head_object(Bucket=self._bucket, Key=key, **self._owner)
        except ClientError as error:
            if error.response["ResponseMetadata"]["HTTPStatusCode"] != 404:
                raise
            return False
        return True

    def _progress(self, name: str, size: int) -> Callable[[int], None]:
        """Return a function that prints how much of a file has been uploaded. boto3 calls it from several threads."""
        sent, said, lock = 0, monotonic(), Lock()

        def add(more: int) -> None:
            nonlocal sent, said
            with lock:
                sent += more
                if sent == size or monotonic() - said > _PAUSE:
                    said = monotonic()
                    self._echo(f"{name}: {sent / 1e6:.1f} of {size / 1e6:.1f} MB sent")

        return add
