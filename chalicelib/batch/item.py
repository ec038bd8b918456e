"""One photo of a batch, and where its line goes."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Item:
    """A photo in S3 to identify.

    `etag`: empty if the batch does not say. `station`, `latitude`, `longitude` (WGS84 degrees) and `time`: what the
    batch says of the photo, or None. `shift`: seconds to add to the clock in its EXIF. `message`: id of the SQS message
    that named it. `attempt`: 1 for the first.
    """

    bucket: str
    key: str
    etag: str = ""
    station: str | None = None
    latitude: float | None = None
    longitude: float | None = None
    time: str | None = None
    shift: float = 0.0
    message: str = ""
    attempt: int = 1

    @property
    def url(self) -> str:
        """Return the photo's `s3://` URL."""
        return f"s3://{self.bucket}/{self.key}"
