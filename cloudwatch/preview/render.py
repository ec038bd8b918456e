"""`python -m cloudwatch render`: write the dashboards as self-contained HTML pages and as pictures.

Playwright takes the pictures in Chromium.
"""

import argparse
import json
import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

from cloudwatch.preview.pages import STATIC, Pages
from cloudwatch.preview.server import add_source_arguments, open_recording

FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
WIDTH = 1400
"""Width of a picture in pixels."""
_SCRIPT = re.compile(r'<script src="([^"]+)"[^>]*></script>')
_STYLE = re.compile(r'<link rel="stylesheet" href="([^"]+)" />')
_ICON = re.compile(r"\s*<link rel=\"icon\"[^>]*>")
_IMPORT = re.compile(r'^import \{([^}]*)\} from "\./([\w.]+)";\n', re.MULTILINE)
_EXPORT = re.compile(r"^export (?:async )?(?:const|function|class) (\w+)", re.MULTILINE)


def main(arguments: Sequence[str]) -> int:
    """Write the pages and pictures. Return the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m cloudwatch render",
        description="Write the dashboards as self-contained HTML pages and, with --png, as pictures.",
    )
    parser.add_argument("--out", type=Path, required=True, help="folder to write to")
    add_source_arguments(parser)
    parser.add_argument("--stage", default="", help="stage to show (default: the first stage in the recording)")
    parser.add_argument("--range", default="all", help="time range: 15m, 1h, 3h, 24h or all (default: %(default)s)")
    parser.add_argument("--until", default="", metavar="TIME", help="end of the range in UTC, such as 2026-06-01T18:30")
    parser.add_argument("--png", action="store_true", help="also write a picture of each dashboard; requires Chromium")
    parser.add_argument("--height", type=int, default=0, help="height of the pictures in pixels; 0 shows whole pages")
    parser.add_argument("--dark", action="store_true", help="take the pictures in dark mode")
    return _run(parser.parse_args(arguments))


def _run(arguments: argparse.Namespace) -> int:
    arguments.out.mkdir(parents=True, exist_ok=True)
    query = {name: getattr(arguments, name) for name in ("stage", "range", "until")}
    with open_recording(arguments) as recording:
        pages = Pages(recording)
        written = write_pages(pages, arguments.out, query)
        if arguments.png:
            pictures = take_pictures(arguments.out, pages.names(), dark=arguments.dark, height=arguments.height)
            written = chain(written, pictures)
        for path in written:
            print(f"{path}  {path.stat().st_size / 1e3:.0f} kB", flush=True)
    return 0


def write_pages(pages: Pages, folder: Path, query: Mapping[str, str]) -> Iterator[Path]:
    """Write the overview as index.html, a page for each dashboard, and the runbook. Yield each path."""
    for name in ("", *pages.names(), "runbook"):
        path = folder / f"{name or 'index'}.html"
        data = pages.data(name or "overview", query, suffix=".html")
        path.write_text(self_contained(pages.page(name), data), encoding="utf-8")
        yield path


def self_contained(page: str, data: Mapping[str, Any]) -> str:
    """Return a page as one HTML file that contains its styles, scripts and data."""
    embedded = json.dumps(data, separators=(",", ":"), ensure_ascii=False).replace("<", "\\u003c")

    def script(match: re.Match[str]) -> str:
        source = match[1].removeprefix("static/")
        if "vendor" in source:
            return f"<script>{_escape_end_tag((STATIC / source).read_text(encoding='utf-8'))}</script>"
        return (
            f'<script type="application/json" id="data">{embedded}</script>\n'
            f'<script type="module">{_escape_end_tag(bundle(STATIC / source))}</script>'
        )

    page = _ICON.sub("", page)
    page = _STYLE.sub(lambda match: f"<style>{(STATIC / match[1].removeprefix('static/')).read_text()}</style>", page)
    return _SCRIPT.sub(script, page)


def bundle(entry: Path) -> str:
    """Combine a module and its imports into one script. Each module has its own scope and comes after its imports."""
    parts: dict[str, str] = {}

    def add(path: Path) -> None:
        text = path.read_text(encoding="utf-8")
        for _, name in _IMPORT.findall(text):
            if name not in parts:
                add(path.parent / name)
        inside = _IMPORT.sub(lambda match: f"const {{{match[1]}}} = {_variable(match[2])};\n", text)
        exported = ", ".join(_EXPORT.findall(inside))
        inside = _EXPORT.sub(lambda match: match[0].removeprefix("export "), inside)
        parts[path.name] = f"const {_variable(path.name)} = (() => {{\n{inside}return {{ {exported} }};\n}})();"

    add(entry)
    return "\n".join(parts.values())


def take_pictures(folder: Path, names: Sequence[str], *, dark: bool, height: int) -> Iterator[Path]:
    """Take a picture of each page in a folder. Yield the path of each picture, NAME.png.

    Pictures show the first `height` pixels of a page; 0 shows the whole page. Raises SystemExit if there is no
    Chromium.
    """
    from PIL import Image
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=FLAGS)
        page = browser.new_page(
            viewport={"width": WIDTH, "height": 900}, color_scheme="dark" if dark else "light", device_scale_factor=1
        )
        for name in names:
            page.goto((folder / f"{name}.html").resolve().as_uri())
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


def _variable(file: str) -> str:
    return f"module_{file.removesuffix('.js')}"


def _escape_end_tag(script: str) -> str:
    return script.replace("</script", "<\\/script")
