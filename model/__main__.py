"""Build, check and measure packs and models: `python -m model packs`, `… check NAME`, `… evaluate --photos DIR`."""

import argparse
import sys
from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the named command with the arguments after its name. Return its exit code."""
    from model import build_packs, check, evaluate  # imported late, because they import ONNX and parts of the app

    commands = {"check": check.main, "evaluate": evaluate.main, "packs": build_packs.main}
    given = list(sys.argv[1:] if arguments is None else arguments)
    parser = argparse.ArgumentParser(prog="python -m model", description=(__doc__ or "").partition(":")[0] + ".")
    parser.add_argument("command", choices=commands, help="command to run; `COMMAND --help` lists its options")
    return commands[parser.parse_args(given[:1]).command](given[1:])


if __name__ == "__main__":
    sys.exit(main())
