"""Every setting, by the part that it configures."""
