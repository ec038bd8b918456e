"""`faunalens review`: stub."""

import click


@click.command()
def review() -> None:
    """Stub."""
