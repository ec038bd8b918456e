"""One setting: what is said of it stays with its field, and is what an environment is held against."""

from dataclasses import dataclass, fields

import pytest

from chalicelib.config import casts
from chalicelib.config.field import read, setting
from chalicelib.errors import SettingError


@dataclass(frozen=True, slots=True)
class Pair:
    """Two settings, one of them the smaller one."""

    least: float = setting("LEAST", 1.0, casts.positive, unit="s", help="the smaller one", below=("most",))
    most: float = setting("MOST", 2.0, casts.positive, unit="s", help="the larger one")


def test_what_is_said_of_a_setting_is_in_its_field() -> None:
    said = fields(Pair)[0].metadata
    assert (said["variable"], said["unit"], said["help"], said["below"]) == ("LEAST", "s", "the smaller one", ("most",))


def test_fields_are_read_from_their_variables() -> None:
    assert read(Pair, {}) == Pair()
    assert read(Pair, {"LEAST": "1.5", "MOST": "", "OTHER": "x"}) == Pair(least=1.5)


@pytest.mark.parametrize("environment", [{"LEAST": "2"}, {"MOST": "0.5"}, {"LEAST": "4", "MOST": "3"}])
def test_what_is_not_below_what_it_has_to_be_is_refused(environment: dict[str, str]) -> None:
    with pytest.raises(
        SettingError, match=r"setting LEAST is \S+ and MOST is \S+; expected the first below the second"
    ):
        read(Pair, environment)
