"""Whether a browser without signal names what the server names, and how long that takes.

    python -m benchmarks.offline http://127.0.0.1:8000/ FOLDER...

Takes 20 photos of the folders at even distances, in the order of their names, and asks about each at six places: first
the server, over HTTP; then, cut off from it, its page in Chromium. Needs Chromium, and a server with `make offline`.
"""

import argparse
import base64
import json
import shutil
import sys
from collections.abc import Mapping, Sequence
from operator import eq
from pathlib import Path
from statistics import median
from typing import Any, Final
from urllib.request import Request, urlopen

from playwright.sync_api import Page, sync_playwright

from benchmarks.measure import table
from chalicelib.api import page

PLACES: Final[Mapping[str, tuple[float, float]]] = {
    "Sydney": (-33.9, 151.2),
    "Nairobi": (-1.3, 36.8),
    "San José": (9.9, -84.1),
    "Denver": (39.7, -105.0),
    "Berlin": (52.5, 13.4),
    "Singapore": (1.4, 103.8),
}
PHOTOS: Final = 20
LEAST: Final = 19
"""Least number of photos that both name alike."""
_ASK: Final = """async ([script, photo, place]) => {
    globalThis.asked ??= new Worker(new URL(`web/${script}`, document.baseURI), { type: "module" });
    const bytes = Uint8Array.from(atob(photo), (each) => each.charCodeAt(0));
    return new Promise((resolve, reject) => {
        asked.onmessage = ({ data }) => (data.answer ? resolve(data.answer) : reject(new Error(data.detail)));
        asked.postMessage({ photos: [new Blob([bytes])], place });
    });
}"""


def of_server(url: str, photo: bytes, place: tuple[float, float]) -> Any:
    """Return the server's answer to a photo."""
    address = f"{url}identify?lat={place[0]}&lon={place[1]}"
    request = Request(address, photo, {"Content-Type": "application/octet-stream"})  # noqa: S310, an address of ours
    with urlopen(request, timeout=60.0) as response:  # noqa: S310
        return json.load(response)


def of_device(shown: Page, script: str, photo: bytes, place: tuple[float, float]) -> Any:
    """Return the answer of the page's worker."""
    where = {"latitude": place[0], "longitude": place[1]}
    return shown.evaluate(_ASK, [script, base64.b64encode(photo).decode(), where])


def chosen(folders: Sequence[Path]) -> list[Path]:
    """Return photos at even distances."""
    found = sorted(path for folder in folders for path in folder.rglob("*.jpg"))
    return [found[number * len(found) // PHOTOS] for number in range(PHOTOS)]


def name_in(answer: Any) -> str:
    """Return the scientific name of what an answer says, or what the photo shows."""
    return str(answer["prediction"]["scientific_name"] if answer["prediction"] else answer["subject"])


def most_memory() -> float:
    """Return the most memory that a renderer of a browser has taken, in MB."""
    peaks = [0]
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if b"--type=renderer" in (process / "cmdline").read_bytes():
                status = (process / "status").read_text(encoding="ascii")
                peaks += [int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM")]
        except OSError:
            continue  # it has ended meanwhile
    return max(peaks) / 1e3


def main() -> None:
    """Print the tables, and exit with 1 if a place has too few photos that both name alike."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.offline", description=__doc__.partition("\n")[0])
    parser.add_argument("url", help="address of the page, such as http://127.0.0.1:8000/")
    parser.add_argument("folders", nargs="+", type=Path, help="folders with photos in JPEG")
    arguments = parser.parse_args()
    photos = [path.read_bytes() for path in chosen(arguments.folders)]
    script = next(page.WEB.glob("worker-*.js")).name
    expected = {place: [of_server(arguments.url, each, at) for each in photos] for place, at in PLACES.items()}
    with sync_playwright() as playwright:
        program = shutil.which("chromium-headless-shell") or shutil.which("chromium")
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        shown = browser.new_page()
        shown.goto(arguments.url)
        shown.locator("#offline > summary").click()
        shown.locator("#offline-get").click()
        shown.locator("#offline-forget").wait_for(timeout=120_000)
        shown.context.set_offline(True)
        found = {place: [of_device(shown, script, each, at) for each in photos] for place, at in PLACES.items()}
        memory = most_memory()
        browser.close()
    alike = {at: sum(map(eq, map(name_in, found[at]), map(name_in, expected[at]))) for at in PLACES}
    seconds = [each["timings_ms"]["total"] / 1e3 for answers in found.values() for each in answers]
    print(table([[at, f"{count} of {PHOTOS}"] for at, count in alike.items()], ["place", "the same taxon"]))
    print(f"\nAn answer: {median(seconds):.2f} s, at most {max(seconds):.2f} s; {memory:.0f} MB of memory at most")
    sys.exit(min(alike.values()) < LEAST)


if __name__ == "__main__":
    main()
