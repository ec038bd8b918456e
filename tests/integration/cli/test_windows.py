"""The command's unit tests pass where Python has none of the modules for POSIX alone."""

import os
import subprocess
import sys

import pytest

from chalicelib.config.settings import ROOT

UNIT = "tests/unit/cli"
ARGUMENTS = ("-q", "-x", "-n", "0", "-p", "no:cacheprovider", UNIT, f"--confcutdir={UNIT}")


@pytest.mark.alone  # for a change, tests/unit/cli/test_windows.py looks for uses of what Windows lacks
def test_the_commands_unit_tests_need_no_posix() -> None:
    # GIVEN a Python without those modules, and the tests whose fixtures need no servers WHEN they run THEN all pass
    command = [sys.executable, "-m", "tests.unit.cli.without_posix", *ARGUMENTS, f"--ignore={UNIT}/backfill"]
    user = {**os.environ, "USERNAME": "ana"}  # Windows has it always
    done = subprocess.run(command, cwd=ROOT, env=user, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr
