"""The taxa that this release knows, and the names that people and other programs use for them."""
