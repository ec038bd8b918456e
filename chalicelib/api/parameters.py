"""What a request says: the photos in its body, and its parameters, from the query string or from form fields.

The body of an identification is the raw bytes of a photo, or a multipart form. A form has one or several photos of one
animal in file fields `photo`, and optional text fields.

The app validates requests against these definitions, and the OpenAPI document is generated from them.
"""

import io
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from chalicelib.api.http import Parameter, Request
from chalicelib.errors import BadRequest, LocationMissing, UnsupportedMediaType
from chalicelib.features.features import month_in
from chalicelib.identify import IdentifyRequest
from chalicelib.location import Location, parse_location
from chalicelib.photo.formats import MEDIA_TYPES

if TYPE_CHECKING:
    from _typeshed import SupportsWrite
    from multipart import MultipartSegment


FORM_TYPE = "multipart/form-data"
PHOTO_TYPES = (*MEDIA_TYPES, "application/octet-stream")

# Other types that clients send with photos: an old name of JPEG, and the default of curl's --data-binary.
_ALIASES = ("image/jpg", "application/x-www-form-urlencoded")

# API Gateway decodes bodies of all other types as text, which would corrupt a photo.
BINARY_TYPES = (*PHOTO_TYPES, FORM_TYPE, *_ALIASES)

PHOTO_FIELD = "photo"
MOST_PHOTOS = 5
"""Maximum number of photos of one animal in a request."""
_MOST_FIELDS = 8
"""Maximum number of other fields, more than there are parameters."""
_LONGEST_FIELD = 1000
"""Maximum number of bytes of a text field, more than any valid value has."""


class PhotoBody(NamedTuple):
    """The bytes of the photos and the text fields sent with them."""

    photos: tuple[bytes, ...]
    fields: Mapping[str, str]


def read_body(body: bytes, content_type: str) -> PhotoBody:
    """Return the photos in a body and the form fields sent with it.

    Raises `UnsupportedMediaType` if the body is neither a photo nor a form, and `BadRequest` if the form is invalid.
    """
    return read_form(body, content_type) if is_form(content_type) else PhotoBody((body,), {})


def is_form(content_type: str) -> bool:
    """Return whether the body is a form; otherwise it is a photo. Raises `UnsupportedMediaType` if it is neither."""
    media_type = content_type.partition(";")[0].strip().lower()
    if media_type not in BINARY_TYPES:
        found = f"the Content-Type is '{media_type[:60]}'" if media_type else "the Content-Type header is missing"
        raise UnsupportedMediaType(f"{found}; send the photo as {', '.join(PHOTO_TYPES)} or {FORM_TYPE}")
    return media_type == FORM_TYPE


class FormParser[F: "SupportsWrite[bytes]"]:
    """A parser that reads a form (RFC 7578) in pieces: call `feed` with each piece of the body, then `finish`.

    `open_file`: called for each photo; returns the file to write it to. The attribute `photos` has these files.
    The constructor and both methods raise `BadRequest` if the form is malformed, or has no photo or too many. `feed`
    also raises the errors of writing to these files.
    """

    def __init__(self, content_type: str, open_file: Callable[[], F]) -> None:
        import multipart  # imported here because only some clients send forms

        boundary = multipart.parse_options_header(content_type)[1].get("boundary")
        if not boundary:
            raise BadRequest("the Content-Type of the form has no boundary; let the HTTP client set that header")
        self.photos: list[F] = []
        self._open_file = open_file
        self._fields: dict[str, bytes] = {}
        self._part: MultipartSegment | None = None
        self._errors = (multipart.MultipartError, UnicodeError, LookupError)
        try:
            # In strict mode, a line break after the last boundary is an error if it arrives in a part of its own.
            self._parser = multipart.PushMultipartParser(boundary, max_segment_count=MOST_PHOTOS + _MOST_FIELDS)
        except self._errors as error:
            raise _malformed(error) from error

    def feed(self, data: bytes) -> None:
        """Parse the next bytes of the body."""
        try:
            for event in self._parser.parse(data) if data else ():
                if event is None:
                    self._part = None
                elif isinstance(event, (bytes, bytearray)):
                    self._write(bytes(event))
                else:
                    self._begin(event)
        except self._errors as error:
            raise _malformed(error) from error

    def finish(self) -> dict[str, str]:
        """Return the text fields, after the whole body has been parsed."""
        try:
            self._parser.close()
        except self._errors as error:
            raise _malformed(error) from error
        if not 1 <= len(self.photos) <= MOST_PHOTOS:
            found = f"the form has {len(self.photos) or 'no'} files in field '{PHOTO_FIELD}'"
            raise BadRequest(f"{found}; send one photo, or up to {MOST_PHOTOS} of the same animal")
        fields: dict[str, str] = {}
        for name, value in self._fields.items():
            try:
                fields[name] = value.decode()  # in spite of its charset: all valid values are ASCII
            except UnicodeDecodeError as error:
                raise BadRequest(f"{_field(name)} is not valid UTF-8; send numbers as plain text") from error
        return fields

    def _begin(self, part: "MultipartSegment") -> None:
        name = part.name or ""
        self._part = part
        if name == PHOTO_FIELD:
            self.photos.append(self._open_file())
        elif name in self._fields:
            raise BadRequest(f"{_field(name)} is sent more than once; send it once")
        elif part.filename is not None:
            raise BadRequest(f"{_field(name)} is a file; send the photo in field '{PHOTO_FIELD}'")
        else:
            self._fields[name] = b""

    def _write(self, data: bytes) -> None:
        name = self._part.name or "" if self._part else ""
        if name == PHOTO_FIELD:
            self.photos[-1].write(data)
            return
        self._fields[name] += data
        if len(self._fields[name]) > _LONGEST_FIELD:
            raise BadRequest(f"{_field(name)} is longer than {_LONGEST_FIELD} bytes; send a shorter value")


