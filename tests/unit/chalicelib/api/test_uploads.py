"""Uploads through S3, against moto and against servers that misbehave."""

import base64
import io
import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from unittest.mock import Mock

import boto3
import pytest
from botocore.exceptions import ClientError, ReadTimeoutError, ResponseStreamingError
from moto import mock_aws
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.s3.models import s3_backends

from chalicelib.api.uploads import FOLDER, ID, Uploads
from chalicelib.config.settings import Deployment, PhotoLimits, Settings
from chalicelib.config.stores import S3Settings
from chalicelib.errors import HTTPError, NotFound, PhotoTooLarge, Unavailable, UploadMissing
from tests.support.servers import scripted

BUCKET, REGION = "faunalens-photos", "eu-west-1"


def uploads(bucket: str = BUCKET, region: str = REGION, command: float = 1.0, total: float = 10.0) -> Uploads:
    s3 = S3Settings(bucket=bucket, upload_seconds=60, connect=1.0, command=command, total=total)
    return Uploads(Settings(Deployment(region=region), photo=PhotoLimits(max_bytes=1000), s3=s3))


@pytest.fixture
def _credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.setenv(name, "testing")


@pytest.fixture
def s3(_credentials: None) -> Iterator[Any]:
    with mock_aws():
        s3 = boto3.client("s3", REGION)
        s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
        yield s3


def put(s3: Any, upload: str, photo: bytes) -> None:
    s3.put_object(Bucket=BUCKET, Key=f"{FOLDER}{upload}", Body=photo)


@pytest.mark.usefixtures("s3")
def test_a_form_makes_s3_reject_large_files_and_other_types() -> None:
    # WHEN a form is created THEN it posts to the regional endpoint, and its conditions are signed
    form = uploads().form()
    assert form.url == f"https://{BUCKET}.s3.{REGION}.amazonaws.com/"
    for region in (REGION, "us-east-1"):  # which has a global endpoint too
        bucket = uploads(region=region)
        assert bucket.form().url.removesuffix("/") in bucket.origins
    assert uploads(bucket="").origins == ()
    assert form.fields["key"] == f"{FOLDER}{form.id}"
    assert ID.fullmatch(form.id)
    assert "x-amz-signature" in form.fields
    conditions = json.loads(base64.b64decode(form.fields["policy"]))["conditions"]
    assert ["content-length-range", 1, 1000] in conditions
    assert ["starts-with", "$Content-Type", "image/"] in conditions
    assert {"bucket": BUCKET} in conditions


@pytest.mark.usefixtures("s3")
def test_a_stored_photo_is_fetched_by_its_id_unless_it_is_too_large() -> None:
    photo = io.BytesIO(b"a photo")
    photo.seek(0, io.SEEK_END)  # as who has written it leaves it
    assert uploads().fetch(uploads().store(photo)) == b"a photo"
    with pytest.raises(PhotoTooLarge):
        uploads().fetch(uploads().store(io.BytesIO(b"x" * 1001)))


@pytest.mark.parametrize(("hours", "missing"), [(23.9, False), (24.1, True), (47, True)])
def test_a_photo_is_fetched_for_a_day_however_late_s3_deletes_it(
    s3: Any, monkeypatch: pytest.MonkeyPatch, hours: float, missing: bool
) -> None:
    # GIVEN a photo whose upload was some hours ago, and which the bucket has not deleted
    put(s3, "A" * 22, b"x")
    (key,) = s3_backends[DEFAULT_ACCOUNT_ID]["aws"].buckets[BUCKET].keys.values()
    monkeypatch.setattr(key, "last_modified", key.last_modified - timedelta(hours=hours))
    # WHEN it is fetched THEN only the first day counts
    if missing:
        with pytest.raises(UploadMissing, match="within a day"):
            uploads().fetch("A" * 22)
    else:
        assert uploads().fetch("A" * 22) == b"x"


