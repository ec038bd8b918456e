"""A multipart form that brings a photo: one file field `photo` and, if wanted, text fields."""

import io
from collections.abc import Mapping
from dataclasses import dataclass

from chalicelib.errors import BadRequest

PHOTO_FIELD = "photo"
MEDIA_TYPE = "multipart/form-data"


@dataclass(frozen=True, slots=True)
class Form:
    """The photo's bytes and the text fields beside it."""

    photo: bytes
    fields: Mapping[str, str]


def read_form(body: bytes, content_type: str) -> Form:
    """The form in a body (RFC 7578). Raises `BadRequest` if it is broken or has not exactly one photo."""
    import multipart  # only some clients send forms

    boundary = multipart.parse_options_header(content_type)[1].get("boundary")
    if not boundary:
        raise BadRequest("the Content-Type of the form names no boundary; let the HTTP client write that header")
    size = len(body) + 1  # the body is in memory already: no part goes to disk
    parser = multipart.MultipartParser(
        io.BytesIO(body), boundary, strict=True, part_limit=8, spool_limit=size, memory_limit=size
    )
    photos: list[bytes] = []
    fields: dict[str, str] = {}
    try:
        for part in parser:
            if part.name == PHOTO_FIELD:
                photos.append(part.raw)
            elif part.name in fields:
                raise BadRequest(f"{_field(part.name)} is given more than once; send it once")
            elif part.filename is not None:
                raise BadRequest(f"{_field(part.name)} is a file; the photo goes into field '{PHOTO_FIELD}'")
            else:
                fields[part.name] = _text(part.name, part.raw)
    except (multipart.MultipartError, UnicodeError, LookupError) as error:
        reason = error.args[0] if error.args else "unreadable"  # what follows in args is Python's own
        raise BadRequest(f"the form is broken ({reason}); send it as RFC 7578 describes") from error
    if len(photos) != 1:
        found = f"{len(photos)} of them" if photos else "none"
        raise BadRequest(f"the form needs exactly one file in field '{PHOTO_FIELD}'; it has {found}")
    return Form(photos[0], fields)


def _text(name: str, value: bytes) -> str:
    """A field's text, whatever charset it claims: all that we know is plain ASCII."""
    try:
        return value.decode()
    except UnicodeDecodeError as error:
        raise BadRequest(f"{_field(name)} is no text in UTF-8; send numbers as plain text") from error


def _field(name: str) -> str:
    """What a field is called, if it is a word: else its name may hold coordinates."""
    return f"form field '{name}'" if name.isalpha() and len(name) <= 40 else "a form field"