def read_form(body: bytes, content_type: str) -> PhotoBody:
    """Parse a whole form. Raises `BadRequest` if it is malformed, or has no photo or too many."""
    parser = FormParser(content_type, io.BytesIO)
    parser.feed(body)
    fields = parser.finish()
    return PhotoBody(tuple(photo.getvalue() for photo in parser.photos), fields)


def _malformed(error: Exception) -> BadRequest:
    reason = error.args[0] if error.args else "unreadable"  # other args may contain the form's bytes
    return BadRequest(f"the form is malformed ({reason}); send multipart/form-data as in RFC 7578")


def _field(name: str) -> str:
    """Return the name of a field for a message; hide a name that is not a word, since it may contain coordinates."""
    return f"form field '{name}'" if name.isalpha() and len(name) <= 40 else "a form field"


DEFAULT_TOP = 5
MAX_TOP = 20

LAT = Parameter(
    "lat",
    {"type": "number", "minimum": -90, "maximum": 90},
    "Latitude in WGS84 decimal degrees. Requires lon, and overrides the location in the photo's EXIF.",
)
LON = Parameter(
    "lon", {"type": "number", "minimum": -180, "maximum": 180}, "Longitude in WGS84 decimal degrees. Requires lat."
)
LOCATION = Parameter(
    "location",
    {"type": "string", "enum": ["none"]},
    "`none`: ignore the location, and identify the animal from the photo alone.",
)
TOP = Parameter(
    "top",
    {"type": "integer", "minimum": 1, "maximum": MAX_TOP, "default": DEFAULT_TOP},
    "Number of candidates in the response.",
)
ALSO = Parameter(
    "also",
    {"type": "string", "pattern": f"^[^,]+(,[^,]+){{0,{MOST_PHOTOS - 2}}}$"},
    f"Ids of up to {MOST_PHOTOS - 1} more uploads with photos of the same animal, separated by commas.",
)
TIME = Parameter(
    "time",
    {"type": "string", "pattern": r"^(19|20)[0-9]{2}-(0[1-9]|1[0-2])([-T][0-9:.+ZT -]{0,32})?$"},
    "When the photo was taken: year and month, date, or date and time of ISO 8601. Overrides the time in the photo's "
    "EXIF. Only the month counts, and only if the deployment's setting `SEASON_FLOOR` is below 1.",
)
BOXES = Parameter(
    "boxes",
    {"type": "string", "enum": ["true", "false"]},
    "`true`: also find each animal, person and vehicle in the photo, and identify each animal. The default is the "
    "deployment's setting `BOXES`. A deployment without a detector answers `true` with `bad_request`.",
)

DEEP = Parameter(
    "deep",
    {"type": "string", "enum": ["true", "false"], "default": "false"},
    "`true`: also check the database. The check wakes a paused database, so API Gateway's callers may not ask for it.",
)

_NAME = {"type": "string", "minLength": 1, "maxLength": 40}
QUERY = Parameter(
    "q",
    _NAME,
    "Common or scientific name to search for, or its beginning; may have typing errors. Finds at most 20 taxa.",
)
GROUP = Parameter(
    "group",
    _NAME,
    "Group of animals, such as `birds`. Without q: all taxa of the group. Without q and group: all groups.",
)

IDENTIFY = (LAT, LON, LOCATION, TOP, TIME, BOXES)
IDENTIFY_UPLOAD = (*IDENTIFY, ALSO)
ANIMALS = (LAT._replace(required=True), LON._replace(required=True))
TAXA = (QUERY, GROUP)


class IdentifyParams(NamedTuple):
    """The validated parameters of an identification. `top`: number of candidates. `also`: ids of further uploads."""

    request: IdentifyRequest
    top: int = DEFAULT_TOP
    also: tuple[str, ...] = ()


