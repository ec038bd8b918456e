"""Results in the OpenAPI document: their routes, and the parameter `keep`. openapi.json has the schemas of both."""

import json
from pathlib import Path
from typing import Any

from chalicelib.api.openapi import path_id
from web.results.results import KEEPS

_ID = path_id("Id of a result, as in `result.id` of an answer.")


def with_results_described(document: dict[str, Any]) -> dict[str, Any]:
    """Return the API's OpenAPI document with the paths, schemas and parameter of kept results added."""
    paths, components = document["paths"], document["components"]
    added = json.loads(Path(__file__).with_suffix(".json").read_text(encoding="utf-8"))
    added["keep"]["schema"]["enum"] = list(KEEPS)
    identify = paths["/identify"]["post"]
    identify["parameters"] = [*identify["parameters"], added["keep"]]
    components["schemas"]["Answer"]["properties"]["result"] = added["result"]
    components["securitySchemes"] = {**components.get("securitySchemes", {}), "resultToken": added["token"]}
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
    body = {"required": True, "content": {"application/json": {"schema": added["correction"]}}}
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
