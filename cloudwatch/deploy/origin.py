"""Where the runbook can be read: on the page of the repository that this checkout came from."""

import re
import subprocess
from pathlib import Path

PLAIN = "docs/how-to/runbook.md"
"""What stands in for it where the checkout has no page: the file itself."""

_OVER_SSH = re.compile(r"(?:ssh://)?git@(?P<host>[\w.-]+)(?::\d+)?[:/](?P<path>[\w./-]+?)(?:\.git)?/?")
_OVER_HTTPS = re.compile(r"https://(?:[^@/]*@)?(?P<host>[\w.-]+)/(?P<path>[\w./-]+?)(?:\.git)?/?")


def runbook_url(checkout: Path) -> str:
    """URL of docs/how-to/runbook.md on the page of `origin`, or its plain path."""
    command = ["git", "-C", str(checkout), "remote", "get-url", "origin"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=5, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return PLAIN
    return url_of(done.stdout.strip()) if done.returncode == 0 else PLAIN


def url_of(remote: str) -> str:
    """URL of the runbook for the URL of a remote. A name or token within it is left out, for alarms tell it to many."""
    match = _OVER_HTTPS.fullmatch(remote) or _OVER_SSH.fullmatch(remote)
    if match is None or "." not in match["host"]:
        return PLAIN
    return f"https://{match['host']}/{match['path']}/blob/HEAD/{PLAIN}"
