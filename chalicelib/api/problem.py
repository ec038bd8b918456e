"""Problem details (RFC 9457), the format of all errors. They contain no stack trace, path or SQL."""

from typing import Any

from chalicelib.api.rate_limits import LEFT_HEADER, POLICY_HEADER
from chalicelib.errors import HTTPError

MEDIA_TYPE = "application/problem+json"
EXPOSED_HEADERS = (LEFT_HEADER, POLICY_HEADER, "Retry-After")
"""Headers that web pages of any origin may read, in alphabetical order, as Chalice sends them."""
HEADERS = {
    "Content-Type": MEDIA_TYPE,
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Expose-Headers": ",".join(EXPOSED_HEADERS),
}
"""Headers of every problem. Web pages of any origin may read the problem, and when to try again."""


def headers_of(error: HTTPError) -> dict[str, str]:
    """Return the response headers of an error."""
    return {**HEADERS, **error.headers}


def problem_of(error: HTTPError, request_id: str) -> dict[str, Any]:
    """Return the response body of an error."""
    return {
        "type": f"urn:problem-type:faunalens:{error.code}",
        "title": error.title,
        "status": error.status,
        "detail": error.detail,
        "code": error.code,
        "request_id": request_id,
    }
