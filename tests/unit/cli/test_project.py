"""The installable project: its dependencies are those that are pinned and tested."""

import re
import tomllib

from chalicelib.application import VERSION
from chalicelib.config.settings import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def test_every_dependency_is_pinned_as_in_development() -> None:
    pins = set(
        re.findall(r"^([\w.-]+==[\w.]+)", (ROOT / "requirements-dev.txt").read_text(encoding="utf-8"), re.MULTILINE)
    )
    optional = {pin for pins in PROJECT["optional-dependencies"].values() for pin in pins}
    assert {*PROJECT["dependencies"], *optional} <= pins


def test_the_product_has_all_that_it_needs() -> None:
    product = re.findall(r"^([\w.-]+==[\w.]+)", (ROOT / "requirements.in").read_text(encoding="utf-8"), re.MULTILINE)
    assert set(product) <= set(PROJECT["dependencies"])


def test_the_version_is_the_products() -> None:
    assert PROJECT["version"] == VERSION
