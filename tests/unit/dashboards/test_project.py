"""The URL of the runbook, from git's origin."""

import pytest

from dashboards.project import url_from_remote

PAGE = "https://github.com/someone/faunalens/blob/HEAD/docs/how-to/runbook.md"


@pytest.mark.parametrize(
    ("remote", "url"),
    [
        ("https://github.com/someone/faunalens.git", PAGE),
        ("https://github.com/someone/faunalens", PAGE),
        ("git@github.com:someone/faunalens.git", PAGE),
        ("ssh://git@github.com:22/someone/faunalens.git", PAGE),
        ("https://someone:secret@github.com/someone/faunalens.git", PAGE),
        ("/srv/git/faunalens.git", "docs/how-to/runbook.md"),
        ("http://127.0.0.1:3000/someone/faunalens", "docs/how-to/runbook.md"),
        ("https://git.example.com:8443/someone/faunalens", "docs/how-to/runbook.md"),
        ("https://localhost/faunalens", "docs/how-to/runbook.md"),
        ("", "docs/how-to/runbook.md"),
    ],
)
def test_only_web_pages_become_urls_without_credentials(remote: str, url: str) -> None:
    assert url_from_remote(remote) == url
