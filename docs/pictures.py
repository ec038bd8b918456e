"""Save the README's picture of the web page that `make run` serves: `python -m docs.pictures`.

The picture shows the answer for the sample photo whose path `make run` prints.
"""

import argparse
import shutil
from pathlib import Path

from playwright.sync_api import sync_playwright

from local import sample_photo

IMAGES = Path(__file__).parent / "images"
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]


def main() -> None:
    """Identify the sample photo on the page and save a picture of the answer."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", default="http://127.0.0.1:8000/", help="address of the page (default: %(default)s)")
    url = parser.parse_args().url
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        page = browser.new_page(viewport={"width": 1120, "height": 760}, device_scale_factor=1)
        page.goto(url)
        page.set_input_files("input[type=file] >> nth=0", sample_photo())
        page.locator("#elsewhere").click()
        page.get_by_label("A town, park, island or country").fill("-33.9, 151.2")
        page.get_by_text("Use this place").click()
        page.locator("#changed").wait_for()
        page.evaluate("scrollTo(0, 0)")  # clicks may have scrolled
        page.screenshot(path=IMAGES / "page.png", clip={"x": 0, "y": 0, "width": 1120, "height": 760})
        browser.close()


if __name__ == "__main__":
    main()
