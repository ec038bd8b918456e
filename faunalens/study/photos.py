"""Photos on this machine: find them in files, folders, patterns and lists of paths, and make small copies of them."""

import glob
import io
import os
import sys
import warnings
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from PIL import Image, ImageOps

from chalicelib.photo.formats import MEDIA_TYPE_OF
from faunalens.errors import CommandError
from faunalens.study.video import MEDIA_TYPES, VideoUnreadable, can_read, is_video, opened

RAW = frozenset({".cr2", ".cr3", ".nef", ".arw", ".dng", ".orf", ".raf", ".rw2"})
"""Suffixes of raw photos, which are not read. Without PyAV, videos are not read either."""
HIDDEN = frozenset({"$recycle.bin", "recycler", "system volume information", "lost+found", "#recycle", "@eadir"})
"""Folders that Windows, a file system or a NAS keeps for itself: deleted photos, and small copies of photos."""


def expand(arguments: Iterable[str]) -> list[Path]:
    """Expand patterns, and `-` to the paths on standard input. Raises `CommandError` if a path does not exist."""
    paths: list[Path] = []
    for argument in arguments:
        if argument == "-":  # file names may have bytes that are not text
            lines = (os.fsdecode(line.rstrip(b"\r\n")) for line in sys.stdin.buffer)
            paths += [_existing(line) for line in lines if line.strip()]
        elif glob.has_magic(argument) and not os.path.lexists(argument):
            found = sorted(glob.iglob(argument, recursive=True))  # noqa: PTH207, the pattern may begin anywhere
            paths += map(_existing, found or [argument])
        else:
            paths.append(_existing(argument))
    return paths


def _existing(name: str) -> Path:
    path = Path(os.path.abspath(name))  # noqa: PTH100, resolve() would rename what a link points to
    if not path.exists():
        raise CommandError(f"there is no file or folder {name}; check the path or pattern")
    return path


def is_text(name: str) -> bool:
    """Return whether a name is UTF-8. Python represents other bytes as surrogates, which SQLite cannot store."""
    return name.isprintable() or not any("\udc80" <= letter <= "\udcff" for letter in name)


def root_of(paths: Sequence[Path]) -> Path:
    """Return the folder to which photos' paths are relative: the innermost one that contains all `paths`."""
    folders = [path if path.is_dir() else path.parent for path in paths]
    try:
        return Path(os.path.commonpath(folders or [Path.cwd()]))
    except ValueError as error:  # on Windows
        raise CommandError("the photos are on several drives; give each drive its own results file") from error


def with_slashes(name: str, separator: str = os.sep) -> str:
    r"""Return a photo's path as results files have it: with slashes, even on Windows.

    >>> with_slashes(r"north\100MEDIA\IMG_0001.JPG", "\\")
    'north/100MEDIA/IMG_0001.JPG'
    >>> with_slashes(r"north\1/IMG_0001.JPG", "/")
    'north\\1/IMG_0001.JPG'
    """
    return name if separator == "/" else name.replace(separator, "/")


def media_type(path: str) -> str:
    """Return the media type of a photo or video by its name."""
    suffix = Path(path).suffix.lower()
    return MEDIA_TYPES.get(suffix) or MEDIA_TYPE_OF.get(suffix, "image/jpeg")


def is_hidden(name: str) -> bool:
    """Return whether a file or folder of this name is hidden: it begins with a dot, or is a bin of Windows or a NAS."""
    return name.startswith(".") or name.lower() in HIDDEN


def walk(
    path: Path, left_out: Counter[str] | None = None, closed: list[str] | None = None
) -> Iterator[os.DirEntry[str] | Path]:
    """Yield the photos and videos at any depth in a folder, sorted by name, or `path` itself if it is a file.

    In a folder, files count by their suffix, and hidden ones are skipped. A file given as `path` may have any name.

    `left_out`: counter of videos and raw photos that cannot be read, by suffix. `closed`: list to add folders to that
    cannot be read, such as another user's. Raises `CommandError` if the folder `path` cannot be read.
    """
    if not path.is_dir():
        yield path
        return
    try:
        with os.scandir(path) as found:
            entries = sorted((each for each in found if not is_hidden(each.name)), key=lambda each: each.name)
    except OSError as error:
        raise CommandError(f"the folder {path} cannot be read ({error.strerror}); check its permissions") from error
    for entry in entries:
        if entry.is_dir(follow_symlinks=False):
            try:
                yield from walk(Path(entry.path), left_out, closed)
            except CommandError:
                if closed is None:
                    raise
                closed.append(entry.path)
            continue
        suffix = Path(entry.name).suffix.lower()
        if suffix in MEDIA_TYPE_OF or (suffix in MEDIA_TYPES and can_read()):
            yield entry
        elif left_out is not None and (suffix in RAW or suffix in MEDIA_TYPES):
            left_out[suffix] += 1


def thumbnail(path: Path, side: int, seconds: float = 0.0, folder: Path | None = None) -> bytes | None:
    """Return a small upright JPEG of a photo or of a video's frame, without EXIF and comment.

    None if it cannot be read, or if its real path is outside of `folder`. `side`: the JPEG's longest side, in pixels.
    `seconds`: time of the frame in a video.
    """
    from pillow_heif import register_heif_opener

    if folder and not path.resolve().is_relative_to(folder.resolve()):
        return None

    register_heif_opener()
    try:
        still: Path | io.BytesIO = path
        if is_video(path):
            if not can_read():
                return None
            with opened(path) as video:
                still = io.BytesIO(video.frame_at(seconds).jpeg)
        with warnings.catch_warnings(action="ignore"), Image.open(still) as image:
            image.draft("RGB", (side, side))
            small = ImageOps.exif_transpose(image)
            small.thumbnail((side, side))
            buffer = io.BytesIO()
            small.convert("RGB").save(buffer, "JPEG", quality=75, comment=b"")
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError, VideoUnreadable):
        return None
    return buffer.getvalue()
