"""Setting fields: metadata, reading and order checks."""

from dataclasses import dataclass, fields

import pytest

from chalicelib.config import casts
from chalicelib.config.field import read, setting
from chalicelib.errors import SettingError


@dataclass(frozen=True, slots=True)
class Pair:
    """Two settings, one of them the smaller one."""

    least: float = setting("LEAST", 1.0, casts.positive_number, unit="s", help="the smaller one", below=("most",))
    most: float = setting("MOST", 2.0, casts.positive_number, unit="s", help="the larger one")


def test_a_field_keeps_its_metadata() -> None:
    metadata = fields(Pair)[0].metadata
    assert (metadata["variable"], metadata["unit"], metadata["help"], metadata["below"]) == (
        "LEAST",
        "s",
        "the smaller one",
        ("most",),
    )


def test_fields_are_read_from_their_variables() -> None:
    assert read(Pair, {}) == Pair()
    assert read(Pair, {"LEAST": "1.5", "MOST": "", "OTHER": "x"}) == Pair(least=1.5)


@pytest.mark.parametrize("environment", [{"LEAST": "2"}, {"MOST": "0.5"}, {"LEAST": "4", "MOST": "3"}])
def test_a_value_not_below_its_limit_is_refused(environment: dict[str, str]) -> None:
    with pytest.raises(SettingError, match=r"setting LEAST is \S+ and MOST is \S+; LEAST must be below MOST"):
        read(Pair, environment)
