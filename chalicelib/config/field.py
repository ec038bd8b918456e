"""Dataclass fields that are read from environment variables. A field may be a dataclass: a group of such fields."""

import warnings
from collections.abc import Callable, Mapping
from dataclasses import field, fields
from typing import TYPE_CHECKING, Any, NamedTuple

from chalicelib.config import casts
from chalicelib.errors import SettingError

if TYPE_CHECKING:
    from _typeshed import DataclassInstance


class Variable(NamedTuple):
    """An environment variable, and how its text becomes the value of a field.

    `below`: other variables, whose values must be larger. `alias`: an earlier name, which is still read.
    """

    name: str
    default: Any
    parse: Callable[[str], Any]
    unit: str
    below: tuple[str, ...]
    alias: str

    def read(self, environment: Mapping[str, str]) -> Any:
        """Return the value in the environment, or the default. Empty variables count as unset."""
        name = self.name
        if self.alias and not environment.get(name) and environment.get(self.alias):
            name = self.alias
            warnings.warn(f"setting {name} is now called {self.name}; rename the variable", FutureWarning, stacklevel=2)
        text = environment.get(name, "")
        if not text:
            return self.default
        try:
            return self.parse(text)
        except ValueError as error:
            shown = "(hidden)" if "URL" in name else f"'{text}'"
            raise SettingError(f"setting {name} is {shown}: {error}") from None


_PARSERS: Mapping[type, Callable[[str], Any]] = {str: str, bool: casts.boolean}


def setting[T](
    variable: str,
    default: T,
    parse: Callable[[str], T] | None = None,
    *,
    unit: str = "",
    below: tuple[str, ...] = (),
    alias: str = "",
) -> T:
    """Declare a dataclass field that is read from the environment variable `variable`; a docstring below explains it.

    `parse`: by default, a string setting takes any text, and a boolean one the texts that `casts.boolean` takes.
    """
    parse = parse or _PARSERS[type(default)]
    return field(default=default, metadata={"": Variable(variable, default, parse, unit, below, alias)})


def seconds(variable: str, default: float, *, below: tuple[str, ...] = ()) -> float:
    """Declare a setting that is a number of seconds above 0."""
    return setting(variable, default, casts.positive_number, unit="s", below=below)


def variables(kind: "type[DataclassInstance]") -> dict[str, Variable]:
    """Return the environment variables of a dataclass and of the dataclasses in its fields, by name."""
    found: dict[str, Variable] = {}
    for each in fields(kind):
        variable: Variable | None = each.metadata.get("")
        group: Any = each.default
        found |= {variable.name: variable} if variable else variables(type(group))
    return found


def read[S: DataclassInstance](kind: type[S], environment: Mapping[str, str]) -> S:
    """Build a dataclass from the environment; its fields are declared with `setting`, or are groups.

    Raises `SettingError`, which names the variable with the invalid value, or two variables that contradict each other.
    """
    known = variables(kind)
    values = {name: variable.read(environment) for name, variable in known.items()}
    pairs = [(name, larger) for name, variable in known.items() for larger in variable.below]
    for name, larger in pairs:
        value, limit = values[name], values[larger]
        if value >= limit:
            raise SettingError(f"setting {name} is {value:g} and {larger} is {limit:g}; {name} must be below {larger}")
    return _build(kind, values)


def _build[S: DataclassInstance](kind: type[S], values: Mapping[str, Any]) -> S:
    def chosen(field: Any) -> Any:
        variable: Variable | None = field.metadata.get("")
        return _build(type(field.default), values) if variable is None else values[variable.name]

    return kind(**{each.name: chosen(each) for each in fields(kind)})