def refusal(code: str, status: int = 400) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": ""}, "ResponseMetadata": {"HTTPStatusCode": status}}, "Get")


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (refusal("AccessDenied", 403), UploadMissing),  # what S3 answers a role without ListBucket for a missing photo
        (refusal("NoSuchKey", 404), UploadMissing),
        (refusal("NoSuchBucket", 404), Unavailable),
        (refusal("ExpiredToken"), Unavailable),
        (ReadTimeoutError(endpoint_url="s3"), Unavailable),
        (ResponseStreamingError(error="the connection broke"), Unavailable),
        (ConnectionResetError("gone"), Unavailable),
    ],
)
def test_a_photo_is_missing_only_if_s3_says_so(
    s3: Any, monkeypatch: pytest.MonkeyPatch, error: Exception, expected: type[HTTPError]
) -> None:
    bucket = uploads()
    put(s3, "A" * 22, b"x")
    bucket.fetch("A" * 22)
    monkeypatch.setattr(bucket._s3._client.get(), "get_object", Mock(side_effect=error))
    assert type(fault_of(bucket)) is expected


@pytest.mark.usefixtures("s3")
def test_a_role_that_may_not_store_is_not_a_missing_photo(monkeypatch: pytest.MonkeyPatch) -> None:
    bucket = uploads()
    monkeypatch.setattr(bucket._s3._client.get(), "put_object", Mock(side_effect=refusal("AccessDenied")))
    with pytest.raises(Unavailable) as raised:
        bucket.store(io.BytesIO(b"a photo"))
    assert isinstance(raised.value.__cause__, ClientError)  # the log says why


@pytest.mark.parametrize(
    "ask",
    [Uploads.form, lambda bucket: bucket.fetch("A" * 22), lambda bucket: bucket.store(io.BytesIO(b""))],
    ids=["form", "fetch", "store"],
)
def test_without_a_bucket_the_error_names_the_alternative(ask: Any) -> None:
    with pytest.raises(NotFound, match="send the photo to POST /identify"):
        ask(uploads(bucket=""))


HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n"


@pytest.mark.usefixtures("_credentials")
@pytest.mark.parametrize(
    ("reply", "pace", "silence", "total", "cause"),
    [
        (b"", 0.0, 10.0, 0.2, "TimeoutError"),
        (HEAD + b"x" * 500, 0.05, 10.0, 0.2, "TimeoutError"),  # each byte arrives before the socket timeout
        (HEAD + b"x" * 10, 0.0, 0.2, 10.0, "ReadTimeoutError"),
    ],
)
def test_a_download_ends_in_time_however_s3_fails(
    monkeypatch: pytest.MonkeyPatch, reply: bytes, pace: float, silence: float, total: float, cause: str
) -> None:
    # GIVEN a server in place of S3 that sends a reply, with a pause before each byte, and no more
    with scripted(lambda _: reply, pace=pace) as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{server.address.port}")
        # WHEN a photo is fetched THEN the call ends, and the cause is known
        error = fault_of(uploads(command=silence, total=total))
    assert (type(error), type(error.__cause__).__name__) == (Unavailable, cause)


@pytest.mark.parametrize("upload", ["", "x", "../settings", "uploads/abc", "é" * 22, "a" * 23])
def test_an_invalid_id_makes_no_call(monkeypatch: pytest.MonkeyPatch, upload: str) -> None:
    bucket = uploads()
    monkeypatch.setattr(bucket, "_s3", None)
    with pytest.raises(UploadMissing):
        bucket.fetch(upload)


def test_without_credentials_it_is_unavailable(monkeypatch: pytest.MonkeyPatch) -> None:
    # GIVEN a process without AWS credentials
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nonexistent")
    # WHEN a form is created THEN the cause says what is missing
    with pytest.raises(Unavailable) as caught:
        uploads().form()
    assert str(caught.value.__cause__) == "Unable to locate credentials"


def fault_of(bucket: Uploads) -> HTTPError:
    with pytest.raises(HTTPError) as caught:
        bucket.fetch("A" * 22)
    return caught.value
