"""The virtual environment of the peers in .local/peers."""

import subprocess
import sys
import venv
from contextlib import redirect_stdout
from pathlib import Path

from local.paths import STATE_DIR
from local.stack.progress import step

REQUIREMENTS = Path(__file__).with_name("requirements.txt")


class EnvironmentFailed(Exception):
    """The packages of the peers could not be installed."""


def peers_python() -> Path:
    """Return the Python of the peers. Create their environment first, unless it is up to date.

    Raises `EnvironmentFailed`.
    """
    folder = STATE_DIR / "peers"
    python, stamp = folder / "bin" / "python", folder / "installed.txt"
    pins = REQUIREMENTS.read_text(encoding="utf-8")
    if stamp.exists() and stamp.read_text(encoding="utf-8") == pins:
        return python
    # Only tables go to standard output.
    with redirect_stdout(sys.stderr), step("peers", "installing packages into .local/peers"):
        venv.create(folder, clear=True, symlinks=True)
        command = [sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet", "--no-input"]
        command += ["--disable-pip-version-check", "--require-hashes", "--requirement", str(REQUIREMENTS)]
        done = subprocess.run(command, stderr=subprocess.PIPE, text=True, check=False)
        if done.returncode:
            raise EnvironmentFailed(
                "pip could not install the packages of the peers; check the network and run the benchmark again:\n"
                f"{done.stderr}"
            )
    stamp.write_text(pins, encoding="utf-8")
    return python
