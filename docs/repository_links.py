"""An mkdocs hook that makes links from the site to files of the repository outside docs/."""

import posixpath
import re
from typing import Any

from chalicelib.config.settings import ROOT
from dashboards.project import RUNBOOK, runbook_url

_LINK = re.compile(r"(?<!!)\[(?P<text>[^\]]+)\]\((?P<target>\.\./[^)\s]+)\)")


def on_page_markdown(markdown: str, *, page: Any, **_: Any) -> str:
    """Return a page's Markdown with links that work on the documentation's website.

    A link such as `[the stack](../../infra/faunalens.yaml)` works only in the repository, because the site has no such
    file. On the site, the link leads to the file in the repository's web pages. If the repository has none, the link
    becomes text with the path.
    """
    base = runbook_url(ROOT).removesuffix(RUNBOOK)  # the web address of the repository's files; empty if there is none
    return rewrite(markdown, posixpath.dirname(page.file.src_uri), base)


def rewrite(markdown: str, folder: str, base: str) -> str:
    """Return a page whose links to files outside docs/ lead to `base`, or become text if `base` is empty.

    `folder`: folder of the page, relative to docs/.
    """

    def replace(link: re.Match[str]) -> str:
        path = posixpath.normpath(posixpath.join("docs", folder, link["target"]))
        if path.startswith("docs/"):
            return link[0]
        if base:
            return f"[{link['text']}]({base}{path})"
        file = path.partition("#")[0]
        return link["text"] if file in link["text"] else f"{link['text']} (`{file}`)"

    return _LINK.sub(replace, markdown)
