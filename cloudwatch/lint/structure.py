"""Check the structure of dashboards and alarms with JSON Schema. Errors show the invalid value and a correction.

The schema of dashboards is dashboard.schema.json. The schema of alarms is made from botocore's model of the API.
"""

import json
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from botocore.session import get_session
from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

from cloudwatch.lint import suggest

_SCHEMA: dict[str, Any] = json.loads(Path(__file__).with_name("dashboard.schema.json").read_text(encoding="utf-8"))
_DEFINITIONS: dict[str, Any] = _SCHEMA["$defs"]
_SIMPLE = {
    "string": "a string",
    "integer": "a whole number",
    "number": "a number, without quotes",
    "boolean": "true or false, without quotes",
}


def dashboard_errors(value: Any, part: str = "") -> Iterator[str]:
    """Yield the errors in the body of a dashboard, or in a part of it.

    `part`: the name of the part in `$defs` of the schema, such as `metric_properties`; empty for the body.
    """
    yield from _errors(_dashboard_validator(part), value)


def request_errors(operation: str, value: Any) -> Iterator[str]:
    """Yield the errors in the parameters of an operation of CloudWatch, such as `PutMetricAlarm`."""
    yield from _errors(_request_validator(operation), value)


@cache
def _dashboard_validator(part: str) -> Draft202012Validator:
    return Draft202012Validator({"$ref": f"#/$defs/{part}", "$defs": _DEFINITIONS} if part else _SCHEMA)


@cache
def _request_validator(operation: str) -> Draft202012Validator:
    model = get_session().get_service_model("cloudwatch")
    return Draft202012Validator(_schema_of(model.operation_model(operation).input_shape))


def _schema_of(shape: Any) -> dict[str, Any]:
    """Return the JSON Schema for a shape, which is botocore's word for a type."""
    limits = shape.metadata
    if shape.type_name == "structure":
        return {
            "type": "object",
            "description": f"an object with {', '.join(shape.members)}",
            "required": shape.required_members,
            "additionalProperties": False,
            "properties": {name: _schema_of(member) for name, member in shape.members.items()},
        }
    if shape.type_name == "list":
        most = {"maxItems": limits["max"]} if "max" in limits else {}
        words = f"a list{f' of at most {limits["max"]}' if most else ''}"
        return {"type": "array", "description": words, "items": _schema_of(shape.member)} | most
    if shape.type_name == "string":
        if "enum" in limits:
            return {"enum": limits["enum"]}
        few, many = limits.get("min", 0), limits.get("max", 1 << 20)
        words = f"a string of {few} to {many} characters" if "max" in limits else _SIMPLE["string"]
        return {"type": "string", "description": words, "minLength": few, "maxLength": many}
    if shape.type_name in ("integer", "long"):
        return {"type": "integer", "minimum": limits.get("min", 0)}
    return {"type": {"double": "number", "float": "number", "boolean": "boolean"}[shape.type_name]}


def _errors(validator: Draft202012Validator, value: Any) -> Iterator[str]:
    errors = sorted(validator.iter_errors(value), key=lambda each: [str(step) for step in each.absolute_path])
    yield from dict.fromkeys(message for error in errors for message in _messages(error))


def _messages(error: ValidationError) -> Iterator[str]:
    """Yield the messages for one error of JSON Schema."""
    path = _path(error)
    schema: Mapping[str, Any] = error.schema if isinstance(error.schema, Mapping) else {}
    known: Mapping[str, Any] = schema.get("properties", {})
    found: Any = error.instance
    if error.validator == "required":
        for missing in [name for name in schema["required"] if name not in found]:
            wanted = _wanted(known.get(missing, {}))
            yield f"{_at(path, missing)} is missing" + (f"; write {wanted}" if wanted else "")
    elif error.validator == "additionalProperties":
        for extra in sorted(found.keys() - known.keys()):
            yield f"{_at(path, extra)} is not a known key; {suggest(extra, known)}"
    else:
        wanted = _wanted(schema)
        yield f"{path or 'the body'} is {_shown(found)}; write {wanted or error.message}"


def _wanted(schema: Mapping[str, Any]) -> str:
    """Return the description of the values that a schema allows."""
    if "$ref" in schema:
        schema = _DEFINITIONS[schema["$ref"].removeprefix("#/$defs/")]
    if "description" in schema:
        return str(schema["description"])
    if "enum" in schema:
        values = [f'"{each}"' for each in schema["enum"]]
        return f"one of {', '.join(values)}" if len(values) > 1 else values[0]
    return _SIMPLE.get(schema.get("type", ""), "")


def _path(error: ValidationError) -> str:
    """Return the path to the error, such as `annotations.horizontal[2].color`. Indices count from 1."""
    path = ""
    for step in error.absolute_path:
        path += f"[{step + 1}]" if isinstance(step, int) else f".{step}" if path else step
    return path


def _at(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key


def _shown(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else f"{text[:57]}…"
