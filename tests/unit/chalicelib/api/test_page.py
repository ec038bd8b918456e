"""The page's files: only known names are served, with headers that forbid other origins."""

import pytest

from chalicelib.api import page
from chalicelib.errors import NotFound


def test_the_page_contains_its_base_path() -> None:
    text, headers = page.index("/dev/")
    assert '<base href="/dev/">' in text
    assert headers["Content-Type"] == "text/html; charset=utf-8"
    assert headers["Cache-Control"] == "no-cache"


def test_the_base_path_is_escaped() -> None:
    text, _ = page.index('/;"><script>alert(1)</script>/')
    assert "<script>alert" not in text


def test_the_page_may_send_photos_to_the_bucket_alone() -> None:
    _, headers = page.index("/", ["https://photos.example"])
    assert headers["Content-Security-Policy"].endswith("; connect-src 'self' https://photos.example")


@pytest.mark.parametrize("name", sorted(path.name for path in page.WEB.iterdir()))
def test_every_file_has_a_type_and_may_load_nothing_from_other_origins(name: str) -> None:
    text, headers = page.asset(name)
    assert text
    assert headers["Content-Security-Policy"].startswith("default-src 'self'")
    assert headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("name", ["", ".", "..", "../app.py", "%2e%2e", "photo.py", "index"])
def test_nothing_else_is_served(name: str) -> None:
    with pytest.raises(NotFound, match="the page has no file"):
        page.asset(name)


def test_no_file_names_another_host() -> None:
    for path in page.WEB.iterdir():
        text = path.read_text(encoding="utf-8").replace("http://www.w3.org/2000/svg", "")
        assert "http://" not in text
        assert "https://" not in text
