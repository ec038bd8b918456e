"""What an empty AWS account answers, for a rehearsal. Nothing is created; only names are remembered."""

import io
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from botocore.awsrequest import AWSResponse
from botocore.model import OperationModel
from botocore.response import StreamingBody

ACCOUNT = "111122223333"  # AWS's documentation uses it as an example

_DONE = ("active", "available", "successful", "succeeded", "create_complete", "complete", "deployed")
"""States in which commands stop waiting."""

Parameters = Mapping[str, Any]

_CREATED_BY = {
    "DescribeStacks": ("CreateStack", "StackName", "ValidationError", "Stack does not exist"),
    "DescribeStackEvents": ("CreateStack", "StackName", "ValidationError", "Stack does not exist"),
    "GetFunction": ("CreateFunction", "FunctionName", "ResourceNotFoundException", "no such function"),
    "GetFunctionConfiguration": ("CreateFunction", "FunctionName", "ResourceNotFoundException", "no such function"),
    "GetFunctionConcurrency": ("CreateFunction", "FunctionName", "ResourceNotFoundException", "no such function"),
    "GetRole": ("CreateRole", "RoleName", "NoSuchEntity", "no such role"),
    "HeadObject": ("CompleteMultipartUpload", "Key", "404", "Not Found"),
    "GetPolicy": ("AddPermission", "FunctionName", "ResourceNotFoundException", "no such policy"),
}
"""Operations that fail until another operation has created what they read: that one, the name, and the error."""

_CREATORS = {creator: key for creator, key, *_ in _CREATED_BY.values()}
"""The operations that create something, and the parameter with its name."""

_LEFT = ("token", "marker", "position", "truncated", "error")
"""Parts of the names of members to leave out of answers: errors, and where a list goes on."""


class EmptyAccount:
    """An account without resources. Answers every operation of every service.

    `memory`: a file in which several processes remember together what they created.
    """

    def __init__(self, memory: Path) -> None:
        self._memory = memory
        self._created: dict[tuple[str, str], Parameters] = {}

    def response(self, operation: OperationModel, parameters: Parameters) -> tuple[AWSResponse, dict[str, Any]]:
        """Return an HTTP response and the parsed answer, as botocore's event `before-call` expects them."""
        if operation.name in _CREATED_BY:
            creator, key, code, message = _CREATED_BY[operation.name]
            if f"{creator} {parameters[key]}" not in self._remembered():
                metadata = {"HTTPStatusCode": 404}
                return _http(404), {"Error": {"Code": code, "Message": message}, "ResponseMetadata": metadata}
        for value in parameters.values():
            if isinstance(value, str):
                self._created[operation.name, value] = parameters
        if operation.name in _CREATORS:
            with self._memory.open("a", encoding="utf-8") as file:
                file.write(f"{operation.name} {parameters[_CREATORS[operation.name]]}\n")
        shape = operation.output_shape
        answer = _plausible(shape, operation.name) if shape else {}
        if special := _SPECIAL.get(operation.name):
            answer |= special(self, parameters)
        return _http(200), answer | {"ResponseMetadata": {"HTTPStatusCode": 200, "RetryAttempts": 0}}

    def _remembered(self) -> list[str]:
        return self._memory.read_text(encoding="utf-8").splitlines() if self._memory.exists() else []

    def stack(self, parameters: Parameters) -> dict[str, Any]:
        """Return the description of a stack, whose outputs are their own names."""
        from chalice.package import YAMLTemplateSerializer

        name = parameters["StackName"]
        creation = self._created["CreateStack", name]
        if "TemplateBody" not in creation:  # it came from S3, as the one of dashboards, which has no outputs
            return {"StackName": name, "StackStatus": "CREATE_COMPLETE", "Outputs": []}
        template = YAMLTemplateSerializer().load_template(creation["TemplateBody"], name)
        values = {each: str(value.get("Default", "")) for each, value in template["Parameters"].items()}
        values |= {each["ParameterKey"]: each["ParameterValue"] for each in creation.get("Parameters", ())}
        conditions = template.get("Conditions", {})
        outputs = [
            {"OutputKey": each, "OutputValue": _output(each)}
            for each, output in template.get("Outputs", {}).items()
            if "Condition" not in output or _holds(conditions[output["Condition"]], values)
        ]
        return {"StackName": name, "StackStatus": "CREATE_COMPLETE", "Outputs": outputs}


def _holds(condition: Any, values: Mapping[str, str]) -> bool:
    """Return whether a condition of a template holds, given the values of its parameters."""
    match condition:
        case {"Fn::Not": [inner]}:
            return not _holds(inner, values)
        case {"Fn::Equals": [{"Ref": str(name)}, other]}:
            return values[name] == str(other)
    raise ValueError(f"{condition} is not a condition that a rehearsal knows; add it to infra/empty_account.py")


def _output(name: str) -> str:
    """Return a value that suits what reads it: a topic's ARN, a port number, or a name."""
    return {"AlarmTopic": f"arn:aws:sns:us-east-1:{ACCOUNT}:alarms"}.get(name, "1" if name.endswith("Port") else name)


_SPECIAL: Mapping[str, Callable[[EmptyAccount, Parameters], dict[str, Any]]] = {
    "GetCallerIdentity": lambda *_: {"Account": ACCOUNT, "Arn": f"arn:aws:iam::{ACCOUNT}:user/rehearsal"},
    "GetAccountSettings": lambda *_: {
        "AccountLimit": {"ConcurrentExecutions": 1000, "UnreservedConcurrentExecutions": 1000}
    },
    "DescribeStacks": lambda account, parameters: {"Stacks": [account.stack(parameters)]},
    "CreateFunction": lambda _, parameters: {
        "FunctionArn": f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:{parameters['FunctionName']}",
    },
    "CreateRole": lambda _, parameters: {
        "Role": {"Arn": f"arn:aws:iam::{ACCOUNT}:role/{parameters['RoleName']}", "RoleName": parameters["RoleName"]}
    },
    "GetRole": lambda _, parameters: {"Role": {"RoleName": parameters["RoleName"]}},  # without a boundary
    "GetStage": lambda *_: {"accessLogSettings": {}},
    "ImportRestApi": lambda *_: {"id": "restapi"},
    "Invoke": lambda *_: {"StatusCode": 200, "Payload": _body(b'{"code": 0, "said": "not run"}')},
}
"""What an answer needs beyond a value of each type."""


def _plausible(shape: Any, name: str, within: frozenset[str] = frozenset()) -> Any:
    """Return a made-up value of a type: a final state for a state, its name or an ARN for a text, 0 for a number.

    `shape`: the type in botocore's model. `name`: that of the member, or of the operation at the top. `within`:
    the types around this one. Members of these types are left out, because some types contain themselves.
    """
    match shape.type_name:
        case "structure":
            around = within | {shape.name}
            return {
                each: _plausible(inner, each, around)
                for each, inner in shape.members.items()
                if inner.name not in around and not any(part in each.lower() for part in _LEFT)
            }
        case "list":
            return []
        case "map":
            return {}
        case "string":
            done = [each for each in shape.enum if each.lower() in _DONE]
            arn = f"arn:aws:lambda:us-east-1:{ACCOUNT}:{name}"
            return next(iter([*done, *shape.enum]), arn if name.lower().endswith("arn") else name)
        case "blob":
            return _body(b"")
        case "timestamp":
            return datetime.now(UTC)
        case "boolean":
            return False
        case _:
            return 0


def _body(content: bytes) -> StreamingBody:
    return StreamingBody(io.BytesIO(content), len(content))


def _http(status: int) -> AWSResponse:
    return AWSResponse("", status, {}, None)
