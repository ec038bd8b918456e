"""The error for files that cannot be used."""


class FileError(ValueError):
    """A file cannot be read or lacks something: which file, what is wrong, what to write instead."""

    def __init__(self, file: str, detail: str) -> None:
        super().__init__(f"{file}: {detail}")
        self.file = file
        self.detail = detail
