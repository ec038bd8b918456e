"""Releases: versions of the functions behind the alias that all callers use, the gate before them, and the rollback."""

import subprocess

from chalicelib.config.settings import ROOT

ALIAS = "live"
"""The alias of each function. It names the version that runs, so that code, layer and environment change together."""
COMMIT, MODEL = "RELEASE_COMMIT", "RELEASE_MODEL"
"""Environment variables of a version: the commit it is built from, and the start of its general model's SHA-256."""


def commit() -> str:
    """Return the short id of this checkout's commit, ending with `-dirty` if files differ from it, or `unknown`."""
    command = ["git", "-C", str(ROOT), "describe", "--always", "--dirty"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=5, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return "unknown"
    return done.stdout.strip() or "unknown"
