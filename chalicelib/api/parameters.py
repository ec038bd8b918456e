"""What a request asks for, apart from the photo: its parameters, by query or form field.

The tables here are the contract: requests are checked against them and the OpenAPI document is made from them.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from chalicelib.errors import BadRequest, LocationMissing
from chalicelib.location import Location, from_request

DEFAULT_TOP = 5
MOST_TOP = 20


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter: its name, the JSON Schema of its value, what it means."""

    name: str
    schema: Mapping[str, Any]
    help: str


LAT = Parameter(
    "lat",
    {"type": "number", "minimum": -90, "maximum": 90},
    "Latitude where the photo was taken, WGS84 decimal degrees. Goes with lon and wins over the photo's EXIF.",
)
LON = Parameter(
    "lon",
    {"type": "number", "minimum": -180, "maximum": 180},
    "Longitude where the photo was taken, WGS84 decimal degrees. Goes with lat.",
)
LOCATION = Parameter(
    "location",
    {"type": "string", "enum": ["none"]},
    "`none`: do not narrow by place, even if the photo says where it was taken.",
)
TOP = Parameter(
    "top",
    {"type": "integer", "minimum": 1, "maximum": MOST_TOP, "default": DEFAULT_TOP},
    "How many candidates the answer lists.",
)

DEEP = Parameter(
    "deep",
    {"type": "string", "enum": ["true", "false"], "default": "false"},
    "`true`: ask the database too, which wakes it if it has paused.",
)

IDENTIFY = (LAT, LON, LOCATION, TOP)
PLACE = (LAT, LON)


@dataclass(frozen=True, slots=True)
class IdentifyParams:
    """The parameters of an identification, checked."""

    location: Location | None = None
    without_location: bool = False
    top: int = DEFAULT_TOP


def read_identify_params(query: Mapping[str, Sequence[str]], form: Mapping[str, str] | None = None) -> IdentifyParams:
    """The parameters of an identification, from the query and the form's fields.

    Raises `BadRequest` for what is unknown, repeated or contradicts, `LocationInvalid` for coordinates that are
    no place.
    """
    values = _values(query, form or {}, IDENTIFY)
    location = _location(values)
    without = values.get("location")
    if without not in (None, "none"):
        raise BadRequest("location takes only the value 'none'; coordinates go into lat and lon")
    if without and location:
        raise BadRequest("location=none contradicts lat and lon; send one or the other")
    return IdentifyParams(location, bool(without), _top(values.get("top")))


def read_place(query: Mapping[str, Sequence[str]]) -> Location:
    """The place that a request names, which it must; raises as `read_identify_params`, and `LocationMissing`."""
    location = _location(_values(query, {}, PLACE))
    if location is None:
        raise LocationMissing("say where: lat and lon in decimal degrees, such as ?lat=-33.9&lon=151.2")
    return location


def read_deep(query: Mapping[str, Sequence[str]]) -> bool:
    """Whether a health check goes down to the database. Raises `BadRequest` for anything but true or false."""
    text = _values(query, {}, (DEEP,)).get("deep", "false")
    if text not in ("true", "false"):
        raise BadRequest("deep takes the values true and false")
    return text == "true"


def expect_no_parameters(query: Mapping[str, Sequence[str]]) -> None:
    """Raises `BadRequest` if there is any parameter."""
    _values(query, {}, ())


def _values(query: Mapping[str, Sequence[str]], form: Mapping[str, str], known: Iterable[Parameter]) -> dict[str, str]:
    """Each parameter's one value; the query and the form share their names."""
    names = [parameter.name for parameter in known]
    values: dict[str, str] = {}
    for name, given in [*query.items(), *((name, [value]) for name, value in form.items())]:
        if name not in names:
            expected = f"known are {', '.join(names)}" if names else "this path takes none"
            shown = f" '{name}'" if name.isalpha() and len(name) <= 40 else ""  # it may hold coordinates
            raise BadRequest(f"unknown parameter{shown}; {expected}")
        if len(given) != 1 or name in values:
            raise BadRequest(f"parameter {name} is given more than once; send it once")
        values[name] = given[0]
    return values


def _location(values: Mapping[str, str]) -> Location | None:
    if "lat" not in values and "lon" not in values:
        return None
    if "lat" not in values or "lon" not in values:
        raise BadRequest("lat and lon go together; send both or none")
    return from_request(values["lat"], values["lon"])


def _top(text: str | None) -> int:
    if text is None:
        return DEFAULT_TOP
    if not (text.isascii() and text.isdigit() and 1 <= int(text[:4]) <= MOST_TOP and len(text) <= 4):
        raise BadRequest(f"top is no whole number from 1 to {MOST_TOP}")
    return int(text)
