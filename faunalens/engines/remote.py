"""Identify photos by the HTTP API of a deployed service, within its limits. Large photos are uploaded first."""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from threading import Condition
from time import monotonic
from typing import Any
from urllib.parse import urlencode, urljoin, urlsplit

import urllib3
from urllib3.exceptions import InvalidHeader
from urllib3.util import Retry

from chalicelib import errors
from chalicelib.api.http import json_of
from chalicelib.config.settings import PhotoLimits
from chalicelib.photo.exif import taken_at
from chalicelib.photo.photos import PhotoFacts, open_photo
from faunalens.engines.engine import LASTING, Identified, Refused, in_options, position_in
from faunalens.engines.place import Place
from faunalens.errors import CommandError
from faunalens.terminal import shown

API_KEY = "FAUNALENS_API_KEY"
"""Environment variable with the key of the service, if it demands one."""
LARGEST_BODY = 4_500_000
"""Bytes of a photo that fit into one request through API Gateway; larger ones are uploaded first."""
PATIENCE = 600.0
"""Seconds for which one photo is tried again while the service refuses it or cannot be reached."""
FIRST_PATIENCE = 20.0  # seconds after which a service that was never reached counts as not there
_LONGEST_WAIT = 60.0
ERRORS = {key: each for each in reversed(errors.http_errors()) for key in (each.code, each.status)}
"""The API's errors by code; and by status, for answers without a code, which come from a proxy or the like."""
AGAIN = (errors.TooManyRequests, errors.RequestTimeout, errors.ServerError)
"""Errors after which the same request is sent again."""
WRONG = (errors.BadRequest, errors.AccessError, errors.NotFound, errors.MethodNotAllowed)
"""Errors that every photo would get: the key, the address or a parameter is wrong."""


class RemoteEngine:
    """A deployed service. `url`: address of its page. `key`: its API key, or empty. `most`: most requests at once."""

    def __init__(
        self, url: str, key: str, top: int, most: int, patience: float = PATIENCE, *, boxes: bool = False
    ) -> None:
        if urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).hostname:
            raise CommandError(
                f"'{url}' is not the address of a service; expected one such as https://example.org/prod"
            )
        self._url, self._patience = url.rstrip("/") + "/", patience
        self._query = {"top": str(top)} | ({"boxes": "true"} if boxes else {})
        self.pace, self._was_reached = Pace(most), False
        self._headers = {"x-api-key": key} if key else {}
        timeout = urllib3.Timeout(connect=10.0, read=40.0)
        self._pool = urllib3.PoolManager(maxsize=most, block=False, timeout=timeout, retries=False)

    def identify(self, data: bytes, place: Place, shift: float = 0.0) -> Identified:
        """Send a photo, and return the service's answer. With a `shift`, the request has the corrected time."""
        try:
            photo = open_photo(data, PhotoLimits(max_bytes=len(data) + 1))
        except errors.ClientError as error:  # do not send what no service can read
            raise Refused(error.code, error.detail, is_lasting=True) from error
        photo.close()
        query = dict(self._query)
        if place.source == "given":
            query |= {"lat": repr(place.latitude), "lon": repr(place.longitude)}
        elif place.source == "none" and not position_in(photo):
            query["location"] = "none"
        if shift and (time := taken_at(photo.taken, shift)):
            query["time"] = time.replace(" ", "T")
        is_small = len(data) <= LARGEST_BODY
        path = "identify" if is_small else self._upload(data, photo.format)
        answer = self._call(path, query, data if is_small else b"")
        if "features" not in answer:
            raise _stranger(self._url, "an answer without features")
        return Identified(json_of(answer), str(answer["features"].get("mode", "")), PhotoFacts.of(photo))

    def _upload(self, data: bytes, kind: str) -> str:
        """Upload a photo of the format `kind`, such as JPEG, to S3. Return the API's path to POST to for its answer."""
        form = self._call("uploads", {}, b"")
        fields: dict[str, Any] = {**form["fields"], "Content-Type": f"image/{kind.lower()}", "file": ("photo", data)}
        try:
            response = self._pool.request("POST", form["url"], fields=fields)
        except urllib3.exceptions.HTTPError as error:
            raise Refused("unavailable", f"the upload failed ({type(error).__name__})", is_lasting=False) from error
        if response.status >= 300:
            code = re.search(rb"<Code>(\w+)</Code>", response.data)
            reason = code[1].decode() if code else response.status
            raise Refused("upload_refused", f"S3 refused the upload ({reason})", is_lasting=False)
        return str(form["identify_url"])

    def _call(self, path: str, query: Mapping[str, str], body: bytes) -> Any:
        """POST to the service until it answers. Return the JSON of its answer. Raises `Refused`."""
        url = urljoin(self._url, path) + (f"?{urlencode(query)}" if query else "")
        headers = {**self._headers, "Content-Type": "application/octet-stream"}
        started, wait, reason = monotonic(), 1.0, ""
        deadline = started + self._patience
        while monotonic() < deadline:
            with self.pace.turn():
                try:
                    response = self._pool.request("POST", url, body=body, headers=headers)
                    reason = f"it answered {response.status}"
                except urllib3.exceptions.HTTPError as error:
                    response, reason = None, f"it cannot be reached ({type(error).__name__})"
            self._was_reached = self._was_reached or response is not None
            if not self._was_reached and monotonic() > started + FIRST_PATIENCE:
                raise CommandError(f"there is no service at {self._url}: {reason}; check --url, and the network")
            if response is not None:
                said = _json_of(response)
                if response.status < 400 or not issubclass(_error_in(said, response.status), AGAIN):
                    self.pace.succeeded(response.headers)
                    return _expected(said, response, self._url)
            self.pace.refused(retry_after_of(response) or wait)
            wait = min(wait * 2, _LONGEST_WAIT)
        raise Refused("unavailable", f"service did not answer for {self._patience:.0f} s: {reason}", is_lasting=False)


