"""Values of CloudFormation as text, and back: `Ref` of Cache is `${Cache}`, `Fn::GetAtt` of its Arn `${Cache.Arn}`.

In the form of text, what a template refers to can go through code that makes texts of outputs, such as
infra/environment.py: it does not see that `${Cache.Endpoint.Address}` is no name yet.
"""

import re
from collections.abc import Mapping
from typing import Any

_WHOLE = re.compile(r"\$\{([^}!]+)\}")


def text_of(value: Any) -> str:
    """A value as `Fn::Sub` would write it. Raises `ValueError` for a function that has no such form."""
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
            return separator.join(map(text_of, parts))
    raise ValueError(f"{value} cannot be written as text with ${{…}} in it; Ref, Fn::GetAtt, Fn::Sub and Fn::Join can")


def value_of(text: str) -> Any:
    """A text as a value: a reference where it is nothing else, `Fn::Sub` where it has any."""
    if whole := _WHOLE.fullmatch(text):
        name, dot, attribute = whole[1].partition(".")
        return {"Fn::GetAtt": [name, attribute]} if dot else {"Ref": name}
    return {"Fn::Sub": text} if _WHOLE.search(text) else text


def substitute_refs(value: Any, names: Mapping[str, str]) -> Any:
    """The value with references to some names as references to others: a parameter becomes what it stood for."""
    match value:
        case {"Ref": str(name)} if name in names:
            return {"Ref": names[name]}
        case {"Fn::Sub": str(text)}:
            return {"Fn::Sub": _WHOLE.sub(lambda found: f"${{{names.get(found[1], found[1])}}}", text)}
        case dict():
            return {key: substitute_refs(each, names) for key, each in value.items()}
        case list():
            return [substitute_refs(each, names) for each in value]
    return value


def refers_to(value: Any, name: str) -> bool:
    """Whether a reference to `name` is anywhere in the value."""
    return bool(substitute_refs(value, {name: ""}) != value)


def joined(*parts: Mapping[str, Any]) -> dict[str, Any]:
    """All parts in one. Raises `ValueError` if two have the same name."""
    whole: dict[str, Any] = {}
    for part in parts:
        if twice := whole.keys() & part.keys():
            raise ValueError(f"two parts of the template have a {', '.join(sorted(twice))}; rename one")
        whole |= part
    return whole
