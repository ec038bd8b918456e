"""Files of the dependencies that are left out of the package, because the functions never use them.

No code of an app can miss these files at run time. A part of a library that an app might call one day, such as
`numpy.fft`, stays. docs/reference/package.md shows how much each exclusion saves. boto3 and botocore need none:
Lambda's runtime has them, so requirements.in leaves them out.
"""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Exclusion:
    """Files to leave out. `patterns`: globs below site-packages; a folder that matches goes as a whole."""

    name: str
    reason: str
    patterns: tuple[str, ...]


EXCLUSIONS = (
    Exclusion(
        "doubled onnxruntime",
        "the Python module has all of it linked in; this is for C programs",
        ("onnxruntime/capi/libonnxruntime.so.*",),
    ),
    Exclusion(
        "onnxruntime tools",
        "converters, quantization and export, for development only",
        ("onnxruntime/transformers", "onnxruntime/quantization", "onnxruntime/tools", "onnxruntime/datasets"),
    ),
    Exclusion(
        "needs of these tools",
        "only onnxruntime's converters import them",
        ("flatbuffers", "google", "packaging", "flatbuffers-*", "protobuf-*", "packaging-*"),
    ),
    Exclusion(
        "aiohttp and its family",
        "aws-embedded-metrics uses it to find out whether it runs on EC2; chalicelib/telemetry/emf.py prevents that",
        (
            *("aiohttp", "aiosignal", "aiohappyeyeballs", "attr", "attrs", "frozenlist", "idna", "multidict"),
            *("propcache", "yarl", "aiohttp-*", "aiosignal-*", "aiohappyeyeballs-*", "attrs-*", "frozenlist-*"),
            *("idna-*", "multidict-*", "propcache-*", "yarl-*"),
        ),
    ),
    Exclusion("AVIF", "the API accepts no photo in this format", ("PIL/_avif.*", "pillow.libs/libavif-*")),
    Exclusion(
        "fonts",
        "the app draws no text",
        (
            *("PIL/_imagingft.*", "pillow.libs/libfreetype-*", "pillow.libs/libharfbuzz-*", "pillow.libs/libbrotli*"),
            "pillow.libs/libpng16-*",  # for coloured letters; Pillow reads PNG photos without it
        ),
    ),
    Exclusion(
        "tests",
        "tests of the libraries, and modules that only they import",
        ("**/tests", "numpy/conftest.py", "numpy/_pyinstaller", "numpy/_core/_*_tests.*.so", "numpy/_core/_simd.*.so"),
    ),
    Exclusion("f2py", "compiles Fortran modules", ("numpy/f2py",)),
    Exclusion("types", "for type checkers and editors", ("**/*.pyi", "**/py.typed")),
    Exclusion(
        "headers and sources",
        "for compilers",
        ("**/*.pyx", "**/*.pxd", "**/*.h", "**/*.a", "**/*.c", "**/CMakeLists.txt", "include", "lib64"),
    ),
    Exclusion("lists of files", "pip's lists of what it installed, now wrong", ("*.dist-info/RECORD",)),
)


def matches(exclusion: Exclusion, folder: Path) -> Iterator[Path]:
    """Yield the files and folders in `folder` that an exclusion removes."""
    for pattern in exclusion.patterns:
        yield from sorted(folder.glob(pattern))


def remove_excluded(folder: Path) -> None:
    """Remove all exclusions from `folder`, which holds the installed dependencies."""
    for exclusion in EXCLUSIONS:
        for path in matches(exclusion, folder):
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink()
