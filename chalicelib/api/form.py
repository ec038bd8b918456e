"""Multipart forms with photos of one animal: file fields `photo`, and optional text fields."""

import io
from collections.abc import Mapping
from dataclasses import dataclass

from chalicelib.errors import BadRequest

PHOTO_FIELD = "photo"
MOST_PHOTOS = 5
"""Maximum number of photos of one animal in a request."""
_MOST_FIELDS = 8
"""Maximum number of other fields, more than there are parameters."""
MEDIA_TYPE = "multipart/form-data"


@dataclass(frozen=True, slots=True)
class PhotoBody:
    """The bytes of the photos and the text fields sent with them."""

    photos: tuple[bytes, ...]
    fields: Mapping[str, str]


def read_form(body: bytes, content_type: str) -> PhotoBody:
    """Parse a form (RFC 7578). Raises `BadRequest` if it is malformed, or has no photo or too many."""
    import multipart  # imported here because only some clients send forms

    boundary = multipart.parse_options_header(content_type)[1].get("boundary")
    if not boundary:
        raise BadRequest("the Content-Type of the form has no boundary; let the HTTP client set that header")
    size = len(body) + 1  # the body is in memory, so its parts may be too
    parser = multipart.MultipartParser(
        io.BytesIO(body),
        boundary,
        strict=True,
        part_limit=MOST_PHOTOS + _MOST_FIELDS,
        spool_limit=size,
        memory_limit=size,
    )
    photos: list[bytes] = []
    fields: dict[str, str] = {}
    try:
        for part in parser:
            if part.name == PHOTO_FIELD:
                photos.append(part.raw)
            elif part.name in fields:
                raise BadRequest(f"{_field(part.name)} is sent more than once; send it once")
            elif part.filename is not None:
                raise BadRequest(f"{_field(part.name)} is a file; send the photo in field '{PHOTO_FIELD}'")
            else:
                fields[part.name] = _text(part.name, part.raw)
    except (multipart.MultipartError, UnicodeError, LookupError) as error:
        reason = error.args[0] if error.args else "unreadable"  # other args may contain the form's bytes
        raise BadRequest(f"the form is malformed ({reason}); send multipart/form-data as in RFC 7578") from error
    if not 1 <= len(photos) <= MOST_PHOTOS:
        found = f"the form has {len(photos) or 'no'} files in field '{PHOTO_FIELD}'"
        raise BadRequest(f"{found}; send one photo, or up to {MOST_PHOTOS} of the same animal")
    return PhotoBody(tuple(photos), fields)


def _text(name: str, value: bytes) -> str:
    """Decode a field as UTF-8 and ignore its charset: all valid values are ASCII."""
    try:
        return value.decode()
    except UnicodeDecodeError as error:
        raise BadRequest(f"{_field(name)} is not valid UTF-8; send numbers as plain text") from error


def _field(name: str) -> str:
    """Return the name of a field for a message; hide a name that is not a word, since it may contain coordinates."""
    return f"form field '{name}'" if name.isalpha() and len(name) <= 40 else "a form field"
