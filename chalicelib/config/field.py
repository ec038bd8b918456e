"""Dataclass fields that are read from environment variables."""

from collections.abc import Callable, Mapping
from dataclasses import field, fields
from typing import TYPE_CHECKING, Any

from chalicelib.config.casts import positive_number
from chalicelib.errors import SettingError

if TYPE_CHECKING:
    from _typeshed import DataclassInstance


def setting[T](
    variable: str,
    default: T,
    parse: Callable[[str], T],
    *,
    unit: str = "",
    help: str,  # noqa: A002
    below: tuple[str, ...] = (),
) -> T:
    """Declare a dataclass field that is read from the environment variable `variable`.

    `below`: names of other fields, whose values must be larger than the value of this field.
    """
    metadata = {"variable": variable, "parse": parse, "unit": unit, "help": help, "below": below}
    return field(default=default, metadata=metadata)


def seconds(variable: str, default: float, *, help: str, below: tuple[str, ...] = ()) -> float:  # noqa: A002
    """Declare a setting that is a number of seconds above 0."""
    return setting(variable, default, positive_number, unit="s", help=help, below=below)


def read[S: DataclassInstance](kind: type[S], environment: Mapping[str, str]) -> S:
    """Build a dataclass from the environment; its fields are declared with `setting`. Empty variables count as unset.

    Raises `SettingError`, which names the variable with the invalid value, or two variables that contradict each other.
    """
    values: dict[str, Any] = {}
    for each in fields(kind):
        variable = each.metadata["variable"]
        text = environment.get(variable, "")
        if not text:
            continue
        try:
            values[each.name] = each.metadata["parse"](text)
        except ValueError as error:
            shown = "(hidden)" if "URL" in variable else f"'{text}'"
            raise SettingError(f"setting {variable} is {shown}: {error}") from None
    settings = kind(**values)
    _check_order(settings)
    return settings


def _check_order(settings: "DataclassInstance") -> None:
    """Raise `SettingError` unless each field is smaller than all fields that its `below` lists."""
    variables = {each.name: each.metadata["variable"] for each in fields(settings)}
    for each in fields(settings):
        for larger in each.metadata["below"]:
            value, limit = getattr(settings, each.name), getattr(settings, larger)
            if value >= limit:
                lower, upper = variables[each.name], variables[larger]
                raise SettingError(
                    f"setting {lower} is {value:g} and {upper} is {limit:g}; {lower} must be below {upper}"
                )
