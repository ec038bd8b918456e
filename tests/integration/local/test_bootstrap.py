"""What the bootstrap says to somebody whose machine lacks something. Its success is what this test runs on."""

import shutil
import stat
import subprocess
from pathlib import Path

import pytest

from local.paths import ROOT

NEEDED = ("sh", "cat", "cksum", "mkdir", "rm", "rmdir", "dirname", "grep", "tail", "cut", "sleep")


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A fresh clone, as far as the bootstrap looks, and a machine with nothing but the basic commands."""
    checkout, programs = tmp_path / "checkout", tmp_path / "bin"
    (checkout / "local").mkdir(parents=True)
    programs.mkdir()
    shutil.copy(ROOT / "local" / "bootstrap", checkout / "local")
    shutil.copy(ROOT / "requirements-dev.txt", checkout)
    for name in NEEDED:
        found = shutil.which(name)
        assert found, name
        (programs / name).symlink_to(found)
    return checkout


def program(checkout: Path, name: str, script: str) -> None:
    """Put a program on the machine's PATH."""
    path = checkout.parent / "bin" / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)


def bootstrap(checkout: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [shutil.which("sh") or "sh", "local/bootstrap"],
        cwd=checkout,
        env={"PATH": str(checkout.parent / "bin"), **environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def one_line(done: subprocess.CompletedProcess[str]) -> str:
    """The one line on standard error of a bootstrap that failed."""
    assert done.returncode == 1
    (line,) = done.stderr.strip().splitlines()
    return line


def test_without_python_and_uv(checkout: Path) -> None:
    said = one_line(bootstrap(checkout))
    assert "neither uv nor Python 3 was found; install one of them" in said


def test_with_a_python_that_is_only_a_stand_in(checkout: Path) -> None:
    # GIVEN a python3 that prints how to get one, as macOS has
    program(checkout, "python3", "echo 'xcode-select: note: no developer tools were found' >&2; exit 1")
    assert "neither uv nor Python 3 was found" in one_line(bootstrap(checkout))


def test_with_a_python_without_pip(checkout: Path) -> None:
    # GIVEN Debian's python3 before python3-pip
    program(checkout, "python3", '[ "$1" = -m ] && { echo "No module named pip" >&2; exit 1; }; exit 0')
    assert "python3 has no pip" in one_line(bootstrap(checkout))


def test_when_pip_cannot_reach_its_index(checkout: Path) -> None:
    # GIVEN a python whose pip works, and no network
    script = '[ "$2" = pip ] && [ "$3" = install ] && { echo "ERROR: Connection refused" >&2; exit 1; }; exit 0'
    program(checkout, "python3", script)
    # WHEN it is tried
    said = one_line(bootstrap(checkout))
    # THEN the line says what failed, what to do, and the last words
    assert "installing uv failed. Is the network there? Then run it again." in said
    assert "Connection refused" in said


def test_when_no_python_313_can_be_had(checkout: Path) -> None:
    program(checkout, "uv", 'echo "error: No interpreter found for Python 3.13" >&2; exit 2')
    said = one_line(bootstrap(checkout))
    assert "finding or fetching Python 3.13 failed" in said
    assert "No interpreter found" in said


def test_behind_a_proxy_that_signs_anew(checkout: Path) -> None:
    # GIVEN a network whose certificates only the system knows
    says = 'mkdir -p .venv; echo "$1 $UV_SYSTEM_CERTS" >>calls; [ "$UV_SYSTEM_CERTS" ] && exit 0'
    script = f'{says}; echo "invalid peer certificate"; exit 1'
    program(checkout, "uv", script)
    # WHEN it is tried
    done = bootstrap(checkout)
    # THEN it goes on with the system's certificates, by itself
    assert done.returncode == 0, done.stderr
    assert (checkout / "calls").read_text().splitlines() == ["venv ", "venv true", "pip true"]


def test_a_failure_is_tried_again_from_where_it_was(checkout: Path) -> None:
    # GIVEN a bootstrap that failed while installing packages
    made = 'mkdir -p .venv/bin; : >.venv/bin/python; cat >.venv/bin/python <<"X"\n#!/bin/sh\nX\n'
    program(checkout, "chmod", f'exec {shutil.which("chmod")} "$@"')
    program(checkout, "uv", f'[ "$1" = venv ] && {{ {made}chmod +x .venv/bin/python; exit 0; }}; exit 1')
    assert "installing the packages failed" in one_line(bootstrap(checkout))
    # WHEN the network is back
    program(checkout, "uv", f'[ "$1" = venv ] && {{ {made}chmod +x .venv/bin/python; exit 0; }}; exit 0')
    # THEN it goes through, and the next time there is nothing to do
    assert bootstrap(checkout).returncode == 0
    program(checkout, "uv", "exit 1")
    again = bootstrap(checkout)
    assert (again.returncode, again.stdout, again.stderr) == (0, "", "")
    # WHEN the pins change
    with (checkout / "requirements-dev.txt").open("a") as pins:
        pins.write("# other pins\n")
    # THEN it installs again
    assert bootstrap(checkout).returncode == 1


def test_the_lock_of_a_setup_that_was_killed_is_taken_over(checkout: Path) -> None:
    # GIVEN what kill -9 leaves
    lock = checkout / ".tools" / "setup.lock"
    lock.mkdir(parents=True)
    (lock / "pid").write_text(f"{2**22 + 1}\n")
    # WHEN setup runs
    said = one_line(bootstrap(checkout))
    # THEN it does not wait for nobody
    assert "neither uv nor Python 3" in said
    assert not lock.exists()


def test_where_it_cannot_write(checkout: Path) -> None:
    # GIVEN a place where the folder of tools cannot be made
    (checkout / ".tools").write_text("in the way")
    assert "cannot write to" in one_line(bootstrap(checkout))
