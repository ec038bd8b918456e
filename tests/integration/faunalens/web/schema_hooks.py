"""Schemathesis hooks, loaded by its command line: photos for request bodies, and rules that OpenAPI cannot express."""

import json
from collections.abc import Mapping
from typing import Any

import schemathesis
from hypothesis import strategies as st
from schemathesis.core.failures import Failure

from chalicelib.api.parameters import PHOTO_TYPES
from tests.support.pictures import SYDNEY, encoded, exif, scene

type Case = schemathesis.Case[Any]

PHOTOS = [encoded(scene(80, 60), kind, exif=exif(SYDNEY)) for kind in ("JPEG", "PNG", "WEBP", "TIFF", "HEIF")]
"""Small photos that the service accepts without further parameters, because their EXIF contains a location."""

RULES = (
    "only one of lat and lon is present",
    "location=none contradicts lat and lon",
    "is sent more than once",
    "this server has no detector",
    "animal must have 1 to 200 characters",
)
"""Details of the 400s for combinations of valid parameters, in the query and the form, for boxes if there is no
detector, and for an animal of blanks. OpenAPI describes each parameter alone, so schemathesis takes all for valid."""

for media_type in PHOTO_TYPES:
    schemathesis.openapi.media_type(media_type, st.sampled_from(PHOTOS))


@schemathesis.hook
def filter_failure(
    context: schemathesis.HookContext,  # noqa: ARG001
    failure: Failure,
    case: Case,
    response: schemathesis.Response,
) -> bool:
    """Return false, which ignores the failure, if the app correctly refused parameters that break one of `RULES`."""
    if failure.code != "ST202" or response.status_code != 400:
        return True
    detail = json.loads(response.content)["detail"]
    return not (any(rule in detail for rule in RULES) and breaks_a_rule(case))


def breaks_a_rule(case: Case) -> bool:
    """Return whether the parameters of a request contradict each other, or need a detector."""
    form: Mapping[str, object] = case.body if isinstance(case.body, Mapping) else {}
    if "animal" in form:
        return not any(each.isprintable() and not each.isspace() for each in str(form["animal"]))
    query = case.query.keys()
    names = query | form.keys()
    return (
        "boxes" in names
        or bool(query & form.keys())
        or ("lat" in names) != ("lon" in names)
        or {"location", "lat"} <= names
    )
