"""Find the URL of the runbook on the website that hosts git's remote `origin`."""

import re
import subprocess
from pathlib import Path

from cloudwatch.project import RUNBOOK

_OVER_SSH = re.compile(r"(?:ssh://)?git@(?P<host>[\w.-]+)(?::\d+)?[:/](?P<path>[\w./-]+?)(?:\.git)?/?")
_OVER_HTTPS = re.compile(r"https://(?:[^@/]*@)?(?P<host>[\w.-]+)/(?P<path>[\w./-]+?)(?:\.git)?/?")


def runbook_url(checkout: Path) -> str:
    """Return the URL of the runbook on the website of `origin`, or the runbook's path if there is no such website."""
    command = ["git", "-C", str(checkout), "remote", "get-url", "origin"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=5, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return RUNBOOK
    return url_from_remote(done.stdout.strip()) if done.returncode == 0 else RUNBOOK


def url_from_remote(remote: str) -> str:
    """Return the URL of the runbook for a remote's URL. Omit user name and token, since alarms contain the result."""
    match = _OVER_HTTPS.fullmatch(remote) or _OVER_SSH.fullmatch(remote)
    if match is None or "." not in match["host"]:
        return RUNBOOK
    return f"https://{match['host']}/{match['path']}/blob/HEAD/{RUNBOOK}"