def read_identify_params(
    query: Mapping[str, Sequence[str]], form: Mapping[str, str] | None = None, known: Sequence[Parameter] = IDENTIFY
) -> IdentifyParams:
    """Read the parameters of an identification from the query and the form.

    `known`: the parameters that the path accepts. Raises `BadRequest` for unknown, repeated or contradictory
    parameters, and `LocationInvalid` for bad coordinates.
    """
    values = _values(query, form or {}, known)
    location = _location(values)
    without = values.get("location")
    if without not in (None, "none"):
        raise BadRequest("the only value of location is 'none'; send coordinates as lat and lon")
    if without and location:
        raise BadRequest("location=none contradicts lat and lon; send one or the other")
    boxes, month = _flag(values, BOXES), _month(values.get("time"))
    request = IdentifyRequest(location, "ignored" if without else "required", boxes, month)
    top = values.get("top", str(DEFAULT_TOP))
    if not (re.fullmatch("[0-9]{1,4}", top) and 1 <= int(top) <= MAX_TOP):
        raise BadRequest(f"top must be a whole number from 1 to {MAX_TOP}")
    also = tuple(values["also"].split(",")) if "also" in values else ()
    if len(also) >= MOST_PHOTOS or "" in also:
        raise BadRequest(f"parameter also must be 1 to {MOST_PHOTOS - 1} upload ids, separated by commas")
    return IdentifyParams(request, int(top), also)


def read_location(query: Mapping[str, Sequence[str]]) -> Location:
    """Read a required location. Raises `LocationMissing`, and the same errors as `read_identify_params`."""
    location = _location(_values(query, {}, ANIMALS))
    if location is None:
        raise LocationMissing("lat and lon are missing; send decimal degrees, such as ?lat=-33.9&lon=151.2")
    return location


def read_taxa(query: Mapping[str, Sequence[str]]) -> tuple[str | None, str | None]:
    """Return the name to search for and the group, each None if absent. Raises `BadRequest` for invalid values."""
    values = _values(query, {}, TAXA)
    for parameter in TAXA:
        least, most = parameter.schema["minLength"], parameter.schema["maxLength"]
        if not least <= len(values.get(parameter.name, "-")) <= most:
            raise BadRequest(f"{parameter.name} must have {least} to {most} characters")
    return values.get(QUERY.name), values.get(GROUP.name)


def read_deep(query: Mapping[str, Sequence[str]]) -> bool:
    """Return whether a health check includes the database. Raises `BadRequest` for invalid values."""
    return bool(_flag(_values(query, {}, (DEEP,)), DEEP))


def expect_no_nul(request: Request) -> None:
    """Raise `BadRequest` if a parameter of the query or the path has a NUL character, even one otherwise ignored."""
    values = (*request.path.values(), *request.query, *(each for values in request.query.values() for each in values))
    if any("\0" in each for each in values):
        raise BadRequest("a parameter has a NUL character; leave it out")


def expect_no_parameters(query: Mapping[str, Sequence[str]]) -> None:
    """Raise `BadRequest` if there is any parameter."""
    _values(query, {}, ())


def _values(query: Mapping[str, Sequence[str]], form: Mapping[str, str], known: Iterable[Parameter]) -> dict[str, str]:
    """Return the value of each parameter. A name may occur once, in the query or in the form."""
    names = [parameter.name for parameter in known]
    values: dict[str, str] = {}
    for name, given in [*query.items(), *((name, [value]) for name, value in form.items())]:
        if name not in names:
            expected = f"supported: {', '.join(names)}" if names else "this path has no parameters"
            shown = f" '{name}'" if name.isalpha() and len(name) <= 40 else ""  # the name may contain coordinates
            raise BadRequest(f"unknown parameter{shown}; {expected}")
        if len(given) != 1 or name in values:
            raise BadRequest(f"parameter {name} is sent more than once; send it once")
        if "\0" in given[0]:
            raise BadRequest(f"parameter {name} has a NUL character; leave it out")
        values[name] = given[0]
    return values


def _location(values: Mapping[str, str]) -> Location | None:
    if ("lat" in values) != ("lon" in values):
        raise BadRequest("only one of lat and lon is present; send both or neither")
    return parse_location(values["lat"], values["lon"]) if "lat" in values else None


def _flag(values: Mapping[str, str], parameter: Parameter) -> bool | None:
    """Return whether a parameter is `true`, or None if it is absent."""
    text = values.get(parameter.name)
    if text not in (None, "true", "false"):
        raise BadRequest(f"{parameter.name} must be true or false")
    return None if text is None else text == "true"


def _month(text: str | None) -> int | None:
    if text is None:
        return None
    month = month_in(text) if re.fullmatch(TIME.schema["pattern"], text) else None
    if month is None:
        raise BadRequest("time must begin with year and month, as in 2026-07 or 2026-07-14T09:30:00Z")
    return month
