"""Setting fields: metadata, reading and order checks."""

from dataclasses import dataclass

import pytest

from chalicelib.config import casts
from chalicelib.config.field import read, seconds, setting, variables
from chalicelib.errors import SettingError


@dataclass(frozen=True, slots=True)
class Pair:
    """Two settings, one of them the smaller one."""

    least: float = setting("LEAST", 1.0, casts.positive_number, unit="s", below=("MOST",))
    most: float = setting("MOST", 2.0, casts.positive_number, unit="s")


def test_seconds_are_a_positive_number_with_a_unit() -> None:
    # GIVEN a setting that is a time WHEN it is declared
    @dataclass(frozen=True, slots=True)
    class Timeouts:
        connect: float = seconds("CONNECT", 0.5)

    # THEN its unit is known, and its value is checked
    assert variables(Timeouts)["CONNECT"].unit == "s"
    assert read(Timeouts, {"CONNECT": "1.5"}).connect == 1.5
    with pytest.raises(SettingError, match="setting CONNECT is '0': expected a number above 0"):
        read(Timeouts, {"CONNECT": "0"})


@pytest.mark.parametrize("environment", [{"LEAST": "2"}, {"MOST": "0.5"}, {"LEAST": "4", "MOST": "3"}])
def test_a_value_not_below_its_limit_is_refused(environment: dict[str, str]) -> None:
    with pytest.raises(SettingError, match=r"setting LEAST is \S+ and MOST is \S+; LEAST must be below MOST"):
        read(Pair, environment)


def test_a_group_is_read_as_its_fields_are() -> None:
    # GIVEN a dataclass with a group
    @dataclass(frozen=True, slots=True)
    class Whole:
        pair: Pair = Pair()
        name: str = setting("NAME", "")

    # WHEN read THEN the group has its values, its defaults and its order
    assert read(Whole, {}) == Whole()
    assert read(Whole, {"LEAST": "1.5", "MOST": "", "NAME": "x", "OTHER": "y"}) == Whole(Pair(1.5, 2.0), "x")
    assert list(variables(Whole)) == ["LEAST", "MOST", "NAME"]
    with pytest.raises(SettingError, match="LEAST must be below MOST"):
        read(Whole, {"LEAST": "3"})
