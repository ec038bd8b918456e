"""The lock of a results file: one run at a time writes to it."""

from pathlib import Path
from typing import TYPE_CHECKING

from cli.errors import CommandError

if TYPE_CHECKING:
    from filelock import FileLock

OWNERS = 0o600
"""Rights of a new results file: it has places, and says who was where and when."""


def exclusive(path: Path) -> "FileLock":
    """Lock the results for writing, as long as this process runs, and return the lock. Only their owner may read them.

    The lock is a file of its own: closing any descriptor of a database would drop the locks of SQLite.
    """
    from filelock import FileLock, Timeout  # takes as long as the rest of `faunalens status`

    if not path.parent.is_dir():
        raise CommandError(f"there is no folder {path.parent} for the results; make it, or choose another file")
    lock = FileLock(path.with_name(f"{path.name}-lock"), timeout=0, mode=OWNERS, thread_local=False)
    try:
        lock.acquire()
        if not path.exists():
            path.touch(OWNERS)  # SQLite's other files get the same rights
    except Timeout as error:
        raise CommandError(f"another run is writing to {path}; wait for it, or choose another file") from error
    except OSError as error:
        lock.release()
        what = f"the results cannot be written to {path} ({error.strerror})"
        raise CommandError(f"{what}; choose another file") from error
    return lock
