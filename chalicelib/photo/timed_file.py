"""A file in memory that cannot be read after a time limit: how decoders written in C are stopped."""

import io
from time import monotonic

from chalicelib.errors import PhotoUnreadable


class TimedFile(io.BytesIO):
    """The bytes of a photo, readable for `seconds` from the last start of the clock.

    A decoder cannot be interrupted, but those of JPEG and PNG ask for 64 KB at a time, and the next request fails. The
    decoders of WebP, HEIC and TIFF take the whole file at once; the number of pixels limits their time.
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
