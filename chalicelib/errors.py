"""The tree of errors. Each message says what happened, what was expected and what to do.

FaunalensError
  ClientError                  4xx: the client can fix the request
    BadRequest                 400 bad_request
    AccessError                the caller may not do this; never from a route that metrics count
      ApiKeyInvalid            403 api_key_invalid
      TokenMissing             401 token_missing
      Forbidden                403 forbidden
    NotFound                   404 not_found
    UploadMissing              404 upload_missing
    TaxonError                 the dataset lacks what was asked for; never from a route that metrics count
      TaxonMissing             404 taxon_missing
      RangeMissing             404 range_missing
    MethodNotAllowed           405 method_not_allowed
    PhotoTooLarge              413 photo_too_large
    BodyTooLarge               413 body_too_large
    UnsupportedMediaType       415 unsupported_media_type
    PhotoUnreadable            422 photo_unreadable
    LocationMissing            422 location_missing
    LocationInvalid            422 location_invalid
    TooManyRequests            429 too_many_requests
    TransportError             the HTTP server rejects the request before any route runs; never on Lambda
      RequestTimeout           408 request_timeout
      UriTooLong               414 uri_too_long
      MisdirectedRequest       421 misdirected_request
      HeadersTooLarge          431 headers_too_large
  ServerError                  5xx: the service failed
    InternalError              500 internal
    Unavailable                503 unavailable, with retry_after
    VersionNotSupported        505 version_not_supported
  SettingError                 a setting has an invalid value; the process does not start
  ModelError                   the model or its labels are invalid, or inference fails; clients get 503
  DependencyError              a store failed; requests continue with stale features or without features
    CacheError                 Redis failed
    StoreError                 PostgreSQL failed
  EventInvalid                 an event of the batch function is not as docs/reference/batch.md says
  Unfinished                   some photos of a batch have no line yet; Step Functions knows it by this name
"""

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import ClassVar

from chalicelib.redaction import summary_of


class FaunalensError(Exception):
    """Base class of all errors that Faunalens raises."""


class HTTPError(FaunalensError):
    """An error that clients receive as problem details (RFC 9457). `headers`: additional headers of the response.

    `limit`: name of the rate limit or queue of Faunalens that refused the request; empty if none did.
    """

    status: ClassVar[int]
    code: ClassVar[str]
    title: ClassVar[str]
    headers: Mapping[str, str] = MappingProxyType({})
    limit: str = ""

    @property
    def detail(self) -> str:
        """Return the message: what happened, what was expected and what to do."""
        return str(self)


class ClientError(HTTPError):
    """An error that the client can fix by changing the request."""


class BadRequest(ClientError):
    """A parameter, form field or header is unknown, repeated or invalid."""

    status, code, title = 400, "bad_request", "The request is invalid"


class AccessError(ClientError):
    """The caller lacks permission. Not counted in metrics, because it never comes from a counted route."""


class ApiKeyInvalid(AccessError):
    """The deployment requires an API key, and the request has none, or an unknown or revoked one."""

    status, code, title = 403, "api_key_invalid", "The API key is missing or unknown"


class TokenMissing(AccessError):
    """Only the client that made a result may do this, and the request has no token. Only the web tier has results."""

    status, code, title = 401, "token_missing", "The token of the result is missing"
    headers = MappingProxyType({"WWW-Authenticate": "Bearer"})


class Forbidden(AccessError):
    """Only operators may do this, or the firewall blocks the request."""

    status, code, title = 403, "forbidden", "This is not allowed"


class NotFound(ClientError):
    """The path does not exist, or the deployment has no bucket for uploads."""

    status, code, title = 404, "not_found", "Not found"


class UploadMissing(ClientError):
    """No photo was uploaded with this id within a day."""

    status, code, title = 404, "upload_missing", "There is no photo with this id"


class TaxonError(ClientError):
    """The dataset lacks the taxon or its range. Not counted in metrics, because it never comes from a counted route."""


class TaxonMissing(TaxonError):
    """The dataset has no taxon with this id."""

    status, code, title = 404, "taxon_missing", "There is no taxon with this id"


class RangeMissing(TaxonError):
    """The taxon has no range: it lives everywhere or nowhere, or no source states where."""

    status, code, title = 404, "range_missing", "The taxon has no range"


class MethodNotAllowed(ClientError):
    """The path exists, but only for other methods, which the `Allow` header lists."""

    status, code, title = 405, "method_not_allowed", "The path does not support this method"

    def __init__(self, detail: str, allow: str = "") -> None:
        super().__init__(detail)
        self.allow, self.headers = allow, {"Allow": allow} if allow else {}


class PhotoTooLarge(ClientError):
    """The photo has more bytes or pixels than the service accepts."""

    status, code, title = 413, "photo_too_large", "The photo is too large"


class BodyTooLarge(ClientError):
    """The body, which is not a photo, is larger than the path accepts."""

    status, code, title = 413, "body_too_large", "The body is too large"


