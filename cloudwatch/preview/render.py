"""Dashboards as files: pages that open from disk, each whole in itself, and pictures of them.

`python -m cloudwatch render --out DIR`; pictures (`--png`) are taken by Chromium through Playwright.
"""

import argparse
import json
import re
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from cloudwatch.preview.pages import STATIC, Pages
from cloudwatch.preview.server import add_source, recorded
from cloudwatch.progress import Progress

FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
WIDTH = 1400
"""Pixels across a picture."""
_SCRIPT = re.compile(r'<script src="([^"]+)"[^>]*></script>')
_STYLE = re.compile(r'<link rel="stylesheet" href="([^"]+)" />')
_ICON = re.compile(r"\s*<link rel=\"icon\"[^>]*>")
_IMPORT = re.compile(r'^import \{([^}]*)\} from "\./([\w.]+)";\n', re.MULTILINE)
_EXPORT = re.compile(r"^export (?:async )?(?:const|function|class) (\w+)", re.MULTILINE)


def main(arguments: Sequence[str]) -> int:
    """The command. Returns its exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m cloudwatch render",
        description="Write the dashboards as pages that open from disk, and as pictures.",
    )
    parser.add_argument("--out", type=Path, required=True, help="folder to write to")
    add_source(parser)
    parser.add_argument("--stage", default="", help="stage to show (default: the first that was recorded)")
    parser.add_argument("--range", default="all", help="time to show: 15m, 1h, 3h, 24h or all (default: %(default)s)")
    parser.add_argument("--until", default="", metavar="TIME", help="end of it, such as 2026-06-01T18:30, UTC")
    parser.add_argument("--png", action="store_true", help="pictures too, NAME.png; takes Chromium")
    parser.add_argument("--height", type=int, default=0, help="pictures of the first so many pixels (default: all)")
    parser.add_argument("--dark", action="store_true", help="pictures of the dark look")
    return _run(parser.parse_args(arguments))


def _run(arguments: argparse.Namespace) -> int:
    arguments.out.mkdir(parents=True, exist_ok=True)
    with recorded(arguments) as recording, Progress("drawing") as progress:
        pages = Pages(recording)
        written = write_pages(
            pages,
            arguments.out,
            {name: getattr(arguments, name) for name in ("stage", "range", "until")},
            progress.update,
        )
        if arguments.png:
            progress.begin("taking pictures")
            written += take_pictures(
                arguments.out, pages.names(), dark=arguments.dark, height=arguments.height, told=progress.update
            )
    for path in written:
        print(f"{path}  {path.stat().st_size / 1e3:.0f} kB")
    return 0


def write_pages(
    pages: Pages, folder: Path, query: Mapping[str, str], told: Callable[[float], None] = lambda _: None
) -> list[Path]:
    """A page of each dashboard, the runbook, and the first page as index.html."""
    names = ["", *pages.names(), "runbook"]
    written = []
    for done, name in enumerate(names):
        path = folder / f"{name or 'index'}.html"
        data = pages.data(name or "overview", query, suffix=".html")
        path.write_text(whole(pages.page(name), data), encoding="utf-8")
        written.append(path)
        told((done + 1) / len(names))
    return written


def whole(page: str, data: Mapping[str, Any]) -> str:
    """A page with all its styles, scripts and data inside."""
    kept = json.dumps(data, separators=(",", ":"), ensure_ascii=False).replace("<", "\\u003c")

    def script(match: re.Match[str]) -> str:
        source = match[1].removeprefix("static/")
        if "vendor" in source:
            return f"<script>{_inside((STATIC / source).read_text(encoding='utf-8'))}</script>"
        return (
            f'<script type="application/json" id="data">{kept}</script>\n'
            f'<script type="module">{_inside(bundle(STATIC / source))}</script>'
        )

    page = _ICON.sub("", page)
    page = _STYLE.sub(lambda match: f"<style>{(STATIC / match[1].removeprefix('static/')).read_text()}</style>", page)
    return _SCRIPT.sub(script, page)


def bundle(entry: Path) -> str:
    """A module and all that it imports as one script: each a scope of its own, after what it needs."""
    parts: dict[str, str] = {}

    def visit(path: Path) -> None:
        text = path.read_text(encoding="utf-8")
        for _, name in _IMPORT.findall(text):
            if name not in parts:
                visit(path.parent / name)
        inside = _IMPORT.sub(lambda match: f"const {{{match[1]}}} = {_name(match[2])};\n", text)
        exported = ", ".join(_EXPORT.findall(inside))
        inside = _EXPORT.sub(lambda match: match[0].removeprefix("export "), inside)
        parts[path.name] = f"const {_name(path.name)} = (() => {{\n{inside}return {{ {exported} }};\n}})();"

    visit(entry)
    return "\n".join(parts.values())


def take_pictures(
    folder: Path,
    names: list[str],
    *,
    dark: bool = False,
    width: int = WIDTH,
    height: int = 0,
    told: Callable[[float], None] = lambda _: None,
) -> list[Path]:
    """A picture of each page in a folder, NAME.png: of the whole page, or of its first `height` pixels.

    Raises SystemExit if there is no Chromium.
    """
    from PIL import Image
    from playwright.sync_api import sync_playwright

    taken = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=FLAGS)
        page = browser.new_page(
            viewport={"width": width, "height": 900}, color_scheme="dark" if dark else "light", device_scale_factor=1
        )
        for done, name in enumerate(names):
            page.goto((folder / f"{name}.html").resolve().as_uri())
            page.locator('main[aria-busy="false"]').wait_for()
            path = folder / f"{name}.png"
            tall = height or page.evaluate("document.documentElement.scrollHeight")
            page.screenshot(path=path, full_page=True, clip={"x": 0, "y": 0, "width": width, "height": tall})
            with Image.open(path) as picture:  # the same, in fewer bytes
                picture.convert("RGB").save(path, optimize=True)
            taken.append(path)
            told((done + 1) / len(names))
        browser.close()
    return taken


def find_chromium() -> str:
    """The browser on this machine. Raises SystemExit that says how to get one."""
    for name in ("chromium", "google-chrome", "chromium-browser"):
        if path := shutil.which(name):
            return path
    raise SystemExit("no Chromium was found, which takes the pictures; get it with: apt-get install chromium")


def _name(file: str) -> str:
    return f"module_{file.removesuffix('.js')}"


def _inside(script: str) -> str:
    """A script that can stand in a page: nothing in it ends its element."""
    return script.replace("</script", "<\\/script")
