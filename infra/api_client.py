"""A client of a deployed API that sees statuses and headers, and uploads photos through the bucket."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from email.message import Message
from urllib.error import HTTPError, URLError
from urllib.parse import urljoin
from urllib.request import Request, urlopen
from uuid import uuid4

from infra.step import PreconditionFailed

TIMEOUT = 30.0  # seconds for one request; API Gateway gives up after 29

_JSON = "application/json"


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to a request. `headers`: names in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def __str__(self) -> str:
        """Return status and the beginning of the body, for a message."""
        return f"status {self.status}: {self.body.decode(errors='replace')[:200]}"


@dataclass(frozen=True, slots=True)
class Upload:
    """A photo in the bucket. `key`: its name there. `identify_url`: where to POST to."""

    key: str
    identify_url: str


def fetch(url: str, data: bytes | None = None, content_type: str = _JSON) -> Answer:
    """Send a GET, or a POST if there is `data`. Raise `PreconditionFailed` if there is no answer of any status."""
    headers = {"Accept": _JSON, "Content-Type": content_type}
    try:
        with urlopen(Request(url, data, headers), timeout=TIMEOUT) as response:  # noqa: S310  our own deployment
            return Answer(response.status, _lower(response.headers), response.read())
    except HTTPError as error:
        return Answer(error.code, _lower(error.headers), error.read())
    except (URLError, TimeoutError) as error:
        raise PreconditionFailed(f"{url} did not respond: {error}") from error


def upload(url: str, photo: bytes) -> Upload:
    """Upload a JPEG as clients do: get a form, and post it to the bucket. `url`: of the API, ending with a slash."""
    answer = fetch(f"{url}uploads", b"")
    if answer.status not in (200, 201):
        raise PreconditionFailed(f"POST /uploads returned {answer}")
    form = json.loads(answer.body)
    boundary = uuid4().hex
    fields = {**form["fields"], "Content-Type": "image/jpeg"}
    before = "".join(f"{_part(boundary, name)}\r\n\r\n{value}\r\n" for name, value in fields.items())
    body = f'{before}{_part(boundary, "file")}; filename="photo.jpg"\r\n\r\n'.encode()
    body += photo + f"\r\n--{boundary}--\r\n".encode()
    stored = fetch(form["url"], body, f"multipart/form-data; boundary={boundary}")
    if stored.status not in (200, 201, 204):
        raise PreconditionFailed(f"S3 refused the form of POST /uploads with {stored}")
    return Upload(form["fields"]["key"], urljoin(url, form["identify_url"]))


def _part(boundary: str, name: str) -> str:
    return f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"'


def _lower(headers: Message) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}
