"""The page without signal: its files are fetched once and checked, and this device answers; nothing leaves it."""

import gzip
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from axe_playwright_python.sync_playwright import Axe
from PIL import Image
from playwright.sync_api import Page, expect

from chalicelib.config.settings import ROOT
from local import package_folder
from local.offline import write
from tests.end_to_end.browsing import Open, photo, unreadable
from tests.end_to_end.stand import Stand
from tests.end_to_end.test_page_access import SMALL
from tests.support import pictures

if TYPE_CHECKING:
    from collections.abc import Callable

FILES = {"rule.json": b'{"a": 1}' * 99, "general.onnx": bytes(range(256)) * 400}
KEPT = """async () => {
    const request = indexedDB.open("faunalens-outbox");
    await new Promise((resolve) => (request.onsuccess = resolve));
    const rows = request.result.transaction("answers").objectStore("answers").getAll();
    await new Promise((resolve) => (rows.onsuccess = resolve));
    request.result.close();
    return rows.result[0].photos[0].constructor.name;
}"""
"""What the outbox keeps of a photo."""


def parts_of(folder: Path, files: dict[str, bytes] = FILES) -> list[Path]:
    """Write files into a folder as the server offers them. Return their parts."""
    write(files, folder)
    return sorted(each for each in folder.iterdir() if "-" in each.name)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder with what the server offers: small files in place of models, in several parts."""
    monkeypatch.setattr("local.offline.OFFLINE_PART_BYTES", 500)
    parts_of(tmp_path)
    return tmp_path


@pytest.fixture
def offering(stand: Stand, folder: Path) -> Stand:
    stand.offline = folder
    return stand


def parts_asked(stand: Stand) -> int:
    return sum("/offline/" in request.path for request in stand.asked)


def get(shown: Page) -> None:
    """Fetch what the server offers."""
    shown.locator("#offline > summary").click()
    shown.locator("#offline-get").click()


def test_files_are_fetched_once_then_the_page_needs_no_signal_and_an_update_waits_for_consent(
    offering: Stand, folder: Path, open_page: Open
) -> None:
    # GIVEN a page, which asks for nothing of that by itself
    shown = open_page(offering.url)
    assert not any("offline" in request.path for request in offering.asked)
    # WHEN a person wants to use it without signal
    get(shown)
    # THEN it says when it is ready
    expect(shown.locator("#offline-status")).to_contain_text("Ready: this device answers without signal.")
    assert parts_asked(offering) == len(parts_of(folder))
    # AND the page opens with its words and its lists of places, also in another tab
    shown.context.set_offline(True)
    shown.reload()
    shown.locator("#offline > summary").click()
    expect(shown.locator("#offline-status")).to_contain_text("Ready")
    expect(shown.locator("#offline-get")).to_be_hidden()
    # WHEN the server has another version of one file THEN the page says so and is still ready
    shown.context.set_offline(False)
    parts_of(folder, FILES | {"rule.json": b'{"a": 2}'})
    before = parts_asked(offering)
    shown.reload()
    shown.locator("#offline > summary").click()
    expect(shown.locator("#offline-status")).to_contain_text("The server has newer files.")
    assert parts_asked(offering) == before
    # AND only with the person's consent fetches it, and that file alone
    expect(shown.locator("#offline-get")).to_have_text("Update (1 MB)")
    shown.locator("#offline-get").click()
    expect(shown.locator("#offline-get")).to_be_hidden()
    expect(shown.locator("#offline-status")).to_contain_text("Ready")
    assert parts_asked(offering) == before + 1
    # AND the files can be removed
    shown.context.set_offline(True)
    shown.locator("#offline-forget").click()
    expect(shown.locator("#offline-forget")).to_be_hidden()
    assert shown.evaluate("caches.keys()") == []


def test_a_device_is_never_ready_with_a_damaged_or_missing_file(offering: Stand, folder: Path, open_page: Open) -> None:
    shown = open_page(offering.url)
    shown.locator("#offline > summary").click()
    expect(shown.locator("#offline-get")).to_be_visible()  # the page has read the list, which is written anew below
    second = next(each for each in parts_of(folder) if each.name.endswith("-1"))
    first, *others = (each for each in parts_of(folder) if each.name.startswith(second.name[:-1]))
    content = second.read_bytes()
    faults: list[Callable[[], object]] = [
        second.unlink,
        lambda: second.write_bytes(content[:9] + bytes([content[9] ^ 1]) + content[10:]),
        lambda: (first.write_bytes(gzip.compress(b"another file")), [each.write_bytes(b"") for each in others]),
    ]
    for fault in faults:
        # GIVEN a part that is missing, damaged or of another file
        parts_of(folder)
        fault()
        shown.locator("#offline-status").evaluate("status => { status.textContent = '' }")  # of the fault before
        # WHEN a person fetches the files
        shown.locator("#offline-get").click()
        # THEN the page says what is wrong, and offers to fetch them again
        expect(shown.locator("#offline-status")).to_contain_text(". ")
        expect(shown.locator("#offline-stop")).to_be_hidden()
        expect(shown.locator("#offline-status")).not_to_contain_text("Ready")
        expect(shown.locator("#offline-get")).to_be_visible()
    # AND with sound parts it is ready
    parts_of(folder)
    shown.locator("#offline-get").click()
    expect(shown.locator("#offline-status")).to_contain_text("Ready")


def test_files_that_do_not_work_are_a_problem_and_not_an_answer(offering: Stand, open_page: Open) -> None:
    # GIVEN a device with files that are what the server has, but no models
    shown = open_page(offering.url)
    get(shown)
    expect(shown.locator("#offline-status")).to_contain_text("Ready")
    # WHEN a photo is chosen without signal
    shown.context.set_offline(True)
    shown.set_input_files("#pick", photo())
    # THEN the page says so
    expect(shown.locator("#problem-heading")).to_have_text("The files on this device are damaged")
    assert offering.sent == []
    # WHEN the disk cuts a file short THEN the page offers what is missing when it is opened again
    shown.context.set_offline(False)
    shown.evaluate("""async () => {
        const store = await caches.open("faunalens-offline");
        const [kept] = (await store.keys()).filter(({ url }) => !url.endsWith(".json"));
        const data = await (await store.match(kept)).blob();
        await store.put(kept, new Response(data.slice(9), { headers: { "Content-Length": data.size } }));
    }""")
    shown.reload()
    shown.locator("#offline > summary").click()
    expect(shown.locator("#offline-get")).to_be_visible()
    expect(shown.locator("#offline-status")).not_to_contain_text("Ready")
    # AND a server without the files does not offer them
    offering.offline = None
    shown.reload()
    expect(shown.locator("#knowledge")).to_be_visible()
    expect(shown.locator("#offline")).to_be_hidden()


@pytest.fixture
def pocket(stand: Stand, open_page: Open) -> Page:
    """The page in German on a device that is ready, with the server's own models, and that has lost its signal."""
    stand.language, stand.offline = "de", ROOT / "model" / "offline"
    assert stand.offline.is_dir(), "the files for answers without signal are missing; run `make offline`"
    shown = open_page(stand.url)
    get(shown)
    expect(shown.locator("#offline-forget")).to_be_visible()
    shown.context.set_offline(True)
    return shown


