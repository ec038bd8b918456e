"""The command as it is installed: all its packages lie in `lib`, so that other programs can use names such as `cli`.

In a checkout there is no `lib`, and the packages lie beside this one.
"""

import sys
from pathlib import Path


def main() -> None:
    """Run the command."""
    sys.path.insert(0, str(Path(__file__).with_name("lib")))
    from cli.__main__ import main as run

    run()
