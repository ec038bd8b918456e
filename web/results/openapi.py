"""Results in the OpenAPI document: their routes, and the parameter `keep` of identifications."""

from typing import Any

from chalicelib.api.openapi import path_id
from web.results.results import KEEPS

_ID = path_id("Id of a result, as in `result.id` of an answer.")
_KEEP = {
    "name": "keep",
    "in": "query",
    "description": "Whether to keep the answer for 30 days, at an address that cannot be guessed: `true` with a "
    "thumbnail, unless people were found in the photo, for which `boxes=true` looks; `picture` with it in any case; "
    "`answer` without it.",
    "schema": {"type": "string", "enum": list(KEEPS), "default": "false"},
}
_RESULT = {
    "description": "Where the answer was kept; null if that failed. Only with `keep`.",
    "type": ["object", "null"],
    "required": ["id", "url", "token", "expires", "picture"],
    "properties": {
        "id": {"type": "string"},
        "url": {
            "type": "string",
            "description": "Path of the page; with .json of the data, with .jpg of the thumbnail.",
        },
        "token": {"type": "string", "description": "The right to delete or correct the result; it cannot be replaced."},
        "expires": {"type": "string", "format": "date-time"},
        "picture": {"type": "boolean", "description": "Whether the thumbnail was kept, too."},
    },
    "additionalProperties": False,
}
_TOKEN = {"scheme": "bearer", "type": "http", "description": "`result.token` of the answer."}
_CORRECTION = {
    "type": "object",
    "required": ["animal"],
    "properties": {
        "animal": {"type": "string", "description": "What the photo shows.", "minLength": 1, "maxLength": 200},
        "scientific_name": {"type": "string", "description": "The same, of a taxon that is known.", "maxLength": 200},
    },
    "additionalProperties": False,
}


def with_results_described(document: dict[str, Any]) -> dict[str, Any]:
    """Return an OpenAPI document of the API with what results add."""
    paths, components = document["paths"], document["components"]
    identify = paths["/identify"]["post"]
    identify["parameters"] = [*identify["parameters"], _KEEP]
    components["schemas"]["Answer"]["properties"]["result"] = _RESULT
    components["securitySchemes"] = {**components.get("securitySchemes", {}), "resultToken": _TOKEN}
    # The errors of every path are those of a path without errors of its own.
    shared = {status: each for status, each in paths["/openapi.json"]["get"]["responses"].items() if status != "200"}

    def operation(name: str, summary: str, status: str, media_type: str = "", **more: Any) -> dict[str, Any]:
        success: dict[str, Any] = {"description": "Success.", **({"content": {media_type: {}}} if media_type else {})}
        missing = {**shared["500"], "description": "`not_found`: it does not exist, or was deleted."}
        if media_type == "text/html":  # for people
            missing["content"] = {**missing["content"], **success["content"]}
        responses = {**shared, status: success, "404": missing}
        if "security" in more:
            responses["401"] = {**shared["500"], "description": "`token_missing`: the request has no token."}
        return {"operationId": name, "summary": summary, "parameters": [_ID], "responses": responses, **more}

    token: dict[str, Any] = {"security": [{"resultToken": []}]}
    body = {"required": True, "content": {"application/json": {"schema": _CORRECTION}}}
    paths["/r/{id}"] = {
        "get": operation("result_page", "Get a kept result as a page", "200", "text/html"),
        "delete": operation("delete_result", "Delete a kept result", "204", **token),
    }
    paths["/r/{id}.json"] = {"get": operation("result", "Get a kept result", "200", "application/json")}
    paths["/r/{id}.jpg"] = {"get": operation("result_picture", "Get the thumbnail of a result", "200", "image/jpeg")}
    paths["/r/{id}/correction"] = {
        "post": operation("correct_result", "Say what the photo of a result shows", "204", requestBody=body, **token)
    }
    return document
