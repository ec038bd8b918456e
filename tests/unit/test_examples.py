"""The examples in docstrings run and show what they promise."""

import doctest
from importlib import import_module

import pytest

from tests.unit.test_architecture import MODULES

WITH_EXAMPLES = [name for name, path in MODULES.items() if "\n    >>> " in path.read_text(encoding="utf-8")]


@pytest.mark.parametrize("name", WITH_EXAMPLES)
def test_examples_in_docstrings_run(name: str) -> None:
    outcome = doctest.testmod(import_module(name))
    assert outcome.attempted
    assert not outcome.failed
