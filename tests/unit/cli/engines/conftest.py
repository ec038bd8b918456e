"""Stand-ins for the packages of other projects."""

from collections.abc import Iterator

import pytest

from tests.stand_ins import stand_ins


@pytest.fixture
def packages() -> Iterator[None]:
    """Put the stand-ins in the place of the packages."""
    with stand_ins():
        yield
