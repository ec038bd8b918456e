"""Results in the OpenAPI document: their routes, and the parameter `keep`; openapi.json describes both."""

import json
from functools import lru_cache
from pathlib import Path

from chalicelib.api.http import json_of
from chalicelib.api.openapi import path_id
from faunalens.web.results.results import KEEPS


@lru_cache(4)
def with_results_described(text: str) -> str:
    """Return the API's OpenAPI document with the paths, schemas and parameter of kept results added. Both are JSON."""
    document = json.loads(text)
    paths, components = document["paths"], document["components"]
    added = json.loads(Path(__file__).with_suffix(".json").read_text(encoding="utf-8"))
    added["keep"]["schema"]["enum"] = list(KEEPS)
    identify = paths["/identify"]["post"]
    identify["parameters"] = [*identify["parameters"], added["keep"]]
    components["schemas"]["Answer"]["properties"]["result"] = added["result"]
    components["securitySchemes"] = {**components.get("securitySchemes", {}), "resultToken": added["token"]}
    # The errors of every path are those of a path without errors of its own.
    shared = {status: each for status, each in paths["/openapi.json"]["get"]["responses"].items() if status != "200"}
    missing = shared["500"] | {"description": "`not_found`: it does not exist, or was deleted."}
    token = shared["500"] | {"description": "`token_missing`: the request has no token."}
    too_large = shared["500"] | {"description": "`body_too_large`: the body is too large."}
    for operation in (each for methods in added["paths"].values() for each in methods.values()):
        page = operation["responses"].get("200", {}).get("content", {})
        for_people = {"content": missing["content"] | page} if "text/html" in page else {}
        operation["parameters"] = [path_id("Id of a result, as in `result.id` of an answer.")]
        operation["responses"] |= shared | {"404": missing | for_people}
        if "security" in operation:
            operation["responses"]["401"] = token
        if "requestBody" in operation:
            operation["responses"]["413"] = too_large
    paths |= added["paths"]
    return json_of(document)
