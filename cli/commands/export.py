"""`faunalens export`: stub."""

import click


@click.command()
def export() -> None:
    """Stub."""
