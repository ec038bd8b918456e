"""The bootstrap's errors on machines that lack something. Its success is what these tests run on."""

import re
import shutil
import stat
import subprocess
from pathlib import Path

import pytest

from chalicelib.config.settings import ROOT

NEEDED = ("sh", "cat", "cksum", "mkdir", "rm", "rmdir", "dirname", "grep", "tail", "cut", "sleep", "date")


def basic_commands(folder: Path, *names: str) -> Path:
    """Make a folder with links to some programs."""
    folder.mkdir()
    for name in names:
        found = shutil.which(name)
        assert found, name
        (folder / name).symlink_to(found)
    return folder


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout with the files that the bootstrap reads, and a PATH with only the basic commands."""
    checkout = tmp_path / "checkout"
    (checkout / "local").mkdir(parents=True)
    for script in ("bootstrap", "progress.sh"):
        shutil.copy(ROOT / "local" / script, checkout / "local")
    shutil.copy(ROOT / "requirements-dev.txt", checkout)
    basic_commands(tmp_path / "bin", *NEEDED)
    return checkout


def program(checkout: Path, name: str, script: str) -> None:
    """Add a program to the PATH."""
    path = checkout.parent / "bin" / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)


def run_script(checkout: Path, name: str, path: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a script of a checkout with a PATH."""
    command, env = [shutil.which("sh") or "sh", f"local/{name}"], {**environment, "PATH": str(path)}
    return subprocess.run(command, cwd=checkout, env=env, capture_output=True, text=True, timeout=120, check=False)


def bootstrap(checkout: Path) -> subprocess.CompletedProcess[str]:
    return run_script(checkout, "bootstrap", checkout.parent / "bin")


def one_line(done: subprocess.CompletedProcess[str]) -> str:
    """Return the only line on standard error of a bootstrap that failed."""
    assert done.returncode == 1
    (line,) = done.stderr.strip().splitlines()
    return line


@pytest.mark.parametrize(
    ("name", "script", "said"),
    [
        ("", "", "neither uv nor Python 3 was found; install one of them"),
        # macOS: a python3 that only prints how to install Python
        ("python3", "echo 'xcode-select: note: no developer tools were found' >&2; exit 1", "neither uv nor Python 3"),
        # Debian's python3 without python3-pip
        ("python3", '[ "$1" = -m ] && { echo "No module named pip" >&2; exit 1; }; exit 0', "python3 has no pip"),
        # no network: the line says what failed and what to do, and has pip's last line
        (
            "python3",
            '[ "$2" = pip ] && [ "$3" = install ] && { echo "ERROR: Connection refused" >&2; exit 1; }; exit 0',
            "installing uv.* with pip failed. Is the network up[?] Then run it again.*Connection refused",
        ),
        (
            "uv",
            'echo "error: No interpreter found for Python 3.13" >&2; exit 2',
            "finding or downloading Python 3.13 failed.*No interpreter found",
        ),
        # an environment of an earlier release, which had no command
        ("uv", 'mkdir -p .venv; [ "$2" != install ]', "the command could not be put into .venv"),
    ],
)
def test_what_a_machine_lacks_is_one_line(checkout: Path, name: str, script: str, said: str) -> None:
    if name:
        program(checkout, name, script)
    assert re.search(said, one_line(bootstrap(checkout)))


def test_behind_a_proxy_that_signs_anew(checkout: Path) -> None:
    # GIVEN a network whose certificates only the system trusts
    says = 'mkdir -p .venv; echo "$1 $UV_SYSTEM_CERTS" >>calls; [ "$UV_SYSTEM_CERTS" ] && exit 0'
    program(checkout, "uv", f'{says}; echo "invalid peer certificate"; exit 1')
    # WHEN the bootstrap runs THEN it retries with the system's certificates
    done = bootstrap(checkout)
    assert done.returncode == 0, done.stderr
    assert (checkout / "calls").read_text().splitlines() == ["venv ", "venv true", "pip true", "pip true"]


def test_the_next_run_resumes_after_a_failure(checkout: Path) -> None:
    # GIVEN a bootstrap that failed while it installed the packages
    made = 'mkdir -p .venv/bin; for each in python faunalens; do echo "#!/bin/sh" >.venv/bin/$each; done; '
    made += "chmod +x .venv/bin/*; exit 0"
    program(checkout, "chmod", f'exec {shutil.which("chmod")} "$@"')
    program(checkout, "uv", f'[ "$1" = venv ] && {{ {made}; }}; exit 1')
    assert "installing the pinned packages failed" in one_line(bootstrap(checkout))
    # WHEN the network works again
    program(checkout, "uv", f'[ "$1" = venv ] && {{ {made}; }}; exit 0')
    # THEN it succeeds, and the next run has nothing to do
    assert bootstrap(checkout).returncode == 0
    program(checkout, "uv", "exit 1")
    again = bootstrap(checkout)
    assert (again.returncode, again.stdout, again.stderr) == (0, "", "")
    # WHEN the pins change
    with (checkout / "requirements-dev.txt").open("a") as pins:
        pins.write("# other pins\n")
    # THEN it installs the packages again
    assert bootstrap(checkout).returncode == 1


def test_the_lock_of_a_killed_setup_is_taken_over(checkout: Path) -> None:
    # GIVEN the lock of a process that is gone WHEN the bootstrap runs THEN it does not wait for that process
    lock = checkout / ".tools" / "setup.lock"
    lock.mkdir(parents=True)
    (lock / "pid").write_text(f"{2**22 + 1}\n")
    assert "neither uv nor Python 3" in one_line(bootstrap(checkout))
    assert not lock.exists()
