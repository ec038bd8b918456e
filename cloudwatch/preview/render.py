"""`python -m cloudwatch render`: take a picture of each dashboard, with Chromium under Playwright."""

import argparse
import shutil
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from urllib.parse import urlencode

from cloudwatch.preview.pages import Pages
from cloudwatch.preview.server import add_source_arguments, open_recording, serving

FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
WIDTH = 1400
"""Width of a picture in pixels."""


def main(arguments: Sequence[str]) -> int:
    """Take the pictures. Return the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m cloudwatch render", description="Take a picture of each dashboard. Requires Chromium."
    )
    parser.add_argument("--out", type=Path, required=True, help="folder to write to")
    add_source_arguments(parser)
    parser.add_argument("--stage", default="", help="stage to show (default: the first stage in the recording)")
    parser.add_argument("--range", default="all", help="time range: 15m, 1h, 3h, 24h or all (default: %(default)s)")
    parser.add_argument("--until", default="", metavar="TIME", help="end of the range in UTC, such as 2026-06-01T18:30")
    parser.add_argument("--height", type=int, default=0, help="height of the pictures in pixels; 0 shows whole pages")
    parser.add_argument("--dark", action="store_true", help="take the pictures in dark mode")
    options = parser.parse_args(arguments)
    options.out.mkdir(parents=True, exist_ok=True)
    query = {name: getattr(options, name) for name in ("stage", "range", "until")}
    with open_recording(options) as recording:
        for path in take_pictures(Pages(recording), options.out, query, dark=options.dark, height=options.height):
            print(f"{path}  {path.stat().st_size / 1e3:.0f} kB", flush=True)
    return 0


def take_pictures(pages: Pages, folder: Path, query: Mapping[str, str], *, dark: bool, height: int) -> Iterator[Path]:
    """Take a picture of each dashboard. Yield the path of each, NAME.png in a folder.

    Pictures show the first `height` pixels of a page; 0 shows the whole page. Raises SystemExit if there is no
    Chromium.
    """
    from PIL import Image
    from playwright.sync_api import sync_playwright

    chromium = find_chromium()
    with serving(pages) as url, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        page = browser.new_page(
            viewport={"width": WIDTH, "height": 900}, color_scheme="dark" if dark else "light", device_scale_factor=1
        )
        for name in pages.names():
            page.goto(f"{url}{name}?{urlencode(query)}")
            page.locator('main[aria-busy="false"]').wait_for()
            path = folder / f"{name}.png"
            clip_height = height or page.evaluate("document.documentElement.scrollHeight")
            page.screenshot(path=path, full_page=True, clip={"x": 0, "y": 0, "width": WIDTH, "height": clip_height})
            with Image.open(path) as picture:  # optimizing makes the file smaller
                picture.convert("RGB").save(path, optimize=True)
            yield path
        browser.close()


def find_chromium() -> str:
    """Return the path of the installed Chromium or Chrome. Raises SystemExit if there is none."""
    for name in ("chromium", "google-chrome", "chromium-browser"):
        if path := shutil.which(name):
            return path
    raise SystemExit("Chromium is required for pictures but was not found; install it with: apt-get install chromium")
