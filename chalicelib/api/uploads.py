"""Photos by way of S3: a form that lets a browser put one there, and getting it back.

Lambda takes events of 6 MB, which is a photo of about 4.5 MB; larger ones go to the bucket and are then identified
by their upload's id. Whoever has the id may identify the photo, so it is drawn at random (128 bits); nobody can list
or read photos. The bucket deletes them after a day.
"""

import re
import secrets
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass
from threading import Lock
from typing import Any

from chalicelib.config.settings import Budget, Settings
from chalicelib.errors import NotFound, PhotoTooLarge, Unavailable, UploadMissing

FOLDER = "uploads/"
"""Where in the bucket photos lie; policies name it."""

ID = re.compile(r"[A-Za-z0-9_-]{22}")
_MISSING = {"NoSuchKey", "404"}
_DOWN = "the bucket for uploads does not answer; try again, or send a photo of up to 4.5 MB to POST /identify"


@dataclass(frozen=True, slots=True)
class Form:
    """What a browser posts to S3. `fields` go before the file, which comes last, in field `file`."""

    id: str
    url: str
    fields: Mapping[str, str]


class Uploads:
    """The bucket. Safe for threads; connects when first used. `seconds`: how long a form can be posted.

    `bucket` is empty where there is none; every method then raises `NotFound` that says what to do instead.
    """

    def __init__(self, bucket: str, region: str, budget: Budget, *, max_bytes: int, seconds: int) -> None:
        self._bucket, self._max_bytes, self._seconds = bucket, max_bytes, seconds
        self._region, self._budget = region, budget
        self._client: Any = None
        self._lock = Lock()

    @property
    def origins(self) -> tuple[str, ...]:
        """What a form's url begins with: S3 of the region, and of all, as us-east-1 is called."""
        hosts = (f"s3.{self._region}", "s3") if self._bucket else ()
        return tuple(f"https://{self._bucket}.{host}.amazonaws.com" for host in hosts)

    def form(self) -> Form:
        """A form for one photo; S3 itself refuses what is too large or no image. Signed locally: asks nobody."""
        upload = secrets.token_urlsafe(16)
        signed = self._ask(
            lambda s3: s3.generate_presigned_post(
                self._bucket,
                f"{FOLDER}{upload}",
                Conditions=[
                    ["content-length-range", 1, self._max_bytes],
                    ["starts-with", "$Content-Type", "image/"],
                ],
                ExpiresIn=self._seconds,
            )
        )
        return Form(upload, signed["url"], signed["fields"])

    def fetch(self, upload: str) -> bytes:
        """The photo. Raises `UploadMissing`, `PhotoTooLarge`, and `Unavailable` if S3 does not give it in time."""
        if self._bucket and not ID.fullmatch(upload):
            raise UploadMissing("that is no id of an upload; POST /uploads gives one")
        return self._ask(lambda s3: _within(self._budget.total, lambda: self._read(s3, upload)))

    def _read(self, s3: Any, upload: str) -> bytes:
        found = s3.get_object(Bucket=self._bucket, Key=f"{FOLDER}{upload}")
        with closing(found["Body"]) as body:  # its own `with` gives urllib3's stream, with urllib3's errors
            if found["ContentLength"] > self._max_bytes:
                raise PhotoTooLarge(f"the photo is over {self._max_bytes / 1e6:.0f} MB; upload a smaller one")
            return bytes(body.read())

    def _ask[R](self, question: Callable[[Any], R]) -> R:
        """Ask S3, with its failures as ours."""
        if not self._bucket:
            raise NotFound("uploads are not set up here; send the photo itself to POST /identify")
        from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError

        try:
            return question(self._connected())
        except ClientError as error:
            if error.response.get("Error", {}).get("Code") in _MISSING:
                raise UploadMissing(
                    "there is no photo under this id; post it to the form's url first. Uploads are deleted after a day"
                ) from error
            raise Unavailable(_DOWN) from error
        except (BotoCoreError, HTTPClientError, OSError) as error:
            raise Unavailable(_DOWN) from error

    def _connected(self) -> Any:
        """The S3 client; making one takes a while, and two threads must not. Raises botocore's errors."""
        with self._lock:
            if self._client is None:
                from botocore.config import Config
                from botocore.exceptions import NoCredentialsError
                from botocore.session import Session

                session = Session()
                if session.get_credentials() is None:  # signing a form would be an AttributeError
                    raise NoCredentialsError
                self._client = session.create_client(
                    "s3",
                    self._region,
                    config=Config(
                        connect_timeout=self._budget.connect,
                        read_timeout=self._budget.command,
                        retries={"total_max_attempts": 2},
                        signature_version="s3v4",
                        # The region's own name: the global one redirects for hours after a bucket was made.
                        s3={"addressing_style": "virtual"},
                    ),
                )
            return self._client


def build_uploads(settings: Settings) -> Uploads:
    """The bucket as the settings want it."""
    return Uploads(
        settings.photo_bucket,
        settings.aws_region,
        Budget(settings.s3_connect, settings.s3_read, settings.s3_total),
        max_bytes=settings.photo_max_bytes,
        seconds=settings.upload_seconds,
    )


def _within[R](seconds: float, step: Callable[[], R]) -> R:
    """What a step gives. Raises `TimeoutError` once it is late; what it still does then is dropped.

    A socket's timeout begins anew with each byte, so that somebody who sends slowly could be waited for without end.
    """
    from concurrent.futures import ThreadPoolExecutor

    worker = ThreadPoolExecutor(1)
    try:
        return worker.submit(step).result(seconds)
    finally:
        worker.shutdown(wait=False)
