"""The options that deploy and template share."""

import argparse

import pytest

from cloudwatch.deploy.arguments import check_stage


@pytest.mark.parametrize("stage", ["", "dev-eu", "Dev", "1", "x" * 17, "dév"])
def test_an_invalid_stage_is_refused(stage: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="use up to 16 lower-case letters"):
        check_stage(stage)
