"""A real browser, and what it looks at: the whole app on real servers, or a stand-in with prepared answers."""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import cache
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, Playwright, expect, sync_playwright

from local.stack.ports import HOST
from local.stack.valkey import ValkeyServer
from tests.end_to_end.browsing import DESK, Identified, Open, photo
from tests.end_to_end.stand import BUCKET, PICTURES, Stand, serve
from tests.integration.conftest import serve as serve_app

CHROMIUM = ("chromium-headless-shell", "chromium", "google-chrome", "chromium-browser")
FIREFOX = ("firefox-esr", "firefox")
"""Names of the programs; the first is that of Debian's package. The headless shell is Chromium without its own windows:
a page costs it a quarter of the processor time."""
# No sandbox: CI runs as root. What is disabled keeps the browser from calling anybody by itself.
DISABLED = ("gpu", "quic", "background-networking", "component-update", "sync")
BROWSER_FLAGS = ["--headless", "--no-sandbox", "--no-first-run", *(f"--disable-{each}" for each in DISABLED)]
PATIENCE = 20_000
"""Milliseconds until a page that does not do what is expected has failed: other tests keep the machine busy."""
expect.set_options(timeout=PATIENCE)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run tests with the mark `firefox` in both browsers; `firefox(lacks="…")` says why one of a module does not.

    Most faults show in Chromium, so what a test finds in Firefox besides is looked for at night.
    """
    mark = metafunc.definition.get_closest_marker("firefox")
    if mark and "lacks" not in mark.kwargs:
        both = ["chromium", pytest.param("firefox", marks=pytest.mark.alone)]
        metafunc.parametrize("browser", both, indirect=True, scope="session")


@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:
    with sync_playwright() as running:
        yield running


@pytest.fixture(scope="session")
def browsers(playwright: Playwright) -> Iterator[Callable[[str], Browser]]:
    """Starts a browser when it is first asked for. Each stays until the end: tests alternate, and a start is slow."""
    with ExitStack() as stack:

        @cache
        def browser(name: str) -> Browser:
            if name == "firefox":
                program = _program("Firefox", *FIREFOX)
                running = playwright.firefox.launch(channel="moz-firefox", executable_path=program)
            else:
                program = _program("Chromium", *CHROMIUM)
                running = playwright.chromium.launch(executable_path=program, args=BROWSER_FLAGS)
            stack.callback(running.close)
            return running

        yield browser


@pytest.fixture(scope="session")
def browser(browsers: Callable[[str], Browser], request: pytest.FixtureRequest) -> Browser:
    """Headless Chromium, or Firefox for tests with that mark."""
    return browsers(getattr(request, "param", "chromium"))


def _program(name: str, package: str, *others: str) -> str:
    """Return the path of a browser. Without one, CI fails and a machine of ours skips, both saying how to get it."""
    for each in (package, *others):
        if found := shutil.which(each):
            return found
    missing = f"no {name} was found, which the page's tests drive; get it with: apt-get install {package}"
    if os.environ.get("CI"):
        pytest.fail(missing)
    pytest.skip(missing)


@pytest.fixture
def open_page(browser: Browser) -> Iterator[Open]:
    """Opens an address; afterwards, the page must have had no fault and asked no other server for anything."""
    faults: list[str] = []
    asked: set[str] = set()
    # None of blob: and about: addresses; the bucket and the pictures that the stand-in allows.
    hosts = {"", *(urlsplit(each).netloc for each in (BUCKET, *PICTURES))}
    contexts = []

    def open_one(url: str, before: Callable[[Page], None] = lambda _: None, **options: Any) -> Page:
        context = browser.new_context(**{"viewport": DESK, "reduced_motion": "reduce", "locale": "en-GB"} | options)
        context.set_default_timeout(PATIENCE)
        contexts.append(context)
        opened = context.new_page()

        def note(message: ConsoleMessage) -> None:
            # Chromium reports each refusal of the API, and a map we take away, as an error of a resource.
            if message.type in ("error", "warning") and not message.text.startswith("Failed to load resource"):
                faults.append(message.text)

        opened.on("console", note)
        opened.on("pageerror", lambda error: faults.append(str(error)))
        opened.on("request", lambda request: asked.add(urlsplit(request.url).netloc))
        hosts.add(urlsplit(url).netloc)
        before(opened)
        opened.goto(url)
        return opened

    yield open_one
    for context in contexts:
        context.close()
    assert faults == []
    assert asked <= hosts


@pytest.fixture
def stand() -> Iterator[Stand]:
    """The page, served below a prefix by a stand-in for the API with prepared answers."""
    with serve() as running:
        yield running


@pytest.fixture
def keeping(stand: Stand) -> Stand:
    """The stand-in as a server that keeps results."""
    stand.keeps = True
    return stand


@pytest.fixture
def identified(stand: Stand, open_page: Open) -> Identified:
    def identify(*answer: Any, photos: Any = None, **options: Any) -> Page:
        if answer:
            stand.tell(*answer)
        shown = open_page(stand.url, **options)
        shown.set_input_files("#pick", photos or photo())
        return shown

    return identify


@pytest.fixture(scope="session")
def app_url(
    tmp_path_factory: pytest.TempPathFactory, loaded_database: str, loaded_valkey: ValkeyServer
) -> Iterator[str]:
    """The address of the whole app, with its model and data, on real servers."""
    stores = {"DATABASE_URL": loaded_database, "REDIS_URL": loaded_valkey.url}
    for served in serve_app(tmp_path_factory.mktemp("app"), stores):
        yield f"http://{HOST}:{served.port}/"
