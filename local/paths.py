"""Folders of the checkout and of local runs."""

from pathlib import Path

ROOT = Path(__file__).parents[1]
STATE_DIR = ROOT / ".local"
"""Logs, data and caches of local runs. It is safe to delete when nothing runs."""
