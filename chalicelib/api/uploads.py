"""Uploads of large photos to S3: create a presigned upload form, store a photo, and fetch an uploaded photo.

A Lambda event is at most 6 MB, enough for a photo of about 4.5 MB. Clients upload larger photos to the bucket and then
identify them by upload id. Anyone who knows an id can have its photo identified, so ids are random (128 bits). Clients
can neither list nor read the photos in the bucket. A photo can be identified for a day, and S3 deletes it within two.
"""

import re
import secrets
from collections.abc import Callable, Collection, Mapping
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Any, BinaryIO, NamedTuple, cast

from chalicelib.config.settings import Settings
from chalicelib.errors import NotFound, PhotoTooLarge, UploadMissing
from chalicelib.stores.objects import S3

FOLDER = "uploads/"
"""Key prefix of photos in the bucket; IAM policies refer to it."""

ID = re.compile(r"[A-Za-z0-9_-]{22}")
LIFETIME = timedelta(days=1)
"""Time for which a photo can be identified. S3 expires objects only at midnight UTC, and deletes them some time later:
https://docs.aws.amazon.com/AmazonS3/latest/userguide/intro-lifecycle-rules.html"""

_MISSING = {"NoSuchKey", "304", "AccessDenied"}
"""Error codes of S3 for a missing photo. 304: older than `LIFETIME`. AccessDenied: the caller may not list the bucket,
so S3 hides that there is no such object. With the right to list, a stolen role could find the ids of all photos."""

_ONLY_IMAGES = ["starts-with", "$Content-Type", "image/"]
_UNAVAILABLE = "the upload bucket is unavailable; try again, or send a photo of up to 4.5 MB to POST /identify"


class UploadForm(NamedTuple):
    """A form to post to S3: first `fields`, then the photo in field `file`."""

    id: str
    url: str
    fields: Mapping[str, str]


class Uploads:
    """The upload bucket of the settings. Thread-safe; connects at first use.

    `connections`: maximum number of calls at the same time. If the settings name no bucket, every method raises
    `NotFound`, whose message says what the client can do instead.
    """

    def __init__(self, settings: Settings, connections: int = 10) -> None:
        self._bucket, self._region = settings.s3.bucket, settings.deployment.region
        self._seconds, self._max_bytes = settings.s3.upload_seconds, settings.photo.max_bytes
        self._s3 = S3(self._region, settings.s3, connections, _UNAVAILABLE)

    @property
    def origins(self) -> tuple[str, ...]:
        """Return the possible origins of a form's URL: the regional S3 endpoint, and the global one for us-east-1."""
        hosts = (f"s3.{self._region}", "s3") if self._bucket else ()
        return tuple(f"https://{self._bucket}.{host}.amazonaws.com" for host in hosts)

    def form(self) -> UploadForm:
        """Create a form for one photo, without a network call. S3 rejects files that are too large or not images."""
        upload = secrets.token_urlsafe(16)
        key, conditions = f"{FOLDER}{upload}", [["content-length-range", 1, self._max_bytes], _ONLY_IMAGES]
        limits = {"Conditions": conditions, "ExpiresIn": self._seconds}
        signed = self._call(lambda s3: s3.generate_presigned_post(self._bucket, key, **limits))
        return UploadForm(upload, signed["url"], signed["fields"])

    def store(self, photo: BinaryIO) -> str:
        """Upload a photo from a file, and return its upload id. Raises `Unavailable` if S3 fails or is too slow."""
        upload = secrets.token_urlsafe(16)

        def put(s3: Any) -> None:
            photo.seek(0)
            s3.put_object(Bucket=self._bucket, Key=f"{FOLDER}{upload}", Body=photo)

        self._call(put, expected=())  # that S3 refuses to write has nothing to do with a missing photo
        return upload

    def fetch(self, upload: str) -> bytes:
        """Fetch a photo. Raises `UploadMissing`, `PhotoTooLarge`, or `Unavailable` if S3 fails or is too slow."""
        if self._bucket and not ID.fullmatch(upload):
            raise UploadMissing("the id is not an upload id; get one from POST /uploads")
        return self._call(lambda s3: self._read(s3, upload))

    def _read(self, s3: Any, upload: str) -> bytes:
        earliest = datetime.now(UTC) - LIFETIME
        found = s3.get_object(Bucket=self._bucket, Key=f"{FOLDER}{upload}", IfModifiedSince=earliest)
        with closing(found["Body"]) as body:  # `with body` would enter urllib3's stream, which raises urllib3's errors
            if found["ContentLength"] > self._max_bytes:
                raise PhotoTooLarge(f"the photo is larger than {self._max_bytes / 1e6:.0f} MB; upload a smaller one")
            return bytes(body.read())

    def _call[R](self, operation: Callable[[Any], R], expected: Collection[str] = _MISSING) -> R:
        """Run an S3 operation. Its errors become `UploadMissing` (for the codes in `expected`) or `Unavailable`."""
        if not self._bucket:
            raise NotFound("this deployment has no upload bucket; send the photo to POST /identify")
        advice = "no photo was uploaded with this id within a day; post the photo to the form's url first"
        return cast("R", self._s3.call(operation, expected, UploadMissing(advice)))
