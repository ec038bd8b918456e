"""The language of a page: the address first, then the cookie, then the browser; English otherwise."""

from collections.abc import Mapping

import pytest

from chalicelib.api.http import Request
from chalicelib.api.language import language_of, preferred, remembering

LANGUAGES = {"de", "en", "zh"}


@pytest.mark.parametrize(
    ("query", "cookie", "accepted", "language"),
    [
        ("", "", "", "en"),
        ("", "", "de", "de"),
        ("", "", "de-CH,de;q=0.9,en;q=0.8", "de"),
        ("", "", "it-IT, zh-Hans-CN;q=0.5, en;q=0.4", "zh"),
        ("", "", "en;q=0.4, DE;q=0.5", "de"),
        ("", "", "de;q=0, en", "en"),
        ("", "", "nl, *;q=0.5", "en"),
        ("", "", ";;q=,,de;q=9,\x00", "en"),
        ("", "lang=de", "zh", "de"),
        ("", "other=1; lang=de; slang=zh", "zh", "de"),
        ("", "slang=zh", "", "en"),
        ("", "lang=it", "zh", "zh"),
        ("de", "lang=zh", "zh", "de"),
        ("zh-CN", "", "de", "zh"),
        ("it", "lang=zh", "de", "zh"),
        ("../en", "", "de", "de"),
    ],
)
def test_the_first_wish_that_can_be_met_decides(query: str, cookie: str, accepted: str, language: str) -> None:
    headers = {"cookie": cookie, "accept-language": accepted}
    assert language_of(_request(query, headers), LANGUAGES) == language


def test_languages_of_equal_weight_keep_their_order() -> None:
    assert list(preferred("fr;q=0.5, de;q=0.5, es")) == ["es", "fr", "de"]


@pytest.mark.parametrize("accepted", ["," * 8000, "a" * 8000, "de;q=" * 1600, " " * 8000 + "\x00"])
def test_a_header_of_any_form_is_read_at_once(accepted: str) -> None:
    assert language_of(_request("", {"accept-language": accepted}), LANGUAGES) == "en"


def test_a_language_is_remembered_if_the_address_asks_for_it() -> None:
    assert remembering(_request("de"), "de") == {"Set-Cookie": "lang=de; Path=/dev/; Max-Age=31536000; SameSite=Lax"}
    assert remembering(_request("it"), "en") == {}
    assert remembering(_request(""), "de") == {}


def _request(query: str, headers: Mapping[str, str] | None = None) -> Request:
    return Request("id", headers or {}, {"lang": [query]} if query else {}, base="/dev/")