@pytest.mark.firefox
def test_without_signal_the_device_answers_and_sends_nothing_until_that_is_wanted(pocket: Page, stand: Stand) -> None:
    # GIVEN a device without signal, of which every request is counted
    asked: list[str] = []
    pocket.on("request", lambda request: asked.append(request.url))
    # WHEN a photo of a cat is chosen that is as grey as those by night, and has its place in it
    pocket.set_input_files("#pick", photo(cat(), "cat.jpg"))
    # THEN this device names it, says so, and knows what lives there
    expect(pocket.locator("#device-words")).to_contain_text(
        "Dieses Gerät hat ohne Empfang geantwortet; es wurde nichts gesendet. Nachtaufnahmen kann es nicht"
    )
    expect(pocket.locator("#title")).to_contain_text(re.compile("katze", re.IGNORECASE))
    expect(pocket.locator("#where")).to_contain_text("Australien")
    # AND nothing leaves it: its own files and the photo itself are all that it reads
    assert [each for each in asked if not re.search(r"/web/|^blob:", each)] == []
    assert stand.sent == []
    # AND the answer waits in the list, also after the tab was closed
    pocket.reload()
    pocket.locator("#offline > summary").click()
    expect(pocket.locator("#outbox-list li")).to_have_count(1)
    assert pocket.evaluate(KEPT) == "ArrayBuffer"  # private windows of Safari keep no Blob
    assert Axe().run(pocket).response["violations"] == []
    assert pocket.evaluate(SMALL) == []
    pocket.locator("#outbox-list").get_by_text("Zeigen").click()
    expect(pocket.locator("#device")).to_be_visible()
    # AND when the person asks the server, which sees a koala, both are shown, and nothing waits any longer
    pocket.context.set_offline(False)
    pocket.locator("#device-ask").click()
    expect(pocket.locator("#title")).to_have_text("Koala")
    expect(pocket.locator("#device-words")).to_contain_text(
        re.compile("hatte dieses Gerät gesagt: .*katze", re.IGNORECASE)
    )
    assert [request.query["lat"] for request in stand.sent if request.path.endswith("identify")] == ["-33.87"]
    expect(pocket.locator("#outbox")).to_be_hidden()


def test_a_photo_that_only_the_server_reads_waits_for_the_signal(pocket: Page, stand: Stand, tmp_path: Path) -> None:
    # GIVEN a device without signal WHEN a photo is chosen that its browser does not read
    pocket.set_input_files("#pick", unreadable(tmp_path, 999))
    # THEN the page does not refuse it
    expect(pocket.locator("#problem-heading")).to_have_text("Sie sind offline")
    assert stand.sent == []
    # AND sends it as soon as there is signal
    pocket.context.set_offline(False)
    expect(pocket.locator("#title")).to_have_text("Koala")


def cat() -> bytes:
    """A grey JPEG of a cat that was taken in Sydney: a photo in the wheel of scikit-image (CC0)."""
    image = Image.open(package_folder("skimage") / "data" / "chelsea.png").convert("L").convert("RGB")
    return pictures.encoded(image, "JPEG", quality=90, exif=pictures.exif(pictures.SYDNEY))