def _json_of(response: urllib3.BaseHTTPResponse) -> dict[str, Any]:
    found: Any = None
    with suppress(ValueError):
        found = json.loads(response.data)
    return found if isinstance(found, dict) else {}


def _error_in(problem: Mapping[str, Any], status: int) -> type[errors.HTTPError]:
    """Return the class of an API error, by its code or status; `ClientError` or `ServerError` if neither is known."""
    fault = errors.ServerError if status >= 500 else errors.ClientError
    return ERRORS.get(str(problem.get("code"))) or ERRORS.get(status, fault)


def _expected(said: dict[str, Any], response: urllib3.BaseHTTPResponse, url: str) -> dict[str, Any]:
    """Return the service's JSON. Raise `Refused` for a fault of this photo, `CommandError` for one of every photo."""
    if response.status < 300 and said:
        return said
    if response.status < 400:  # another site, a redirect, a hotel network's page: not the photo's fault
        where = response.headers.get("location")
        raise _stranger(url, f"it redirects to {shown(where)}" if where else f"{response.status} without a JSON object")
    error, code = _error_in(said, response.status), shown(str(said.get("code", f"http_{response.status}")))
    text = said.get("detail") or said.get("message") or "the service did not answer as Faunalens does"
    detail = shown(in_options(str(text)))
    if issubclass(error, WRONG):
        raise CommandError(
            f"the service refuses every photo ({response.status} {code}): {detail}; check --url, and {API_KEY}"
        )
    raise Refused(code, detail, is_lasting=issubclass(error, LASTING))


def _stranger(url: str, what: str) -> CommandError:
    return CommandError(f"{url} does not answer as Faunalens does ({what}); check --url, and the network")


def retry_after_of(response: urllib3.BaseHTTPResponse | None) -> float:
    """Return the seconds of `Retry-After`, which may also be a date (RFC 9110); 0 if there is none."""
    with suppress(InvalidHeader, ValueError, OverflowError):
        return min(Retry().get_retry_after(response) or 0.0, _LONGEST_WAIT) if response is not None else 0.0
    return 0.0


FIRST = 2  # requests at once at the beginning
_PARAMETER = re.compile(r";\s*([a-z]+)=(\d+)")


class Pace:
    """The requests of one run, which adapt to the service: one more at once after each full round without a refusal,
    half as many after a refusal (AIMD, as TCP does). Thread-safe. `most`: most requests at once.

    `allowed`: requests that may run at once now. `not_before`: when the next one may be sent, in seconds of `clock`.
    """

    def __init__(self, most: int, clock: Callable[[], float] = monotonic) -> None:
        self._most, self._clock = most, clock
        self._changed = Condition()
        self.allowed, self._running, self._in_a_row = min(FIRST, most), 0, 0
        self._interval, self.not_before, self._halved = 0.0, 0.0, 0.0

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Wait until a request may be sent. The block has to send it and receive the response."""
        with self._changed:
            while self._running >= self.allowed or self._clock() < self.not_before:
                left = self.not_before - self._clock()
                self._changed.wait(left if left > 0 else None)
            self._running += 1
            self.not_before = max(self.not_before, self._clock() + self._interval)
        try:
            yield
        finally:
            with self._changed:
                self._running -= 1
                self._changed.notify_all()

    def succeeded(self, headers: Mapping[str, str]) -> None:
        """Note an answer, with its headers about limits (RateLimit and RateLimit-Policy)."""
        with self._changed:
            self._in_a_row += 1
            if self._in_a_row >= self.allowed and self.allowed < self._most:
                self.allowed, self._in_a_row = self.allowed + 1, 0
            quotas = [(each.get("q", 0), each.get("w", 0)) for each in _items(headers.get("ratelimit-policy", ""))]
            self._interval = max((window / quota for quota, window in quotas if quota), default=0.0)
            for each in _items(headers.get("ratelimit", "")):
                if each.get("r") == 0:
                    self.not_before = max(self.not_before, self._clock() + each.get("t", 0))
            self._changed.notify_all()

    def refused(self, retry_after: float) -> None:
        """Note a refusal (429 or 503): half as many requests at once, and none for `retry_after` seconds."""
        with self._changed:
            moment = self._clock()
            if moment >= self._halved:  # the refusals of one round count once
                self.allowed = max(1, self.allowed // 2)
                self._halved = moment + retry_after
            self._in_a_row = 0
            self.not_before = max(self.not_before, moment + retry_after)
            self._changed.notify_all()


def _items(header: str) -> list[dict[str, int]]:
    """Return the limits in a RateLimit header, each as numbers by name: `"key";q=9;w=60` becomes {"q": 9, "w": 60}."""
    return [{name: int(number) for name, number in _PARAMETER.findall(item)} for item in header.split(",")]
