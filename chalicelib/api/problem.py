"""Errors as clients see them: problem details (RFC 9457). No stack trace, no path, no SQL is in them."""

from typing import Any

from chalicelib.errors import HTTPError

MEDIA_TYPE = "application/problem+json"
HEADERS = {
    "Content-Type": MEDIA_TYPE,
    "Cache-Control": "no-store",
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Expose-Headers": "Retry-After",
}
"""Of every problem, also where there is no route to say so: pages elsewhere may read it, and when to come again."""


def headers_of(error: HTTPError) -> dict[str, str]:
    """The headers of an error's response."""
    return {**HEADERS, **error.headers}


def problem_of(error: HTTPError, request_id: str) -> dict[str, Any]:
    """The body of an error's response."""
    return {
        "type": f"urn:problem-type:faunalens:{error.code}",
        "title": error.title,
        "status": error.status,
        "detail": error.detail,
        "code": error.code,
        "request_id": request_id,
    }
