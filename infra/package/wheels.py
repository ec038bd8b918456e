"""Install the dependencies' Linux wheels for Lambda, on any operating system."""

import subprocess
import sys
from pathlib import Path

from click import ClickException

PYTHON = (3, 13)
GLIBC = (2, 34)  # glibc of Amazon Linux 2023, the base of the runtime python3.13
MACHINES = {"x86_64": "x86_64", "arm64": "aarch64"}  # Lambda's architectures, and their names in wheels


def fetch(requirements: Path, folder: Path, architecture: str = "x86_64") -> None:
    """Install the wheels in `requirements` into `folder`. Raise `ClickException` if one is missing or has a wrong hash.

    Chalice's own builder downloads wheels for this machine. It then replaces those that do not run on Lambda, but does
    not check the hashes of the replacements, and only warns about a missing wheel.
    """
    if not requirements.read_text(encoding="utf-8").strip():
        return
    machine = MACHINES[architecture]
    tags = [*(f"manylinux_2_{minor}_{machine}" for minor in range(17, GLIBC[1] + 1)), f"manylinux2014_{machine}"]
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-compile"]
    command += ["--only-binary=:all:", "--implementation=cp", "--python-version={}.{}".format(*PYTHON)]
    command += [*(f"--platform={tag}" for tag in tags), f"--target={folder}", f"--requirement={requirements}"]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise ClickException(
            f"pip cannot install {requirements.name} for Lambda:\n{done.stderr}"
            "If a package has no wheel that runs on Lambda, pin a version that has one."
        )
    for script in (folder / "bin").glob("*"):  # scripts contain the path of this Python
        script.unlink()
