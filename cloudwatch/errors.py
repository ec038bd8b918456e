"""The error for a file that is missing or invalid."""


class FileError(ValueError):
    """A file is missing or invalid. `detail` says what is wrong and what to write instead."""

    def __init__(self, file: str, detail: str) -> None:
        super().__init__(f"{file}: {detail}")
        self.file = file
        self.detail = detail
