"""Run a program where Python has none of the modules for POSIX alone, as on Windows.

`python -m tests.unit.cli.without_posix` imports all of the command, and prints the modules of ours that it reaches;
`python -m tests.unit.cli.without_posix ARGUMENT…` runs pytest.
"""

import sys
from importlib import import_module
from importlib.abc import MetaPathFinder
from pathlib import Path
from traceback import walk_stack

POSIX_ONLY = (
    *("crypt", "fcntl", "grp", "nis", "ossaudiodev", "posix_ipc", "pty", "pwd", "resource", "spwd", "syslog"),
    *("termios", "tty", "uvloop"),
)
"""Modules that Python on Windows does not have."""
ALLOWED = "filelock"
"""The library that has a way of its own for each system; without fcntl, that of POSIX warns."""


class Absent(MetaPathFinder):
    """Refuses to find the modules."""

    def find_spec(self, name: str, *_: object) -> None:
        """Raise `ModuleNotFoundError` for them."""
        if name in POSIX_ONLY and not any(f"/{ALLOWED}/" in each.f_code.co_filename for each, _ in walk_stack(None)):
            raise ModuleNotFoundError(f"no module named {name} on Windows", name=name)
        return


def main() -> None:
    """Forget the modules, and run what the arguments say."""
    for name in POSIX_ONLY:
        sys.modules.pop(name, None)
    sys.meta_path.insert(0, Absent())
    if len(sys.argv) > 1:
        import pytest

        sys.exit(pytest.main(sys.argv[1:]))
    for path in sorted(Path("cli").rglob("*.py")):
        import_module(".".join(path.with_suffix("").parts).removesuffix(".__init__"))
    print(*sorted(name for name in sys.modules if name.partition(".")[0] in ("chalicelib", "cli", "database", "model")))


if __name__ == "__main__":
    main()
