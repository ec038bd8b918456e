"""Names in S3, as the command takes them: `s3://bucket/folder/photo.jpg`."""

import re
from typing import NamedTuple
from urllib.parse import quote

_NAME = re.compile(r"s3://(?P<bucket>[a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:/(?P<key>.*))?", re.DOTALL)


class S3Name(NamedTuple):
    """An object or a folder. `key`: that of the object; of a folder it ends with `/`, and is empty for the bucket."""

    bucket: str
    key: str

    def __str__(self) -> str:
        return f"s3://{self.bucket}/{self.key}"

    def __truediv__(self, name: str) -> "S3Name":
        return S3Name(self.bucket, self.key + name)

    @property
    def title(self) -> str:
        """Return the last part of the name, for people."""
        return self.key.rstrip("/").rpartition("/")[2] or self.bucket

    @property
    def uri(self) -> str:
        """Return the name as a URI, in which all that is special in one is encoded."""
        return f"s3://{self.bucket}/{quote(self.key)}"


def parse_object(text: str) -> S3Name:
    """Parse the name of an object. Raises `ValueError`."""
    found = _NAME.fullmatch(text)
    if not found:
        raise ValueError(f"'{text}' is no name in S3; expected one such as s3://bucket/folder/")
    return S3Name(found["bucket"], found["key"] or "")


def parse_folder(text: str) -> S3Name:
    """Parse the name of a folder, with or without `/` at its end. Raises `ValueError`."""
    bucket, key = parse_object(text)
    return S3Name(bucket, key if not key or key.endswith("/") else f"{key}/")
