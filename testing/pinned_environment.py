"""Virtual environments of programs whose packages do not fit into .venv. They are in .local/."""

import subprocess
import sys
import venv
from contextlib import redirect_stdout
from pathlib import Path

from local.paths import STATE_DIR
from local.stack.progress import step


class EnvironmentFailed(Exception):
    """The packages of an environment could not be installed."""


def python_of(name: str, requirements: Path) -> Path:
    """Return the Python of the environment .local/NAME. Create the environment first, unless it is up to date.

    `requirements`: file with the pins and hashes of its packages. Raises `EnvironmentFailed`.
    """
    folder = STATE_DIR / name
    python, stamp = folder / "bin" / "python", folder / "installed.txt"
    pins = requirements.read_text(encoding="utf-8")
    if stamp.exists() and stamp.read_text(encoding="utf-8") == pins:
        return python
    # Only results go to standard output.
    with redirect_stdout(sys.stderr), step(name, f"installing packages into .local/{name}"):
        venv.create(folder, clear=True, symlinks=True)
        command = [sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet", "--no-input"]
        command += ["--disable-pip-version-check", "--require-hashes", "--requirement", str(requirements)]
        done = subprocess.run(command, stderr=subprocess.PIPE, text=True, check=False)
        if done.returncode:
            raise EnvironmentFailed(
                f"pip could not install the packages of .local/{name}; check the network and run it again:\n"
                f"{done.stderr}"
            )
    stamp.write_text(pins, encoding="utf-8")
    return python
