"""The examples in docstrings run and show what they promise."""

import doctest
from importlib import import_module
from pathlib import Path

import pytest

from chalicelib.config.settings import ROOT

MODULES = [path for path in sorted((ROOT / "chalicelib").rglob("*.py")) if ">>> " in path.read_text(encoding="utf-8")]


def name_of(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts)


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_examples_in_docstrings_run(path: Path) -> None:
    outcome = doctest.testmod(import_module(name_of(path)))
    assert outcome.attempted
    assert not outcome.failed
