"""Local runs of Faunalens: embedded stores, the local server, `make run`, and simulated Lambda containers.

Errors of local runs; each is printed as one line, without a stack trace:

LocalError          a local run cannot continue
  NotReady          a child process exited, or was not ready in time
"""

import shutil
from collections.abc import Callable
from fcntl import LOCK_EX, flock
from importlib.util import find_spec
from pathlib import Path

STATE_DIR = Path(__file__).parents[1] / ".local"
"""Logs, data and caches of local runs. It is safe to delete when nothing runs."""


class LocalError(Exception):
    """An error that ends a local run. Its message says what happened, what was expected and what to do."""


class NotReady(LocalError):
    """A child process exited by itself, or was not ready in time."""


def package_folder(name: str) -> Path:
    """Return the folder of an installed package, without importing the package. Raises `LocalError`."""
    found = find_spec(name)
    if found is None or found.origin is None:
        raise LocalError(f"the Python package {name} is not installed; run `make setup`")
    return Path(found.origin).parent


def sample_photo() -> Path:
    """Return a photo for examples: Chelsea the cat, by Stéfan van der Walt (CC0), from the wheel of scikit-image."""
    return package_folder("skimage") / "data" / "chelsea.png"


def made_once(name: str, make: Callable[[Path], object]) -> Path:
    """Return a folder of `STATE_DIR`, which `make` has filled. One of parallel processes makes it; the others wait."""
    folder, unfinished = STATE_DIR / name, STATE_DIR / f"{name}.unfinished"
    STATE_DIR.mkdir(exist_ok=True)
    with (STATE_DIR / f"{name}.lock").open("w") as lock:
        flock(lock, LOCK_EX)
        if not folder.exists():
            shutil.rmtree(unfinished, ignore_errors=True)
            unfinished.mkdir(mode=0o700)
            make(unfinished)
            unfinished.rename(folder)
    return folder
