"""What is read of Chalice's configuration."""

import pytest

from infra.functions import function_settings, reservations, stages
from infra.step import PreconditionFailed


def test_stages_are_those_with_functions() -> None:
    assert stages() == ["dev", "prod"]


def test_an_unknown_stage_is_an_error() -> None:
    with pytest.raises(PreconditionFailed, match=r"config.json has no stage staging, only dev, prod"):
        function_settings("staging")


def test_reservations_are_by_the_names_on_aws() -> None:
    assert reservations("dev") == {
        "faunalens-dev": 10,
        "faunalens-dev-warm": 1,
        "faunalens-dev-batch": 4,
        "faunalens-dev-admin": 1,
    }
