"""The body of an identification: the photo's bytes as they are, or in a form."""

from chalicelib.api.form import MEDIA_TYPE as FORM
from chalicelib.api.form import Form, read_form
from chalicelib.errors import UnsupportedMediaType

PHOTO_TYPES = (
    "image/jpeg",
    "image/png",
    "image/webp",
    "image/heic",
    "image/heif",
    "image/tiff",
    "application/octet-stream",
)

# What people's tools say of photos besides: an old name, and what curl says of --data-binary if nobody tells it.
_ALIASES = ("image/jpg", "application/x-www-form-urlencoded")

# API Gateway hands other types over as text, which ruins a photo before it gets here.
BINARY_TYPES = (*PHOTO_TYPES, FORM, *_ALIASES)


def read_body(body: bytes, content_type: str) -> Form:
    """The photo in a body, and the fields that came with it.

    Raises `UnsupportedMediaType` for a type under which no photo is taken, `BadRequest` for a broken form.
    """
    media_type = content_type.partition(";")[0].strip().lower()
    if media_type == FORM:
        return read_form(body, content_type)
    if media_type not in BINARY_TYPES:
        found = f"Content-Type is '{media_type[:60]}'" if media_type else "there is no Content-Type"
        raise UnsupportedMediaType(f"{found}; send the photo as {', '.join(PHOTO_TYPES)} or {FORM}")
    return Form(body, {})
