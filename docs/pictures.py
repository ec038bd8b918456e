"""Save the pictures in the docs: of the page that `make run` serves, or of the dashboards that `make preview` serves.

python -m docs.pictures page          # the answer for the sample photo whose path `make run` prints
python -m docs.pictures dashboards    # one of each dashboard
"""

import argparse
import shutil
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from local import sample_photo

IMAGES = Path(__file__).parent / "images"
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]


def main() -> None:
    """Save pictures of the web page or of the dashboards in the preview, as the arguments say."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    save = {"page": save_page, "dashboards": save_dashboards}
    parser.add_argument("what", choices=save)
    options = parser.parse_args()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        save[options.what](browser)
        browser.close()


def save_page(browser: Browser) -> None:
    """Identify the sample photo on the page and save a picture of the answer."""
    page = browser.new_page(viewport={"width": 1120, "height": 760}, device_scale_factor=1)
    page.goto("http://127.0.0.1:8000/")
    page.set_input_files("input[type=file] >> nth=0", sample_photo())
    page.locator("#elsewhere").click()
    page.get_by_label("A town, park, island or country").fill("-33.9, 151.2")
    page.get_by_text("Use this place").click()
    page.locator("#changed").wait_for()
    page.evaluate("scrollTo(0, 0)")  # clicks may have scrolled
    page.screenshot(path=IMAGES / "page.png", clip={"x": 0, "y": 0, "width": 1120, "height": 760})


def save_dashboards(browser: Browser) -> None:
    """Save a picture of each dashboard that the docs show, at the point in time that the preview shows first."""
    page = browser.new_page(viewport={"width": 1400, "height": 1160}, device_scale_factor=1)
    for path in sorted(IMAGES.glob("dashboards-*.png")):
        page.goto(f"http://127.0.0.1:8010/dashboards/{path.stem.removeprefix('dashboards-')}")
        page.locator('main[aria-busy="false"]').wait_for()
        page.screenshot(path=path)


if __name__ == "__main__":
    main()
