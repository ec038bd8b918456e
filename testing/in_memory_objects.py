"""S3 in memory, for fast tests of batches. Tests can make calls fail."""

from hashlib import md5

from chalicelib.errors import Unavailable
from chalicelib.stores.objects import Object, Objects


class InMemoryObjects(Objects):
    """`Objects` over a dictionary. `calls`: each call with its key. `failing`: names of methods that fail."""

    def __init__(self) -> None:
        self.objects: dict[tuple[str, str], Object] = {}
        self.calls: list[tuple[str, str]] = []
        self.failing: set[str] = set()

    def put(self, bucket: str, key: str, data: bytes, **metadata: str) -> Object:
        """Put an object, as its owner does."""
        etag = md5(data, usedforsecurity=False).hexdigest()
        self.objects[bucket, key] = made = Object(data, len(data), etag, metadata)
        return made

    def lines(self, bucket: str = "photos") -> dict[str, str]:
        """Return the text of each JSON object of a bucket, by key."""
        found = self.objects.items()
        return {key: (each.data or b"").decode() for (of, key), each in found if of == bucket and key.endswith(".json")}

    def _enter(self, name: str, key: str) -> None:
        self.calls.append((name, key))
        if name in self.failing:
            raise Unavailable("S3 fails because the test asked for it")

    def read(self, bucket: str, key: str, most: int) -> Object | None:
        self._enter("read", key)
        found = self.objects.get((bucket, key))
        if found is None or found.size <= most:
            return found
        return Object(None, found.size, found.etag, found.metadata)

    def exists(self, bucket: str, key: str) -> bool:
        self._enter("exists", key)
        return (bucket, key) in self.objects

    def write(self, bucket: str, key: str, text: str, *, replace: bool) -> None:
        self._enter("write", key)
        if replace or (bucket, key) not in self.objects:
            self.put(bucket, key, text.encode())

    def delete(self, bucket: str, key: str) -> None:
        self._enter("delete", key)
        self.objects.pop((bucket, key), None)
