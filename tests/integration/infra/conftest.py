"""The account in which stacks come up."""

from collections.abc import Iterator

import pytest

from tests.integration.infra.moto_stack import deployable
from tests.support.aws import Account, account


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[Account]:
    """An account simulated by moto, which this process uses."""
    with account() as running, deployable():
        for name, value in running.environment.items():
            monkeypatch.setenv(name, value)
        yield running
