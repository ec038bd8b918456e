"""Request bodies of identifications: the raw bytes of a photo, or a multipart form with one or several."""

from chalicelib.api.form import MEDIA_TYPE as FORM
from chalicelib.api.form import PhotoBody, read_form
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

# Other types that clients send with photos: an old name of JPEG, and the default of curl's --data-binary.
_ALIASES = ("image/jpg", "application/x-www-form-urlencoded")

# API Gateway decodes bodies of all other types as text, which would corrupt a photo.
BINARY_TYPES = (*PHOTO_TYPES, FORM, *_ALIASES)


def read_body(body: bytes, content_type: str) -> PhotoBody:
    """Return the photos in a body and the form fields sent with it.

    Raises `UnsupportedMediaType` for any other content type and `BadRequest` for an invalid form.
    """
    return read_form(body, content_type) if is_form(content_type) else PhotoBody((body,), {})


def is_form(content_type: str) -> bool:
    """Return whether the body is a form; otherwise it is a photo. Raises `UnsupportedMediaType` if it is neither."""
    media_type = content_type.partition(";")[0].strip().lower()
    if media_type not in BINARY_TYPES:
        found = f"the Content-Type is '{media_type[:60]}'" if media_type else "the Content-Type header is missing"
        raise UnsupportedMediaType(f"{found}; send the photo as {', '.join(PHOTO_TYPES)} or {FORM}")
    return media_type == FORM