class UnsupportedMediaType(ClientError):
    """The body is not a photo in a supported format."""

    status, code, title = 415, "unsupported_media_type", "The photo's format is not supported"


class PhotoUnreadable(ClientError):
    """The photo is empty, damaged, truncated or too costly to decode."""

    status, code, title = 422, "photo_unreadable", "The photo cannot be decoded"


class LocationMissing(ClientError):
    """Neither the photo's EXIF nor the request contains a location."""

    status, code, title = 422, "location_missing", "The location is missing"


class LocationInvalid(ClientError):
    """The coordinates in the request or the photo's EXIF are invalid."""

    status, code, title = 422, "location_invalid", "The location is invalid"


class TooManyRequests(ClientError):
    """The client exceeded its rate limit."""

    status, code, title = 429, "too_many_requests", "Too many requests"

    def __init__(self, detail: str, retry_after: int | None = 1) -> None:
        """Set the header `Retry-After` to `retry_after` seconds. None, if the time is unknown, leaves it out."""
        super().__init__(detail)
        self.headers = {"Retry-After": str(retry_after)} if retry_after is not None else {}


class TransportError(ClientError):
    """A request that the HTTP server rejects before any route runs. Not counted in metrics."""


class RequestTimeout(TransportError):
    """The client sent its request too slowly."""

    status, code, title = 408, "request_timeout", "The request arrived too slowly"


class UriTooLong(TransportError):
    """The path and query are longer than the server accepts."""

    status, code, title = 414, "uri_too_long", "The path and query are too long"


class MisdirectedRequest(TransportError):
    """The Host header names a host that this server does not serve."""

    status, code, title = 421, "misdirected_request", "This host is not served here"


class HeadersTooLarge(TransportError):
    """The request's headers are larger than the server accepts."""

    status, code, title = 431, "headers_too_large", "The headers are too large"


class ServerError(HTTPError):
    """An error with a 5xx status: the service failed, or does not support the request."""


class InternalError(ServerError):
    """A bug in Faunalens."""

    status, code, title = 500, "internal", "Something went wrong on our side"


class Unavailable(ServerError):
    """The model, S3 or the whole service is temporarily unavailable."""

    status, code, title = 503, "unavailable", "The service is temporarily unavailable"

    def __init__(self, detail: str, retry_after: int = 5, limit: str = "") -> None:
        """Set the header `Retry-After` to `retry_after` seconds.

        With `limit`, set `RateLimit`: nothing is left of this limit. The format of `RateLimit` is that of
        draft-ietf-httpapi-ratelimit-headers.
        """
        super().__init__(detail)
        left = {"RateLimit": f'"{limit}";r=0;t={retry_after}'} if limit else {}
        self.limit, self.headers = limit, {"Retry-After": str(retry_after), **left}


class VersionNotSupported(ServerError):
    """The request uses an HTTP version that the server does not support."""

    status, code, title = 505, "version_not_supported", "This HTTP version is not supported"


class SettingError(FaunalensError):
    """An environment variable has an invalid value."""


class ModelError(FaunalensError):
    """The model or its labels break the contract in docs/how-to/model.md, or inference fails."""


class DependencyError(FaunalensError):
    """A dependency failed. `fault`: code for metrics and logs. `opened`: whether this opened its circuit breaker."""

    def __init__(self, fault: str, detail: str = "", *, opened: bool = False) -> None:
        super().__init__(detail or fault)
        self.fault = fault
        self.opened = opened

    @property
    def summary(self) -> str:
        """Return the code and the redacted message, for logs: `redis_timeout: Timeout reading from socket`."""
        return f"{self.fault}: {summary_of(str(self))}"


class CacheError(DependencyError):
    """Redis failed."""


class StoreError(DependencyError):
    """PostgreSQL failed."""


class EventInvalid(FaunalensError):
    """An event of the batch function is not as docs/reference/batch.md says. The message names the field."""


class Unfinished(FaunalensError):
    """Some photos of a Distributed Map's batch have no line yet. Step Functions knows the error by this name."""


def http_errors() -> tuple[type[HTTPError], ...]:
    """Return the class of every error that clients can receive, in the order of this module."""

    def below(parent: type[HTTPError]) -> Iterator[type[HTTPError]]:
        for child in parent.__subclasses__():
            yield from ([child] if hasattr(child, "code") else below(child))

    return tuple(below(HTTPError))


def without_frames[E: BaseException](error: E) -> E:
    """Remove the tracebacks of an error and of its causes, and return the error.

    A library, a future or a frame may refer to an error, and the error's traceback refers to frames. This reference
    cycle keeps the whole request, with its photo, in memory until the cyclic garbage collector runs.
    """
    cause: BaseException | None = error
    while cause is not None:
        cause.__traceback__ = None
        cause = cause.__cause__ or cause.__context__
    return error
