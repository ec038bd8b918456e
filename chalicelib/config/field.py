"""One setting: a field of a frozen dataclass that is read from a variable of the environment."""

from collections.abc import Callable, Mapping
from dataclasses import field, fields
from typing import TYPE_CHECKING, Any

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
    """A field that is read from `variable`. `below`: other fields, whose values have to be larger."""
    metadata = {"variable": variable, "parse": parse, "unit": unit, "help": help, "below": below}
    return field(default=default, metadata=metadata)


def read[S: DataclassInstance](kind: type[S], environment: Mapping[str, str]) -> S:
    """A dataclass of such fields; an empty variable counts as unset.

    Raises `SettingError` that names the variable, or the two whose values do not go together.
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
    _expect_order(settings)
    return settings


def _expect_order(settings: "DataclassInstance") -> None:
    variables = {each.name: each.metadata["variable"] for each in fields(settings)}
    for each in fields(settings):
        for larger in each.metadata["below"]:
            value, limit = getattr(settings, each.name), getattr(settings, larger)
            if value >= limit:
                raise SettingError(
                    f"setting {variables[each.name]} is {value:g} and {variables[larger]} is {limit:g}; "
                    "expected the first below the second"
                )
