"""The dependencies in the package: Linux wheels for Lambda, on any operating system, without unused files.

exclusions.toml lists the files to leave out, and why. Of HEIC, the package has the decoder alone, or nothing:
pillow-heif's wheel contains the encoder x265 (GPL 2), which `remove_encoder` takes out, since the app only decodes. The
decoder-only package pi-heif is not an alternative: it is discontinued, and its last version has known vulnerabilities.
libheif and libde265 (LGPL 3) stay. docs/reference/package.md explains which duties follow from that.
"""

import json
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from io import BytesIO
from pathlib import Path
from typing import NamedTuple

from click import ClickException
from elftools.elf.dynamic import DynamicSection
from elftools.elf.elffile import ELFFile
from elftools.elf.sections import SymbolTableSection

PYTHON = (3, 13)
GLIBC = (2, 34)  # glibc of Amazon Linux 2023, the base of the runtime python3.13
MACHINES = {"x86_64": "x86_64", "arm64": "aarch64"}  # Lambda's architectures, and their names in wheels


def fetch(requirements: Path, folder: Path, architecture: str = "x86_64") -> None:
    """Install the wheels in `requirements` into `folder`. Raise `ClickException` if one is missing or has a wrong hash.

    Chalice's own builder downloads wheels for this machine. It then replaces those that do not run on Lambda, but does
    not check the hashes of the replacements, and only warns about a missing wheel.
    """
    if not requirements.read_text(encoding="utf-8").strip():
        return
    machine = MACHINES[architecture]
    tags = [*(f"manylinux_2_{minor}_{machine}" for minor in range(17, GLIBC[1] + 1)), f"manylinux2014_{machine}"]
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-compile"]
    command += ["--only-binary=:all:", "--implementation=cp", "--python-version={}.{}".format(*PYTHON)]
    command += [*(f"--platform={tag}" for tag in tags), f"--target={folder}", f"--requirement={requirements}"]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise ClickException(
            f"pip cannot install {requirements.name} for Lambda:\n{done.stderr}"
            "If a package has no wheel that runs on Lambda, pin a version that has one."
        )
    for script in (folder / "bin").glob("*"):  # scripts contain the path of this Python
        script.unlink()


class Exclusion(NamedTuple):
    """Files to leave out of the package. `patterns`: globs relative to site-packages."""

    name: str
    reason: str
    patterns: Sequence[str]

    def matches(self, folder: Path) -> Iterator[Path]:
        """Yield the files and folders in `folder` that match the patterns."""
        for pattern in self.patterns:
            yield from sorted(folder.glob(pattern))


def read_exclusions(formats: str) -> tuple[Exclusion, ...]:
    """Return the exclusions of a package. `formats`: JSON text, a list of the photo formats that the app reads."""
    names = {each["name"] for each in json.loads(formats)}
    entries = tomllib.loads(Path(__file__).with_name("exclusions.toml").read_text(encoding="utf-8"))["exclusion"]
    return tuple(Exclusion(**each) for each in entries if each.pop("unless", None) not in names)


_FORMATS = Path(__file__).parents[2] / "chalicelib" / "photo" / "formats.json"
EXCLUSIONS = read_exclusions(_FORMATS.read_text(encoding="utf-8"))


def remove_excluded(folder: Path) -> None:
    """Remove the files of all exclusions from `folder`, which contains the installed dependencies."""
    for exclusion in EXCLUSIONS:
        _remove(exclusion.matches(folder))


def _remove(paths: Iterable[Path]) -> None:
    for path in paths:
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()


LICENCES = Path(__file__).with_name("licences")  # the texts that must accompany libheif and libde265
_ENCODER = "libx265"
_WEAK = 2 << 4  # STB_WEAK in the upper half of a symbol's st_info: the symbol may be missing

OPTIONS = {"HEIC": "yes", "OFFLINE": "no"}
"""Environment variables of the packager, each yes or no, with their defaults. Without HEIC, the package has no
pillow-heif, and the app refuses HEIC photos. With OFFLINE it has the files for use without signal, 20 MB."""


def is_wanted(option: str, environment: Mapping[str, str]) -> bool:
    """Return whether an option of `OPTIONS` is yes in `environment`. Raise `ClickException` if it is not yes or no."""
    value = environment.get(option, OPTIONS[option])
    if value not in ("yes", "no"):
        raise ClickException(f"{option} is {value!r}; set it to yes or no")
    return value == "yes"


def remove_heic(site: Path) -> None:
    """Remove pillow-heif and its libraries from `site`, a folder of installed dependencies."""
    _remove([*site.glob("pillow_heif*"), *site.glob("_pillow_heif*")])


def remove_encoder(site: Path) -> None:
    """Remove x265 from pillow-heif in `site`, if it is there, and add the licences of the libraries that stay.

    Without x265, encoding a HEIC photo would crash the process.
    """
    libraries = site / "pillow_heif.libs"
    for encoder in libraries.glob(f"{_ENCODER}-*"):
        (libheif,) = libraries.glob("libheif-*")
        libheif.write_bytes(without_library(libheif.read_bytes(), encoder.name, "x265_"))
        encoder.unlink()
        shutil.copytree(LICENCES, libraries, dirs_exist_ok=True)
        changed = libraries / "CHANGED.txt"
        text = changed.read_text(encoding="utf-8").format(libheif=libheif.name, encoder=encoder.name)
        changed.write_text(text, encoding="utf-8")


def without_library(elf: bytes, library: str, prefix: str) -> bytes:
    """Return a shared object that loads without `library`.

    The library's entry in the dynamic section is removed. Undefined symbols whose names start with `prefix` become
    weak, so that the loader accepts that they are missing; calling one would crash. No other byte changes.
    """
    changed, file = bytearray(elf), ELFFile(BytesIO(elf))
    dynamic, symbols = file.get_section_by_name(".dynamic"), file.get_section_by_name(".dynsym")
    if not isinstance(dynamic, DynamicSection) or not isinstance(symbols, SymbolTableSection):
        raise ClickException(f"a library that needs {library} has no dynamic section; check the new wheel by hand")
    start, size = dynamic["sh_offset"], dynamic["sh_entsize"]
    kept = b""
    for number, tag in enumerate(dynamic.iter_tags()):
        if getattr(tag, "needed", "") != library:
            kept += elf[start + number * size : start + (number + 1) * size]
    end = start + len(kept) + size  # one entry fewer, so the last becomes null, which ends the list
    changed[start:end] = kept + bytes(size)
    for number, symbol in enumerate(symbols.iter_symbols()):
        if symbol["st_shndx"] == "SHN_UNDEF" and symbol.name.startswith(prefix):
            info = symbols["sh_offset"] + number * symbols["sh_entsize"] + 4  # st_info in a 64-bit symbol
            changed[info] = _WEAK | (changed[info] & 0xF)
    return bytes(changed)
