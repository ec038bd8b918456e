"""Which responses the HTTP server compresses, and for whom."""

import gzip
import json

from chalicelib.api.http import Response
from chalicelib.config.settings import ROOT
from faunalens.web.messages import MINIMUM, accepts_gzip, compressed

TEXT = {"Content-Type": "text/plain"}


def test_a_large_body_is_compressed_for_clients_that_read_gzip() -> None:
    bodies: tuple[str | bytes, ...] = ("ä" * MINIMUM, b"a" * MINIMUM)
    for body in bodies:
        sent = compressed(Response(body, TEXT, 201), "gzip, deflate, br, zstd")
        assert isinstance(sent.body, bytes)
        assert gzip.decompress(sent.body) == (body.encode() if isinstance(body, str) else body)
        assert (sent.status, sent.headers) == (201, {**TEXT, "Content-Encoding": "gzip", "Vary": "Accept-Encoding"})
    for size, accepted in ((MINIMUM - 1, "gzip"), (MINIMUM, ""), (MINIMUM, "br")):
        response = Response("a" * size, TEXT)
        assert compressed(response, accepted) == response


def test_a_photo_is_sent_as_it_is() -> None:
    photo = Response(b"a" * MINIMUM, {"Content-Type": "image/jpeg"})
    assert compressed(photo, "gzip") == photo


def test_a_client_accepts_gzip_if_it_names_it_without_the_weight_0() -> None:
    for accepted in ("gzip", "br, GZIP ; q=0.5", "gzip;q=1.0,*;q=0"):
        assert accepts_gzip(accepted), accepted
    for accepted in ("gzip;q=0", "gzip; q=0.000", "x-gzip", "*", "identity", ""):
        assert not accepts_gzip(accepted), accepted


def test_api_gateway_compresses_from_the_same_size() -> None:
    config = json.loads((ROOT / ".chalice/config.json").read_text(encoding="utf-8"))
    assert config["minimum_compression_size"] == MINIMUM
