"""What the dependencies bring along and the function never uses: left out of the package, each with its reason.

Only what no code of an app can miss at run time is here; a part of a library that an app might call one day, such as
`numpy.fft`, stays. docs/reference/package.md has what each cut is worth.
"""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Cut:
    """Files that are left out. `patterns`: globs below site-packages; what matches is taken away whole."""

    name: str
    why: str
    patterns: tuple[str, ...]


CUTS = (
    Cut(
        "doubled onnxruntime",
        "the Python module has all of it linked in; this is for C programs",
        ("onnxruntime/capi/libonnxruntime.so.*",),
    ),
    Cut(
        "onnxruntime tools",
        "converters, quantization and export, which run at the desk",
        ("onnxruntime/transformers", "onnxruntime/quantization", "onnxruntime/tools", "onnxruntime/datasets"),
    ),
    Cut(
        "needs of these tools",
        "only onnxruntime's converters import them",
        ("flatbuffers", "google", "packaging", "flatbuffers-*", "protobuf-*", "packaging-*"),
    ),
    Cut(
        "aiohttp and its family",
        "aws-embedded-metrics asks with it whether it runs on EC2; chalicelib/telemetry/emf.py never lets it ask",
        (
            *("aiohttp", "aiosignal", "aiohappyeyeballs", "attr", "attrs", "frozenlist", "idna", "multidict"),
            *("propcache", "yarl", "aiohttp-*", "aiosignal-*", "aiohappyeyeballs-*", "attrs-*", "frozenlist-*"),
            *("idna-*", "multidict-*", "propcache-*", "yarl-*"),
        ),
    ),
    Cut("AVIF", "no photo in this format is accepted", ("PIL/_avif.*", "pillow.libs/libavif-*")),
    Cut(
        "fonts",
        "Pillow draws no text here",
        (
            *("PIL/_imagingft.*", "pillow.libs/libfreetype-*", "pillow.libs/libharfbuzz-*", "pillow.libs/libbrotli*"),
            "pillow.libs/libpng16-*",  # for coloured letters; PNG photos are read without it
        ),
    ),
    Cut(
        "tests",
        "of libraries, and modules that only they import",
        ("**/tests", "numpy/conftest.py", "numpy/_pyinstaller", "numpy/_core/_*_tests.*.so", "numpy/_core/_simd.*.so"),
    ),
    Cut("f2py", "makes modules of Fortran", ("numpy/f2py",)),
    Cut("types", "for checkers and editors", ("**/*.pyi", "**/py.typed")),
    Cut(
        "headers and sources",
        "for compilers",
        ("**/*.pyx", "**/*.pxd", "**/*.h", "**/*.a", "**/*.c", "**/CMakeLists.txt", "include", "lib64"),
    ),
    Cut("lists of files", "of what pip installed; no longer true after these cuts", ("*.dist-info/RECORD",)),
)


def matches(cut: Cut, folder: Path) -> Iterator[Path]:
    """Files and folders in `folder` that a cut takes away."""
    for pattern in cut.patterns:
        yield from sorted(folder.glob(pattern))


def take_away(folder: Path) -> None:
    """Make all cuts in `folder`, which holds what pip installed."""
    for cut in CUTS:
        for path in matches(cut, folder):
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink()
