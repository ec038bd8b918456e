"""Compression of responses. The HTTP server compresses what API Gateway compresses on Lambda."""

import gzip
import re

from chalicelib.api.http import Response

MINIMUM = 1024
"""Bytes of the smallest body that is compressed: `minimum_compression_size` in .chalice/config.json."""
LEVEL = 6
"""Level 9 makes the page's script 2 bytes smaller."""
_NO = re.compile(r"\s*q\s*=\s*0(\.0*)?\s*")


def compressed(response: Response, accepted: str) -> Response:
    """Return the response with a gzip body if the client accepts that and the body is not small.

    `accepted`: the client's `Accept-Encoding`, or an empty string.
    """
    body = response.body if isinstance(response.body, bytes) else response.body.encode()
    if len(body) < MINIMUM or not accepts_gzip(accepted):
        return response
    headers = {"Vary": "Accept-Encoding", **response.headers, "Content-Encoding": "gzip"}
    return response._replace(body=gzip.compress(body, LEVEL, mtime=0), headers=headers)


def accepts_gzip(accepted: str) -> bool:
    """Return whether an `Accept-Encoding` header names gzip, without the weight 0.

    >>> accepts_gzip("br, GZIP;q=0.5"), accepts_gzip("gzip;q=0"), accepts_gzip("*")
    (True, False, False)
    """
    codings = (each.partition(";") for each in accepted.lower().split(","))
    return any(coding.strip() == "gzip" and not _NO.fullmatch(weight) for coding, _, weight in codings)
