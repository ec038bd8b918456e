"""JSON Schemas of responses, generated from their dataclasses. The schema of ranges (GeoJSON) is in range.json."""

import types
from collections.abc import Mapping
from dataclasses import is_dataclass
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

_JSON_TYPES = {str: "string", int: "integer", float: "number", bool: "boolean", type(None): "null"}


def schemas_of(root: type) -> dict[str, Any]:
    """Return the schemas of a dataclass and of all dataclasses that its fields use, by name."""
    found: dict[str, Any] = {}
    _schema(root, found)
    return found


def _schema(kind: Any, found: dict[str, Any]) -> dict[str, Any]:
    """Return the JSON Schema of a type. Add the schemas of dataclasses to `found`, and return references to them."""
    origin, arguments = get_origin(kind), get_args(kind)
    if origin is Annotated:
        values = {"enum": list(arguments[2])} if len(arguments) > 2 else {}
        return {**_schema(arguments[0], found), **values, "description": arguments[1]}
    if origin in (Union, types.UnionType):
        return {"anyOf": [_schema(argument, found) for argument in arguments]}
    if origin is Literal:
        return {"type": "string", "enum": list(arguments)}
    if origin is tuple and arguments[-1] is Ellipsis:
        return {"type": "array", "items": _schema(arguments[0], found)}
    if origin is tuple:
        items = [_schema(argument, found) for argument in arguments]
        return {"type": "array", "prefixItems": items, "minItems": len(items), "maxItems": len(items)}
    if origin in (dict, Mapping):
        return {"type": "object", "additionalProperties": _schema(arguments[1], found)}
    if is_dataclass(kind):
        return _dataclass_schema(kind, found)
    return {"type": _JSON_TYPES[kind]}


def _dataclass_schema(kind: Any, found: dict[str, Any]) -> dict[str, Any]:
    if kind.__name__ not in found:
        found[kind.__name__] = {}  # a dataclass may refer to itself
        hints = get_type_hints(kind, include_extras=True)
        found[kind.__name__] = {
            "description": (kind.__doc__ or "").split("\n")[0],
            "type": "object",
            "additionalProperties": False,
            "required": list(hints),
            "properties": {name: _schema(hint, found) for name, hint in hints.items()},
        }
    return {"$ref": f"#/components/schemas/{kind.__name__}"}
