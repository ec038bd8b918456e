"""Which responses the HTTP server compresses, and for whom."""

import gzip
import json

import pytest

from chalicelib.api.http import Response
from chalicelib.config.settings import ROOT
from faunalens.web.messages import MINIMUM, compressed

BODY, TEXT = "ä" * MINIMUM, {"Content-Type": "text/plain"}


@pytest.mark.parametrize("accepted", ["gzip, deflate, br, zstd", "br, GZIP ; q=0.5", "gzip;q=1.0,*;q=0"])
def test_a_large_body_is_compressed_for_clients_that_read_gzip(accepted: str) -> None:
    for body in (BODY, BODY.encode()):
        sent = compressed(Response(body, TEXT, 201), accepted)
        assert isinstance(sent.body, bytes)
        assert gzip.decompress(sent.body).decode() == BODY
        assert (sent.status, sent.headers) == (201, {**TEXT, "Content-Encoding": "gzip", "Vary": "Accept-Encoding"})
    # AND API Gateway compresses from the same size
    config = json.loads((ROOT / ".chalice/config.json").read_text(encoding="utf-8"))
    assert config["minimum_compression_size"] == MINIMUM


@pytest.mark.parametrize("accepted", ["gzip;q=0", "gzip; q=0.000", "x-gzip", "*", "identity", "br", ""])
def test_who_does_not_name_gzip_or_gives_it_no_weight_gets_the_body_as_it_is(accepted: str) -> None:
    assert compressed(Response(BODY, TEXT), accepted) == Response(BODY, TEXT)


def test_what_is_small_or_compressed_already_is_sent_as_it_is() -> None:
    for response in (Response("a" * (MINIMUM - 1), TEXT), Response(b"a" * MINIMUM, {"Content-Type": "image/jpeg"})):
        assert compressed(response, "gzip") == response
