"""Send Chalice's zips to Lambda through the stage's bucket for packages, in parts.

Chalice puts a zip into the request itself, where base64 turns 37 MB into 49. botocore allows 60 s for writing it. More
time would not help a slow line, because Lambda refuses a request whose last byte comes more than 5 minutes after its
signature (https://github.com/aws/chalice/issues/916). In S3 each part has a signature of its own. A part that fails is
sent again, and a later command sends only the parts that are missing.
"""

import hashlib
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import click
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from botocore.session import Session
from chalice.awsclient import TypedAWSClient

PART = 5 * 2**20
"""Bytes of a part: the least that S3 accepts. It takes 42 s at 1 Mbit/s; S3 accepts a signature for 15 minutes."""
SETTINGS = Config(
    connect_timeout=60,  # also the longest wait until the line has taken 16 KiB; botocore writes a part in such blocks
    read_timeout=300,  # the reply comes after the data in the kernel's buffers have left, up to 4 MB
    retries={"mode": "standard", "total_max_attempts": 10},  # with pauses of up to 20 s
    request_checksum_calculation="when_required",  # TLS already detects changed data
)


def install() -> None:
    """Patch Chalice in this process: its clients of Lambda upload through S3.

    Chalice loads the app after it has made its `TypedAWSClient`, so a patch of the constructor would come too late.
    """
    create = TypedAWSClient._client

    def create_with_upload(self: TypedAWSClient, service_name: str) -> Any:
        if service_name == "lambda":
            uploads = Uploads(self._session)
            self._session.register("provide-client-params.lambda", uploads.replace_zip, unique_id="faunalens-upload")
        return create(self, service_name)

    TypedAWSClient._client = create_with_upload  # type: ignore[method-assign]


class Uploads:
    """Uploads of one command. `session`: a botocore session."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._buckets: dict[str, str | None] = {}

    def replace_zip(self, params: Mapping[str, Any], **_event: Any) -> dict[str, Any] | None:
        """Upload the zip in the parameters of a Lambda call, and return parameters that refer to it.

        Return None if there is no zip, or no bucket: a stage without a stack has none. Then the call stays as it is.
        """
        match params:
            case {"LayerName": str(name), "Content": {"ZipFile": bytes(data)}} if place := self._place(name, data):
                return {**params, "Content": place}
            case {"FunctionName": str(name), "Code": {"ZipFile": bytes(data)}} if place := self._place(name, data):
                return {**params, "Code": place}
            case {"FunctionName": str(name), "ZipFile": bytes(data)} if place := self._place(name, data):
                return {**{key: value for key, value in params.items() if key != "ZipFile"}, **place}
        return None

    def _place(self, name: str, data: bytes) -> dict[str, str] | None:
        """Upload a zip unless it is there. Return its place in S3, or None without a bucket. `name`: its function's."""
        try:
            account = self._client("sts").get_caller_identity()["Account"]
            bucket = self._bucket(f"{'-'.join(name.split('-')[:2])}-packages-{account}", account)
            if bucket is None:
                return None
            key = f"{hashlib.sha256(data).hexdigest()}.zip"
            object_ = MultipartObject(self._client("s3"), bucket, key, account)
            if not object_.exists():
                object_.upload(data, _progress(name, len(data)))
        except (BotoCoreError, ClientError) as error:
            raise click.ClickException(
                f"the upload of {name} failed: {error}; check the network, then run the same command again. "
                "It continues with the part that failed"
            ) from error
        return {"S3Bucket": bucket, "S3Key": key}

    def _bucket(self, name: str, account: str) -> str | None:
        if name not in self._buckets:
            try:
                # The owner is compared: somebody else could have made a bucket with this name.
                self._client("s3").head_bucket(Bucket=name, ExpectedBucketOwner=account)
                self._buckets[name] = name
            except ClientError as error:
                if _status(error) != 404:
                    raise
                self._buckets[name] = None
        return self._buckets[name]

    def _client(self, service: str) -> Any:
        return self._session.create_client(service, config=SETTINGS)


class MultipartObject:
    """An object that is uploaded in parts. `owner`: the account that must own the bucket."""

    def __init__(self, s3: Any, bucket: str, key: str, owner: str) -> None:
        self._s3 = s3
        self._target = {"Bucket": bucket, "Key": key, "ExpectedBucketOwner": owner}

    def exists(self) -> bool:
        """Return True if the object is complete."""
        try:
            self._s3.head_object(**self._target)
        except ClientError as error:
            if _status(error) not in (403, 404):  # 403 if the user may not list the bucket
                raise
            return False
        return True

    def upload(self, data: bytes, progress: Callable[[int], None]) -> None:
        """Upload the parts that are not there yet. `progress` is called with the number of bytes that are there."""
        parts = [data[start : start + PART] for start in range(0, len(data), PART)]
        upload, tags = self._unfinished([len(part) for part in parts])
        there = sum(len(parts[number - 1]) for number in tags)
        progress(there)
        for number, part in enumerate(parts, 1):
            if number not in tags:
                sent = self._s3.upload_part(**self._target, UploadId=upload, PartNumber=number, Body=part)
                tags[number] = sent["ETag"]
                there += len(part)
                progress(there)
        listed = [{"PartNumber": number, "ETag": tags[number]} for number in sorted(tags)]
        self._s3.complete_multipart_upload(**self._target, UploadId=upload, MultipartUpload={"Parts": listed})

    def _unfinished(self, sizes: Sequence[int]) -> tuple[str, dict[int, str]]:
        """Return the id of an earlier upload of this object, or a new one, and the tags of its parts by number.

        `sizes`: bytes of each part. Ignore an upload with other sizes.
        """
        bucket, key, owner = self._target.values()
        found = self._s3.list_multipart_uploads(Bucket=bucket, ExpectedBucketOwner=owner, Prefix=key)
        for upload in found.get("Uploads", []):
            parts = self._s3.list_parts(**self._target, UploadId=upload["UploadId"]).get("Parts", [])
            if all(part["Size"] == sizes[part["PartNumber"] - 1] for part in parts):
                return upload["UploadId"], {part["PartNumber"]: part["ETag"] for part in parts}
        return self._s3.create_multipart_upload(**self._target)["UploadId"], {}


def _progress(name: str, size: int) -> Callable[[int], None]:
    """Return a function that prints how many of `size` bytes are in S3, and the speed since its last call."""
    before: tuple[int, float] | None = None

    def show(there: int) -> None:
        nonlocal before
        text, now = f"{name}: {there / 1e6:.1f} of {size / 1e6:.1f} MB uploaded, {there / size:.0%}", time.monotonic()
        if before:
            text += f", {(there - before[0]) * 8e-6 / max(now - before[1], 1e-6):.1f} Mbit/s"
        click.echo(text)
        before = there, now

    return show


def _status(error: ClientError) -> int:
    return int(error.response["ResponseMetadata"]["HTTPStatusCode"])
