"""Where the checkout lies, and where local runs keep their state."""

from pathlib import Path

ROOT = Path(__file__).parents[1]
STATE_DIR = ROOT / ".local"
"""Logs, data and caches of local runs; safe to delete when nothing runs."""
