"""Check the structure of dashboards with dashboard.schema.json, and that of alarms with botocore's model of the API."""

import json
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from botocore.session import get_session
from botocore.validate import ParamValidator
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
    errors = sorted(_validator(part).iter_errors(value), key=lambda each: [str(step) for step in each.absolute_path])
    yield from dict.fromkeys(message for error in errors for message in _messages(error))


def request_errors(operation: str, value: Any) -> Iterator[str]:
    """Yield the errors in the parameters of an operation of CloudWatch, such as `PutMetricAlarm`.

    These are wrong names and types. cfn-lint checks the values, and which parameters exclude one another.
    """
    yield from ParamValidator().validate(value, _shape_of(operation)).generate_report().splitlines()


@cache
def _validator(part: str) -> Draft202012Validator:
    return Draft202012Validator({"$ref": f"#/$defs/{part}", "$defs": _DEFINITIONS} if part else _SCHEMA)


@cache
def _shape_of(operation: str) -> Any:
    return get_session().get_service_model("cloudwatch").operation_model(operation).input_shape


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
