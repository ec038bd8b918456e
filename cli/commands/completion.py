"""`faunalens completion`: the script with which a shell completes commands and options."""

import click
from click.shell_completion import get_completion_class

EPILOG = """\b
Examples:
  faunalens completion bash >> ~/.bashrc
  faunalens completion zsh >> ~/.zshrc
  faunalens completion fish > ~/.config/fish/completions/faunalens.fish
"""


@click.command(epilog=EPILOG)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    """Print the script for shell completion."""
    kind = get_completion_class(shell)
    if kind is None:  # click has all three
        raise click.UsageError(f"there is no completion for {shell}")
    click.echo(kind(context.find_root().command, {}, "faunalens", "_FAUNALENS_COMPLETE").source())
