"""Virtual environments of programs whose packages do not fit into .venv. They are in .local/."""

import subprocess
import sys
import venv
from contextlib import redirect_stdout
from pathlib import Path

from local import STATE_DIR
from local.stack.terminal import step


class EnvironmentFailed(Exception):
    """The packages of an environment could not be installed."""


def python_of(name: str, *requirements: Path) -> Path:
    """Return the Python of the environment .local/NAME. Create the environment first, unless it is up to date.

    `requirements`: files of its packages, which are installed one after the other; where one has hashes, each of its
    packages must have them. Raises `EnvironmentFailed`.
    """
    folder = STATE_DIR / name
    python, stamp = folder / "bin" / "python", folder / "installed.txt"
    texts = [path.read_text(encoding="utf-8") for path in requirements]
    pins = "".join(texts)
    if stamp.exists() and stamp.read_text(encoding="utf-8") == pins:
        return python
    # Only results go to standard output.
    with redirect_stdout(sys.stderr), step(name, f"installing packages into .local/{name}"):
        venv.create(folder, clear=True, symlinks=True)
        pip = [sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet", "--no-input"]
        for path, text in zip(requirements, texts, strict=True):
            command = [*pip, "--disable-pip-version-check", "--no-compile", "--requirement", str(path)]
            command += ["--require-hashes"] if "--hash=" in text else []
            done = subprocess.run(command, stderr=subprocess.PIPE, text=True, check=False)
            if done.returncode:
                raise EnvironmentFailed(
                    f"pip could not install the packages of .local/{name}; check the network and run it again:\n"
                    f"{done.stderr}"
                )
    stamp.write_text(pins, encoding="utf-8")
    return python
