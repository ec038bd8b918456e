"""Limits of processor time, which hold only where a test has the machine to itself."""

from math import inf

import pytest


def limited(seconds: float) -> pytest.MarkDecorator:
    """Run a test twice: without a limit, `most` is infinite; and alone, `most` is the limit in seconds."""
    alone = pytest.param(seconds, marks=pytest.mark.alone, id=f"in {seconds:g} s")
    return pytest.mark.parametrize("most", [pytest.param(inf, id="at any speed"), alone])
