"""What can go wrong, as a tree. Each error says what happened, what was expected and what to do.

FaunalensError
  ClientError                  4xx: the request can be mended
    BadRequest                 400 bad_request
    NotFound                   404 not_found
    UploadMissing              404 upload_missing
    MethodNotAllowed           405 method_not_allowed
    PhotoTooLarge              413 photo_too_large
    UnsupportedMediaType       415 unsupported_media_type
    PhotoUnreadable            422 photo_unreadable
    LocationMissing            422 location_missing
    LocationInvalid            422 location_invalid
    TooManyRequests            429 too_many_requests
  ServerError                  5xx: the request was fine
    InternalError              500 internal
    Unavailable                503 unavailable, with retry_after
  SettingError                 a setting has no usable value; the process does not start
  ModelError                   the model or its labels do not fit, or it fails when run; requests are told 503
  DependencyError              no request fails of it: becomes stale or degraded; health, warming and loading tell it
    CacheError                 Redis did not answer as it should
    StoreError                 PostgreSQL did not answer as it should
"""

from typing import ClassVar

from chalicelib.redaction import summary_of


class FaunalensError(Exception):
    """Root of everything that Faunalens raises itself."""


class HTTPError(FaunalensError):
    """An error that a client is told, as problem details (RFC 9457)."""

    status: ClassVar[int]
    code: ClassVar[str]
    title: ClassVar[str]

    @property
    def detail(self) -> str:
        """What happened, what was expected and what to do: one sentence for people."""
        return str(self)

    @property
    def headers(self) -> dict[str, str]:
        """Response headers that belong to the error."""
        return {}


class ClientError(HTTPError):
    """The request can be mended by the client."""


class BadRequest(ClientError):
    """The request is not of the documented form."""

    status, code, title = 400, "bad_request", "The request is not of the documented form"


class NotFound(ClientError):
    """There is nothing at this path."""

    status, code, title = 404, "not_found", "There is nothing at this path"


class UploadMissing(ClientError):
    """No photo has been uploaded under this id, or it has been deleted since."""

    status, code, title = 404, "upload_missing", "There is no photo under this id"


class MethodNotAllowed(ClientError):
    """The path exists, but not for this method."""

    status, code, title = 405, "method_not_allowed", "The path does not take this method"

    def __init__(self, detail: str, allow: str = "") -> None:
        super().__init__(detail)
        self.allow = allow

    @property
    def headers(self) -> dict[str, str]:
        """`Allow`: the methods that the path takes."""
        return {"Allow": self.allow} if self.allow else {}


class PhotoTooLarge(ClientError):
    """The photo has more bytes or pixels than are read."""

    status, code, title = 413, "photo_too_large", "The photo is too large"


class UnsupportedMediaType(ClientError):
    """The bytes are no photo in a format that is read."""

    status, code, title = 415, "unsupported_media_type", "The photo's format is not supported"


class PhotoUnreadable(ClientError):
    """The bytes begin like a photo and cannot be decoded."""

    status, code, title = 422, "photo_unreadable", "The photo cannot be read"


class LocationMissing(ClientError):
    """Neither the photo nor the request says where the photo was taken."""

    status, code, title = 422, "location_missing", "Nothing says where the photo was taken"


class LocationInvalid(ClientError):
    """Coordinates are there but are no place on Earth."""

    status, code, title = 422, "location_invalid", "The location is no place on Earth"


class TooManyRequests(ClientError):
    """The caller is over its rate."""

    status, code, title = 429, "too_many_requests", "Too many requests"

    @property
    def headers(self) -> dict[str, str]:
        """`Retry-After` in seconds: rates are by the second."""
        return {"Retry-After": "1"}


class ServerError(HTTPError):
    """The request was fine; the service was not."""


class InternalError(ServerError):
    """A fault in Faunalens itself."""

    status, code, title = 500, "internal", "Something went wrong on our side"


class Unavailable(ServerError):
    """A part that the answer needs is not there for now."""

    status, code, title = 503, "unavailable", "The service is unavailable for now"

    def __init__(self, detail: str, retry_after: int = 5) -> None:
        super().__init__(detail)
        self.retry_after = retry_after

    @property
    def headers(self) -> dict[str, str]:
        """`Retry-After` in seconds."""
        return {"Retry-After": str(self.retry_after)}


class SettingError(FaunalensError):
    """An environment variable has no usable value."""


class ModelError(FaunalensError):
    """The model or the labels beside it do not fit the contract in docs/how-to/model.md, or the model fails when it is run."""


class DependencyError(FaunalensError):
    """A dependency did not answer as it should; `fault` is its code in metrics and logs.

    `opened` says that this failure opened the dependency's circuit breaker.
    """

    def __init__(self, fault: str, detail: str = "", *, opened: bool = False) -> None:
        super().__init__(detail or fault)
        self.fault = fault
        self.opened = opened

    @property
    def summary(self) -> str:
        """Its code, and in short what the dependency said, for logs: `redis_timeout: no time was left to ask Redis`."""
        return f"{self.fault}: {summary_of(str(self))}"


class CacheError(DependencyError):
    """Redis did not answer as it should."""


class StoreError(DependencyError):
    """PostgreSQL did not answer as it should."""
