"""A file in memory that cannot be read after a time limit. This stops decoders that are written in C."""

import io
from time import monotonic

from chalicelib.errors import PhotoUnreadable


class TimedFile(io.BytesIO):
    """The bytes of a photo, readable for `seconds` from the last start of the clock.

    A decoder cannot be interrupted. The decoders of JPEG and PNG read 64 KB at a time, so their first read after the
    time limit fails. The decoders of WebP, HEIC and TIFF read the whole file at once, so only the limit on pixels
    bounds their time.
    """

    def __init__(self, data: bytes, seconds: float) -> None:
        super().__init__(data)  # shares the memory of `data`
        self.size, self._seconds = len(data), seconds
        self.restart_clock()

    def restart_clock(self) -> None:
        """Allow reading for `seconds` from now."""
        self._ends = monotonic() + self._seconds

    def read(self, size: int | None = -1, /) -> bytes:
        """Read up to `size` bytes. Raises `PhotoUnreadable` after the time limit."""
        if monotonic() > self._ends:
            raise PhotoUnreadable(
                f"the photo takes more than {self._seconds:g} s to decode; save it again as a baseline JPEG"
            )
        return super().read(size)
