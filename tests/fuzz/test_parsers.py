"""The parsers of our own, and what they call, with bytes that nobody meant: each gives a value or an error of ours.

`corpus/PARSER/` has files to begin with, and those that once found a bug. Hypothesis changes them. Each change of the
code is tested with some; the nightly run goes on for `FUZZ_SECONDS`, ten minutes by default.
"""

import io
import json
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from time import monotonic, process_time

import pytest
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

from chalicelib.api.parameters import read_form
from chalicelib.batch.line import read_messages
from chalicelib.config.settings import PhotoLimits
from chalicelib.errors import ClientError
from chalicelib.features.cache import Rollout
from chalicelib.photo import formats
from chalicelib.photo.exif import location_from_gps, taken_at
from chalicelib.photo.photos import open_photo
from faunalens.data.maintain.occurrences.darwin_core import ArchiveError, TextFormat, read_meta
from faunalens.data.maintain.occurrences.relations import parts_of
from faunalens.data.maintain.occurrences.tables import OccurrenceError, TextTable, tables_in

CORPUS = Path(__file__).with_name("corpus")
FUZZ_SECONDS = float(os.environ.get("FUZZ_SECONDS", "600"))
MOST_SECONDS = 2.0
"""Most processor time for one input."""
LIMITS = PhotoLimits(max_megapixels=1.0)


def decoded(data: bytes, _: Path) -> object:
    """Do with a photo what an identification does, and read its position and its time."""
    photo = open_photo(data, LIMITS)
    try:
        location_from_gps(photo.gps)
        taken_at(photo.taken)
        return photo.decode(64).whole(64)
    finally:
        photo.close()


def packed(data: bytes, folder: Path) -> object:
    """Find the tables of a file, and read their text."""
    (folder / "file").write_bytes(data)
    for table in tables_in(folder / "file"):
        if isinstance(table, TextTable):
            with table.opened() as (text, _):
                list(parts_of(text, table.format, 1000))
    return None


def messages(data: bytes, _: Path) -> object:
    """A message with any body never hides another one."""
    body = {"messageId": "m", "attributes": {"ApproximateReceiveCount": "1"}}
    good = json.dumps({"Records": [{"s3": {"bucket": {"name": "b"}, "object": {"key": "k"}}}]})
    items, broken = read_messages({"Records": [{**body, "body": data.decode("latin-1")}, {**body, "body": good}]})
    assert items[-1].key == "k"
    return items, broken


def text(data: bytes, _: Path) -> object:
    return list(parts_of(io.BytesIO(data), TextFormat(quote='"', header_lines=1), 64))


def segments(data: bytes, _: Path) -> object:
    formats.check_segments(data)
    return formats.with_metadata_first(data)


PARSERS: dict[str, tuple[Callable[[bytes, Path], object], type[Exception] | None]] = {
    "photo": (decoded, ClientError),
    "jpeg_header": (lambda data, _: formats.read_jpeg_header(data), ClientError),
    "webp_header": (lambda data, _: formats.read_webp_header(data), ClientError),
    "jpeg_segments": (segments, ClientError),
    "tiff_directory": (lambda data, _: formats.check_directory(data), ClientError),
    "form": (lambda data, _: read_form(data, "multipart/form-data; boundary=b"), ClientError),
    "meta": (lambda data, _: read_meta(data), ArchiveError),
    "archive": (packed, OccurrenceError),
    "text": (text, OccurrenceError),
    "messages": (messages, None),
    "rollout": (lambda data, _: Rollout.from_text(data), ValueError),
}
"""Each takes the input and a folder for files; and the error that it may raise, if any."""


def seeds_of(name: str) -> list[bytes]:
    return [path.read_bytes() for path in sorted((CORPUS / name).iterdir())]


@st.composite
def changed(draw: st.DrawFn, seeds: list[bytes]) -> bytes:
    """Return an input, changed at a few places as damage and malice do it."""
    data = bytearray(draw(st.sampled_from(seeds)))
    for _ in range(draw(st.integers(0, 6))):
        at = draw(st.integers(0, max(len(data) - 1, 0)))
        length = draw(st.sampled_from((1, 2, 4, 16, 256)))
        match draw(st.sampled_from(("replace", "insert", "delete", "repeat", "end", "number", "splice"))):
            case "replace":
                data[at : at + length] = draw(st.binary(min_size=length, max_size=length))
            case "insert":
                data[at:at] = draw(st.binary(max_size=length))
            case "delete":
                del data[at : at + length]
            case "repeat":
                data[at:at] = data[at : at + length] * draw(st.sampled_from((2, 100, 5000)))
            case "end":
                del data[at:]
            case "number":  # a count or an offset, in either order of bytes
                number = draw(st.sampled_from((0, 1, 0x7F, 0xFF, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF)))
                size = draw(st.sampled_from((1, 2, 4)))
                data[at : at + size] = (number % 256**size).to_bytes(size, draw(st.sampled_from(("big", "little"))))
            case _:
                other = draw(st.sampled_from(seeds))
                data[at:] = other[draw(st.integers(0, len(other))) :]
    return bytes(data)


def expect_value_or_own_error(name: str, data: bytes, folder: Path) -> None:
    """Parse an input. Any other error, and a long time, is a bug."""
    (parse, error), started = PARSERS[name], process_time()
    with suppress(*[error] if error else ()):
        parse(data, folder)
    assert process_time() - started < MOST_SECONDS


def fuzz(name: str, folder: Path, examples: int, number: int) -> None:
    """Parse `examples` changed inputs. `number`: another one gives others."""

    @seed(number)
    @settings(
        max_examples=examples, deadline=None, database=None, suppress_health_check=list(HealthCheck), print_blob=True
    )
    @given(data=changed(seeds_of(name)))
    def parse(data: bytes) -> None:
        expect_value_or_own_error(name, data, folder)

    parse()


@pytest.mark.parametrize("name", PARSERS)
def test_what_once_found_a_bug_finds_none(name: str, tmp_path: Path) -> None:
    for data in seeds_of(name):
        expect_value_or_own_error(name, data, tmp_path)


@pytest.mark.parametrize("name", PARSERS)
@pytest.mark.filterwarnings("ignore::UserWarning:zipfile")
def test_a_parser_gives_a_value_or_an_error_of_ours(name: str, tmp_path: Path) -> None:
    fuzz(name, tmp_path, 100, 1)


@pytest.mark.alone
@pytest.mark.parametrize("name", PARSERS)
@pytest.mark.filterwarnings("ignore::UserWarning:zipfile")
def test_a_parser_gives_a_value_or_an_error_of_ours_for_a_long_time(name: str, tmp_path: Path) -> None:
    until, number = monotonic() + FUZZ_SECONDS / len(PARSERS), int.from_bytes(os.urandom(4))
    while monotonic() < until:
        number += 1  # which a failure prints
        fuzz(name, tmp_path, 1000, number)
