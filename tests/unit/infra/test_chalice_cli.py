"""Running Chalice's commands; tests/integration/infra/test_chalice.py runs the real ones."""

import sys
from pathlib import Path

import pytest

from infra import chalice_cli
from infra.step import PreconditionFailed


def use_program(monkeypatch: pytest.MonkeyPatch, program: str) -> None:
    """Run this program in place of Chalice."""
    monkeypatch.setattr(chalice_cli, "command_line", lambda *_: [sys.executable, "-c", program])


def test_output_is_printed_and_the_region_is_in_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_program(monkeypatch, "import os; print('packaging'); print(); print(os.environ['AWS_DEFAULT_REGION'])")
    output: list[str] = []
    chalice_cli.run("deploy", "dev", "eu-west-1", output.append, tmp_path)
    assert output == ["packaging", "eu-west-1"]


def test_the_error_of_a_failed_command_has_its_last_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use_program(monkeypatch, "import sys; print('packaging'); sys.exit('no role')")
    with pytest.raises(PreconditionFailed, match=r"^chalice deploy exited with code 1: no role$"):
        chalice_cli.run("deploy", "dev", "eu-west-1", lambda _: None, tmp_path)
