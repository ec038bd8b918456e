"""Convert CloudFormation's intrinsic functions to text and back: `{"Ref": "Cache"}` becomes `${Cache}`.

infra/function_config.py builds strings, such as URLs, from the outputs of a stack. For a template it builds the same
strings from references in text form, such as `${Cache.Endpoint.Address}` instead of a host name.
"""

import re
from collections.abc import Mapping
from typing import Any

_REFERENCE = re.compile(r"\$\{([^}!]+)\}")


def to_text(value: Any) -> str:
    """Convert a value to text for `Fn::Sub`. Raise `ValueError` if that is impossible."""
    match value:
        case str() | int() | float():
            return str(value)
        case {"Ref": str(name)}:
            return f"${{{name}}}"
        case {"Fn::GetAtt": [str(name), str(attribute)]}:
            return f"${{{name}.{attribute}}}"
        case {"Fn::Sub": str(text)}:
            return text
        case {"Fn::Join": [str(separator), list(parts)]}:
            return separator.join(map(to_text, parts))
    raise ValueError(f"{value} cannot be converted to Fn::Sub; use Ref, Fn::GetAtt, Fn::Sub or Fn::Join")


def from_text(text: str) -> Any:
    """Convert text to a template value.

    A single reference becomes `Ref` or `Fn::GetAtt`. Any other text with references becomes `Fn::Sub`.
    """
    if whole := _REFERENCE.fullmatch(text):
        name, dot, attribute = whole[1].partition(".")
        return {"Fn::GetAtt": [name, attribute]} if dot else {"Ref": name}
    return {"Fn::Sub": text} if _REFERENCE.search(text) else text


def substitute_refs(value: Any, names: Mapping[str, str]) -> Any:
    """Return the value with its references renamed. `names`: new names by old names."""
    match value:
        case {"Ref": str(name)} if name in names:
            return {"Ref": names[name]}
        case {"Fn::Sub": str(text)}:
            return {"Fn::Sub": _REFERENCE.sub(lambda found: f"${{{names.get(found[1], found[1])}}}", text)}
        case dict():
            return {key: substitute_refs(each, names) for key, each in value.items()}
        case list():
            return [substitute_refs(each, names) for each in value]
    return value


def refers_to(value: Any, name: str) -> bool:
    """Return True if the value refers to `name` anywhere."""
    return bool(substitute_refs(value, {name: ""}) != value)


def merge_unique(*sections: Mapping[str, Any]) -> dict[str, Any]:
    """Merge sections of a template. Raise `ValueError` if two sections have the same key."""
    merged: dict[str, Any] = {}
    for section in sections:
        if twice := merged.keys() & section.keys():
            raise ValueError(f"two parts of the template define {', '.join(sorted(twice))}; rename one")
        merged |= section
    return merged
