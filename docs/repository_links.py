"""An mkdocs hook: links from the site to files of the repository outside docs/."""

import posixpath
import re
from typing import Any

from chalicelib.config.settings import ROOT
from cloudwatch.deploy.runbook_url import runbook_url
from cloudwatch.project import RUNBOOK

_LINK = re.compile(r"(?<!!)\[(?P<text>[^\]]+)\]\((?P<target>\.\./[^)\s]+)\)")


def on_page_markdown(markdown: str, *, page: Any, **_: Any) -> str:
    """Return a page's Markdown for the site.

    In the repository `[the stack](../../infra/faunalens.yaml)` works as it stands. The site has no such file, so the
    link leads to the repository's page on the web. A checkout without one gets the path as text.
    """
    return rewrite(markdown, posixpath.dirname(page.file.src_uri), repository())


def rewrite(markdown: str, folder: str, base: str) -> str:
    """Return a page of `folder` (relative to docs/) with links out of docs/ below `base`, or as text."""

    def replace(link: re.Match[str]) -> str:
        path = posixpath.normpath(posixpath.join("docs", folder, link["target"]))
        if path.startswith("docs/"):
            return link[0]
        if base:
            return f"[{link['text']}]({base}{path})"
        file = path.partition("#")[0]
        return link["text"] if file in link["text"] else f"{link['text']} (`{file}`)"

    return _LINK.sub(replace, markdown)


def repository() -> str:
    """Return where the repository's files can be read on the web, with a slash at the end; empty if nowhere."""
    return runbook_url(ROOT).removesuffix(RUNBOOK)
