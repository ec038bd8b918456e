"""Setting fields: metadata, reading and order checks."""

from dataclasses import dataclass, fields

import pytest

from chalicelib.config import casts
from chalicelib.config.field import read, seconds, setting
from chalicelib.errors import SettingError


@dataclass(frozen=True, slots=True)
class Pair:
    """Two settings, one of them the smaller one."""

    least: float = setting("LEAST", 1.0, casts.positive_number, unit="s", help="the smaller one", below=("most",))
    most: float = setting("MOST", 2.0, casts.positive_number, unit="s", help="the larger one")


def test_a_field_keeps_its_metadata() -> None:
    metadata = fields(Pair)[0].metadata
    found = (metadata["variable"], metadata["unit"], metadata["help"], metadata["below"])
    assert found == ("LEAST", "s", "the smaller one", ("most",))


def test_seconds_are_a_positive_number_with_a_unit() -> None:
    # GIVEN a setting that is a time WHEN it is declared
    @dataclass(frozen=True, slots=True)
    class Timeouts:
        connect: float = seconds("CONNECT", 0.5, help="a timeout")

    # THEN its unit is known, and its value is checked
    assert fields(Timeouts)[0].metadata["unit"] == "s"
    assert read(Timeouts, {"CONNECT": "1.5"}).connect == 1.5
    with pytest.raises(SettingError, match="setting CONNECT is '0': expected a number above 0"):
        read(Timeouts, {"CONNECT": "0"})


def test_fields_are_read_from_their_variables() -> None:
    assert read(Pair, {}) == Pair()
    assert read(Pair, {"LEAST": "1.5", "MOST": "", "OTHER": "x"}) == Pair(least=1.5)


@pytest.mark.parametrize("environment", [{"LEAST": "2"}, {"MOST": "0.5"}, {"LEAST": "4", "MOST": "3"}])
def test_a_value_not_below_its_limit_is_refused(environment: dict[str, str]) -> None:
    with pytest.raises(SettingError, match=r"setting LEAST is \S+ and MOST is \S+; LEAST must be below MOST"):
        read(Pair, environment)
