"""One call to AWS, as a line that a program prints among its other output and that another program reads again."""

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

_MARK = "@aws-call "  # begins the text of a call in a line of output

_READS = ("Describe", "Get", "List", "Head")

_SHORT = 1000  # characters; a longer text is a document

Size = int  # bytes


@dataclass(frozen=True, slots=True)
class RecordedCall:
    """A call to AWS. `service`: as in boto3, such as `lambda`. `parameters`: those of boto3, files without content."""

    service: str
    operation: str
    parameters: Mapping[str, Any]

    @property
    def changes(self) -> bool:
        """True if the call changes something in the account."""
        return not self.operation.startswith(_READS)

    @property
    def name(self) -> str:
        """The name of what is called, without the account; "" if the call has none."""
        texts = {
            key: each for key, each in self.parameters.items() if isinstance(each, str) and each not in self.documents
        }
        named = [each for key, each in texts.items() if key.lower().endswith("name")]
        return next(iter([*named, *texts.values()]), "").rpartition(":")[2]

    @property
    def documents(self) -> list[str]:
        """Templates, policies and other documents among the parameters."""
        return [each for each in self._texts.values() if _is_document(each)]

    @property
    def uploaded(self) -> Size:
        """Total size of the files among the parameters, in bytes."""
        return _uploaded(self.parameters)

    @property
    def _texts(self) -> dict[str, str]:
        return {key: each for key, each in self.parameters.items() if isinstance(each, str)}

    def line(self) -> str:
        """Return the call as one line of text."""
        return _MARK + json.dumps(asdict(self), allow_nan=False)


def recorded_call(service: str, operation: str, parameters: Mapping[str, Any]) -> RecordedCall:
    """Return the record of a call of boto3."""
    return RecordedCall(service, operation, {name: _plain(value) for name, value in parameters.items()})


def parsed_call(line: str) -> RecordedCall | None:
    """Return the call that `RecordedCall.line` wrote in a line of output; None if the line is other output."""
    _, mark, text = line.partition(_MARK)
    return RecordedCall(**json.loads(text)) if mark else None


def _plain(value: Any) -> Any:
    """Return a parameter as JSON can hold it. Of a file, only the size stays."""
    if isinstance(value, dict):
        return {name: _plain(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    if isinstance(value, bytes | bytearray):
        text = bytes(value)
        return text.decode() if text[:1] in (b"{", b"[") else {"bytes": len(text)}
    if hasattr(value, "seek"):
        here, end = value.tell(), value.seek(0, os.SEEK_END)
        value.seek(here)
        return {"bytes": end - here}
    return value if isinstance(value, str | int | float | bool) or value is None else str(value)


def _is_document(text: str) -> bool:
    return text.startswith("{") or len(text) > _SHORT


def _uploaded(value: Any) -> Size:
    if isinstance(value, dict):
        return int(value["bytes"]) if value.keys() == {"bytes"} else sum(map(_uploaded, value.values()))
    return sum(map(_uploaded, value)) if isinstance(value, list) else 0
