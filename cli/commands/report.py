"""`faunalens report`: stub."""

import click


@click.command()
def report() -> None:
    """Stub."""
