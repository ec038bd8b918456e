"""Import the command where Python has none of the modules for POSIX alone, as on Windows; print what it reaches."""

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
    """Forget the modules, import the command, and print the modules of ours that it reaches."""
    for name in POSIX_ONLY:
        sys.modules.pop(name, None)
    sys.meta_path.insert(0, Absent())
    for path in sorted(Path("cli").rglob("*.py")):
        import_module(".".join(path.with_suffix("").parts).removesuffix(".__init__"))
    print(*sorted(name for name in sys.modules if name.partition(".")[0] in ("chalicelib", "cli", "database", "model")))


if __name__ == "__main__":
    main()
