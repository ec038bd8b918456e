"""Request bodies of identifications: the raw bytes of a photo, or a multipart form with one or several.

A form has photos of one animal in file fields `photo`, and optional text fields.
"""

import io
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, NamedTuple

from chalicelib.errors import BadRequest, UnsupportedMediaType
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
