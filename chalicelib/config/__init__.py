"""Every setting, by the part that it configures."""

VERSION = "0.1.0"
"""The release, as pyproject.toml has it. It is here because `faunalens --version` needs nothing else of the app."""
