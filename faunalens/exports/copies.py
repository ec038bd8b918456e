"""A folder of copies, and its table of where each came from: `copied.csv`.

The table says which files are the folder's own, so that a run overwrites and deletes no others, and does nothing twice.
A file enters the table before it is made, so that even a killed run leaves no file that is not in the table.
"""

import csv
import re
import unicodedata
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from ntpath import isreserved
from pathlib import Path
from typing import NamedTuple

from faunalens.errors import CommandError
from faunalens.exports.files import FORMULA, inert, table, whole
from faunalens.terminal import shown

TABLE = "copied.csv"
LONGEST = 80  # most bytes in a name. Windows allows 260 characters in a whole path
_FORBIDDEN = re.compile(r'[<>:"/\\|?*\x00-\x1f\x7f]')


def safe(name: str, longest: int = LONGEST) -> str:
    """Return a name that Windows, Macs and Linux allow for a file or folder. A long one is cut, and stays unique.

    >>> safe('Ch. 3: "north"'), safe("aux"), safe("...")
    ('Ch. 3_ _north_', '_aux', '_')
    """
    text = _FORBIDDEN.sub("_", unicodedata.normalize("NFC", name)).strip(" .") or "_"
    if len(text.encode()) > longest:
        text = f"{text.encode()[: longest - 9].decode(errors='ignore')}-{zlib.crc32(name.encode()):08x}"
    return f"_{text}" if isreserved(text) else text


class Copy(NamedTuple):
    """A file in the folder of copies, a row of its table. `path`: the photo's path below the study's folder.

    `new_path`: the file's path below the folder of copies. `how` it was made: `link`, `copy`, `blurred`, `blurred
    whole`, or `keywords` for a sidecar. `bytes`: the file's size, 0 while it is made. `mark`: CRC-32 of the blurred
    boxes and the keywords, or empty.
    """

    path: str
    new_path: str
    kind: str
    name: str
    scientific_name: str
    classified_by: str
    how: str
    bytes: int = 0
    mark: str = ""


class PhotoGone(Exception):
    """The photo of a copy cannot be read any more."""


class Copies:
    """A folder of copies. `source`: the study's folder. `force`: whether to overwrite files that others made.

    `rows`: the table's rows, by the `_key` of the new path. `counts`: how many files were made, by `how`; were there
    already (`there`); were changed by others and stay (`changed`); could not be made, as their photo is gone (`gone`);
    or were deleted, as they are not wanted any more (`deleted`).
    """

    def __init__(self, folder: Path, source: Path, *, force: bool = False) -> None:
        self.folder, self._source, self._force = folder, source, force
        self.counts = Counter[str]()
        self.rows = {_key(row.new_path): row for row in _read(folder / TABLE)}
        self._wanted: set[str] = set()
        head = (folder / TABLE).read_bytes()[:200].strip() if (folder / TABLE).is_file() else b""
        if not self.rows and head not in (b"", ",".join(Copy._fields).encode()):
            raise CommandError(f"{folder / TABLE} is not a table of copies; choose another folder")
        self._save(self.rows.values())  # a kill may have cut the last line short

    def place(self, path: str, folder: str, stem: str, suffix: str) -> str:
        """Return the new path of a photo in a folder. If another photo has that name, a number is added."""
        plain, numbered = f"{folder}/{stem}{suffix}", f"{folder}/{stem}-{zlib.crc32(path.encode()):08x}{suffix}"
        for known in map(self.rows.get, map(_key, (numbered, plain))):
            if known and known.path == path:
                return known.new_path
        return numbered if _key(plain) in self.rows else plain

    def put(self, wanted: Copy, make: Callable[[Path], str]) -> bool:
        """Make the file `wanted` unless it exists. Return whether it exists now; it does not if its photo is gone.

        `make`: writes the file to a path and returns its `how`, or raises `PhotoGone`. Raises `CommandError` if
        something else made a file of this name.
        """
        key, target = _key(wanted.new_path), self.folder / wanted.new_path
        known, is_there = self.rows.get(key), target.is_file()
        self._wanted.add(key)
        if is_there and not self._force:
            if known is None:
                name = shown(str(target))
                advice = "choose another folder, or overwrite it with --force"
                raise CommandError(f"{name} was not made by this command; {advice}")
            if self._was_changed(known):
                self.counts["changed"] += 1
                return True
        is_same = known is not None and (known.how == wanted.how or (known.how, wanted.how) == ("copy", "link"))
        if known and is_there and known.bytes and is_same and known.mark == wanted.mark:
            self.rows[key] = wanted._replace(how=known.how, bytes=known.bytes)
            self.counts["there"] += 1
            return True
        self._add(wanted)
        try:
            with whole(target) as partial:
                how = make(partial)
        except PhotoGone:
            self.counts["gone"] += 1
            return False
        self._add(wanted._replace(how=how, bytes=target.stat().st_size))
        self.counts[how] += 1
        return True

    def finish(self) -> None:
        """Delete copies this run did not `put`, unless others changed them or their photo is gone; save the table."""
        for row in [self.rows[key] for key in self.rows.keys() - self._wanted]:
            target = self.folder / row.new_path
            if target.is_file() and self._was_changed(row):
                self.counts["changed"] += 1
            elif target.is_file() and (self._source / row.path).is_file():
                target.unlink()
                self.counts["deleted"] += 1
                with suppress(OSError):  # a folder that is not empty
                    for each in target.relative_to(self.folder).parents[:-1]:
                        (self.folder / each).rmdir()
        self._save(row for row in self.rows.values() if (self.folder / row.new_path).is_file())

    def _was_changed(self, row: Copy) -> bool:
        """Return whether others changed a file since it was made. For a link, a change of the photo does not count."""
        target, photo = self.folder / row.new_path, self._source / row.path
        if row.how == "link" and photo.is_file() and target.samefile(photo):
            return False
        return row.bytes not in (0, target.stat().st_size)

    def _save(self, rows: Iterable[Copy]) -> None:
        with table(self.folder / TABLE, Copy._fields) as write:
            for row in rows:
                write(dict(zip(Copy._fields, map(inert, row), strict=True)))

    def _add(self, row: Copy) -> None:
        self.rows[_key(row.new_path)] = row
        with (self.folder / TABLE).open("a", encoding="utf-8", newline="") as file:
            csv.writer(file, lineterminator="\n").writerow(map(inert, row))


def _key(new_path: str) -> str:
    """Return the key of a path: two paths that Windows and Macs take for the same file have the same key."""
    return new_path.casefold()


def _read(path: Path) -> Iterator[Copy]:
    """Yield the rows of a table of copies; for each path, the last counts. Skip a row that a killed run cut short."""
    if not path.is_file():
        return
    with path.open(encoding="utf-8", newline="", errors="replace") as file:
        for fields in csv.reader(file):
            if len(fields) != len(Copy._fields) or not fields[-2].isdecimal():
                continue
            # Undo `inert`.
            plain = (text[1:] if text.startswith("'") and text[1:].startswith(FORMULA) else text for text in fields)
            *texts, size, mark = plain
            row = Copy._make((*texts, int(size), mark))
            if ".." not in Path(row.new_path).parts and not Path(row.new_path).is_absolute():
                yield row
