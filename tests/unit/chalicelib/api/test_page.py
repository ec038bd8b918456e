"""The page's files: only known names are served, with headers that forbid other origins."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import unquote, urljoin

import pytest

from chalicelib.api import page
from chalicelib.api.http import Request
from chalicelib.api.page import language_of, preferred, remembering
from chalicelib.config.casts import origins
from chalicelib.errors import NotFound

ASSETS = sorted(path.name for path in page.WEB.iterdir() if path.suffix != ".html")


def test_the_page_contains_its_base_path_escaped() -> None:
    text, headers = page.index("/dev/")
    assert '<base href="/dev/">' in text
    assert (headers["Content-Type"], headers["Cache-Control"]) == ("text/html; charset=utf-8", "no-cache")
    assert headers["Vary"] == "Accept-Encoding, Accept-Language, Cookie"
    assert "<script>alert" not in page.index('/;"><script>alert(1)</script>/')[0]
    # AND says whether the server has files for use without signal
    assert '<meta name="offline">' in page.index("/", offline=True)[0]
    assert '<meta name="offline">' not in text


def test_the_page_may_send_photos_to_the_bucket_alone_and_other_origins_or_keys_change_its_tag() -> None:
    given: list[tuple[list[str], str]] = [([], ""), ([], "k"), (["https://photos.example"], "")]
    *_, headers = found = [page.index("/", "en", origins, key)[1] for origins, key in given]
    assert headers["Content-Security-Policy"].endswith("; connect-src 'self' https://photos.example")
    assert len({each["ETag"] for each in found}) == 3


def test_the_page_may_show_pictures_of_the_hosts_that_the_setting_names_and_of_no_others() -> None:
    text, headers = page.index("/", pictures=["https://api.example", "https://one.example", "https://two.example"])
    policy = headers["Content-Security-Policy"]
    assert "img-src 'self' blob: data: https://one.example https://two.example;" in policy
    assert policy.endswith("; connect-src 'self' https://api.example https://one.example https://two.example")
    assert '<meta name="pictures" content="https://api.example https://one.example https://two.example">' in text
    # AND off with the setting
    text, headers = page.index("/", pictures=origins("off"))
    assert "pictures" not in text.partition("<body")[0]
    assert "https://" not in headers["Content-Security-Policy"]


def test_the_page_can_be_installed_and_opens_where_it_was_installed() -> None:
    # GIVEN what the manifest names, from its own address below the page's
    (manifest,) = page.WEB.glob("manifest-en-*.json")
    found = json.loads(manifest.read_text(encoding="utf-8"))
    # THEN the app starts at the page, and its icon is served
    assert urljoin("/dev/web/manifest.json", found["start_url"]) == urljoin("/dev/web/", found["scope"]) == "/dev/"
    assert page.asset(found["icons"][0]["src"])[1]["Content-Type"] == "image/svg+xml"


OF_LANGUAGES = ("areas-", "countries-", "manifest-", "names-", "relatives-", "shell-")


def test_without_signal_the_page_has_all_of_its_files_and_may_run_them() -> None:
    # GIVEN the list of the files to keep
    (shell,) = page.WEB.glob("shell-*.json")
    kept = {name.removeprefix("web/") for name in json.loads(shell.read_text(encoding="utf-8"))}
    # THEN it has all but what belongs to one language or to the list itself
    assert kept == {name for name in ASSETS if not name.startswith(OF_LANGUAGES)}
    # AND a worker may run WebAssembly, and open the page from below it
    _, headers = page.asset(next(name for name in ASSETS if name.startswith("service-worker-")))
    assert "script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'" in headers["Content-Security-Policy"]
    assert headers["Service-Worker-Allowed"] == "/"


@pytest.mark.parametrize("name", ASSETS)
def test_every_asset_is_kept_for_its_name_has_a_hash_and_may_load_nothing_from_other_origins(name: str) -> None:
    assert re.fullmatch(r"[a-z-]+-[A-Z0-9]{8}\.(js|css|json|svg|txt)", name)
    text, headers = page.asset(name)
    assert text
    assert re.fullmatch(
        r"text/(javascript|css|plain); charset=utf-8|application/json|image/svg\+xml", headers["Content-Type"]
    )
    assert headers["Content-Security-Policy"].startswith("default-src 'self'")
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert headers["Vary"] == "Accept-Encoding"


@pytest.mark.parametrize(
    "name",
    [
        *["", ".", "..", "../app.py", "%2e%2e", "photo.py", "index", "index.html", "app.js", "app-0.js"],
        *["app-00000000.css", "page-00000000.py", "places.txt", "others-00000000.txt", "names-xx-00000000.json"],
    ],
)
def test_nothing_else_is_served(name: str) -> None:
    with pytest.raises(NotFound, match="the page has no file"):
        page.asset(name)


@pytest.mark.parametrize(
    ("asked", "pattern"),
    [("app-00000000.js", "app-*"), ("page-00000000.css", "*.css"), ("names-de-00000000.json", "names-de-*")],
)
def test_a_file_of_another_version_is_the_current_one_and_a_script_reloads_the_page(asked: str, pattern: str) -> None:
    (current,) = page.WEB.glob(pattern)
    (text, now), (other, headers) = page.asset(current.name), page.asset(asked)
    assert "location.reload()" in other if asked.endswith(".js") else other == text
    # AND neither is kept
    assert (headers["Cache-Control"], headers["Content-Type"]) == ("no-store", now["Content-Type"])


def test_no_file_names_another_host() -> None:
    """But a namespace of XML, links of pictures that people follow, and a page that onnxruntime's message about threads
    names, which the page never shows."""
    known = (
        r"http://www\.w3\.org/2000/svg|https://(web\.dev/cross-origin-isolation-guide|creativecommons\.org"
        r"|www\.inaturalist\.org/photos|commons\.wikimedia\.org/wiki)/"
    )
    for path in page.WEB.iterdir():
        text = re.sub(known, "", unquote(path.read_text(encoding="utf-8")))
        assert not re.search("https?://", text)


def test_each_language_has_its_own_tag_and_the_names_of_animals_in_it() -> None:
    # GIVEN the page in all languages
    pages = {language: page.index("/", language) for language in page.languages()}
    assert pages.keys() == {"de", "en", "es", "fr", "zh"}
    # THEN caches and screen readers can tell them apart
    assert len({headers["ETag"] for _, headers in pages.values()}) == len(pages)
    for language, (text, headers) in pages.items():
        assert headers["Content-Language"] == language
        found = re.search(r'<html lang="([\w-]+)" dir="(\w+)" data-names="(.*?)"', text)
        assert found is not None
        assert found[1].startswith(language)
        # AND all but English, in which the API answers, name the file with its names
        assert bool(found[3]) == (language != "en")
        if found[3]:
            assert page.asset(found[3].removeprefix("web/"))[1]["Cache-Control"].endswith("immutable")


LANGUAGES = {"de", "en", "zh"}


@pytest.mark.parametrize(
    ("query", "cookie", "accepted", "language"),
    [
        ("", "", "", "en"),
        ("", "", "de-CH,de;q=0.9,en;q=0.8", "de"),
        ("", "", "it-IT, zh-Hans-CN;q=0.5, en;q=0.4", "zh"),
        ("", "", "en;q=0.4, DE;q=0.5", "de"),
        ("", "", "de;q=0, en", "en"),
        ("", "", "nl, *;q=0.5", "en"),
        ("", "", ";;q=,,de;q=9,\x00", "en"),
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


@pytest.mark.parametrize("accepted", ["," * 8000, "a" * 8000, "de;q=" * 1600, " " * 8000 + "\x00"])
def test_a_header_of_any_form_is_read_at_once(accepted: str) -> None:
    assert list(preferred("fr;q=0.5, de;q=0.5, es")) == ["es", "fr", "de"]  # equal weights keep their order
    assert language_of(_request("", {"accept-language": accepted}), LANGUAGES) == "en"


def test_a_language_is_remembered_if_the_address_asks_for_it() -> None:
    assert remembering(_request("de"), "de") == {"Set-Cookie": "lang=de; Path=/dev/; Max-Age=31536000; SameSite=Lax"}
    assert remembering(_request("it"), "en") == {}
    assert remembering(_request(""), "de") == {}


def _request(query: str, headers: Mapping[str, str] | None = None) -> Request:
    return Request("id", headers or {}, {"lang": [query]} if query else {}, base="/dev/")


PART = "0123456789abcdef-0"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / page.OFFLINE_LIST).write_text('{"version": "1"}', encoding="utf-8")
    (tmp_path / PART).write_bytes(b"\x1f\x8b\xff")
    (tmp_path.parent / "secret").write_text("no part", encoding="utf-8")
    return tmp_path


def test_a_list_is_asked_for_again_and_sent_when_it_has_changed(folder: Path) -> None:
    first = page.offline_list(Request("1"), folder)
    assert (first.body, first.headers["Cache-Control"]) == ('{"version": "1"}', "no-cache")
    again = Request("2", {"if-none-match": first.headers["ETag"]})
    assert page.offline_list(again, folder).status == 304
    (folder / page.OFFLINE_LIST).write_text('{"version": "2"}', encoding="utf-8")
    assert page.offline_list(again, folder).status == 200


def test_a_part_is_bytes_that_are_kept_forever(folder: Path) -> None:
    part = page.offline_part(folder, PART)
    assert part.body == b"\x1f\x8b\xff"
    # AND many clients that take it slowly share its bytes
    assert page.offline_part(folder, PART).body is part.body
    assert part.headers["Content-Type"] == "application/octet-stream"
    assert "immutable" in part.headers["Cache-Control"]
    # AND a server without files says so
    with pytest.raises(NotFound, match="offers no files for use without signal"):
        page.offline_list(Request("1"), folder / "none")


@pytest.mark.parametrize(
    "name", ["../secret", "secret", page.OFFLINE_LIST, "0123456789abcdef-1", f"{PART}\n", "", "٠" * 16 + "-0"]
)
def test_nothing_else_is_sent(folder: Path, name: str) -> None:
    with pytest.raises(NotFound, match=r"offline\.json lists the current parts"):
        page.offline_part(folder, name)
