"""The manifest of a pack (TOML): its purpose, weights, input and outputs. docs/how-to/model.md explains each key."""

import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from chalicelib.errors import ModelError

CLASSIFIER, DETECTOR, HEAD = "classifier", "detector", "head"
KINDS = (CLASSIFIER, DETECTOR, HEAD)
RESAMPLINGS = ("bilinear", "bicubic", "lanczos")
_LARGEST_SIDE = 1024


class Weights(NamedTuple):
    """A file of a public Git repository. `sha256`: of the file, in hex."""

    repository: str
    commit: str
    path: str
    sha256: str


class Manifest(NamedTuple):
    """A pack's manifest. `file`: its TOML file; `name`: the name of that file, without its ending.

    `kind`: classifier, detector or head. `enabled`: whether `make setup` builds the pack and the app uses it.
    `weights`: None if the model lies beside the manifest. `size`: side of the input in pixels. `labels`: the CSV file
    of the outputs. `camera_traps`: whether a detector is one for camera traps.

    Of a classifier only: `taxa`: scientific names of the taxa whose members it separates. `gate`: probability that
    the general model must give these taxa for the pack to score a photo. `temperature`: divides the logits when the
    weights are converted. `crop`: share of the photo's short side that it sees. `resampling`: filter that resizes this
    crop. `background`: index of the output for photos of nothing in particular, or None.

    Of a head only: `general`: version of the general model on whose features it was trained. `night`: whether it is
    only for photos by night. `areas`, `cells`: country codes and H3 cells (hex) of the places that it is for; both
    empty: all places. `thresholds`: least probability at which a taxon is named, by taxon id.
    """

    file: Path
    kind: str
    enabled: bool
    licence: str
    author: str
    weights: Weights | None
    labels: Path
    size: int = 0
    taxa: tuple[str, ...] = ()
    gate: float = 1.0
    temperature: float = 1.0
    crop: float = 0.875
    resampling: str = "bilinear"
    background: int | None = None
    camera_traps: bool = False
    general: str = ""
    night: bool = False
    areas: tuple[str, ...] = ()
    cells: tuple[str, ...] = ()
    thresholds: Mapping[str, float] = MappingProxyType({})

    @property
    def name(self) -> str:
        """Return the name of the pack."""
        return self.file.stem

    @property
    def model(self) -> Path:
        """Return the path of the ONNX file, which is missing if the weights could not be had."""
        return self.file.with_suffix(".onnx")

    @property
    def bytes(self) -> int:
        """Return the size of the model and its external data.

        A model of 196 MB took 391 MB of memory to load, then 206 MB.
        """
        from chalicelib.model.session import external_data  # imported here because NumPy, which it needs, is slow

        return sum(each.stat().st_size for each in (self.model, *external_data(self.model)))

    @classmethod
    def read(cls, file: Path) -> "Manifest":
        """Read a manifest. Raise `ModelError` with every fault, one on each line."""
        document = _parse(file)
        if faults := list(_faults(file.stem, document)):
            raise ModelError("\n".join(f"{file.name}: {fault}" for fault in faults))
        top = {key: value for key, value in document.items() if key not in _TABLES}
        top |= {key: tuple(value) for key, value in top.items() if isinstance(value, list)}
        outputs = document["outputs"]
        return cls(
            file=file,
            weights=Weights(**document["weights"]) if "weights" in document else None,
            labels=file.with_name(outputs["labels"]),
            background=outputs.get("background"),
            thresholds=document.get("thresholds", {}),
            **top,
            **document.get("input", {}),
        )


def read_manifests(folder: Path) -> Iterator[Manifest]:
    """Yield the manifests of a folder's packs that are enabled and built, by name. A folder that is missing has none.

    Raises `ModelError` if the manifest of a pack that is built is malformed.
    """
    built = (file for file in sorted(folder.glob("*.toml")) if file.with_suffix(".onnx").is_file())
    return (manifest for manifest in map(Manifest.read, built) if manifest.enabled)


class _Key(NamedTuple):
    """A key of a manifest. `accepts`: whether a value is valid. `expected`: what to write. `kinds`: packs with it."""

    accepts: Callable[[Any], bool]
    expected: str
    kinds: tuple[str, ...] = KINDS
    optional: bool = False


def _matches(pattern: str) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, str) and re.fullmatch(pattern, value) is not None


def _lists(pattern: str) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, list) and bool(value) and all(map(_matches(pattern), value))


def _in_range(low: float, high: float, *kinds: type) -> Callable[[Any], bool]:
    return lambda value: type(value) in (kinds or (int, float)) and low < value <= high  # a bool is no number


def _is_path(value: object) -> bool:
    return isinstance(value, str) and bool(value) and not value.startswith("/") and ".." not in value.split("/")


_TEXT = r"(?s).*\S.*"
_TRUTH = (lambda value: isinstance(value, bool)), "true or false"
_FRACTION = _in_range(0, 1), "a number above 0, at most 1"
_KEYS: dict[str, dict[str, _Key]] = {
    "": {
        "kind": _Key(lambda value: value in KINDS, " or ".join(f'"{each}"' for each in KINDS)),
        "enabled": _Key(*_TRUTH),
        "camera_traps": _Key(*_TRUTH, (DETECTOR,), optional=True),
        "licence": _Key(_matches(_TEXT), "the licence of the weights"),
        "author": _Key(_matches(_TEXT), "who made the weights, and from which data"),
        "taxa": _Key(_lists(_TEXT), 'a list of scientific names, such as ["Aves"]', (CLASSIFIER,)),
        "gate": _Key(*_FRACTION, (CLASSIFIER,)),
        "temperature": _Key(_in_range(0, 10), "a number above 0, at most 10", (CLASSIFIER,)),
        "general": _Key(_matches("[0-9a-f]{12}"), "12 hex digits, the version of the general model", (HEAD,)),
        "night": _Key(*_TRUTH, (HEAD,), optional=True),
        "areas": _Key(_lists(_TEXT), 'a list of country codes, such as ["US"]', (HEAD,), optional=True),
        "cells": _Key(
            _lists("8[0-3][0-9a-f]{13}"), "a list of H3 cells of resolution 0 to 3, in hex", (HEAD,), optional=True
        ),
    },
    "weights": {
        "repository": _Key(_matches(r"[\w.-]+/[\w.-]+"), '"owner/name"'),
        "commit": _Key(_matches("[0-9a-f]{40}"), "a commit's 40 hex digits"),
        "path": _Key(_is_path, "a path inside the repository"),
        "sha256": _Key(_matches("[0-9a-f]{64}"), "64 hex digits in lower case"),
    },
    "input": {
        "size": _Key(
            _in_range(0, _LARGEST_SIDE, int), f"a whole number from 1 to {_LARGEST_SIDE}", (CLASSIFIER, DETECTOR)
        ),
        "crop": _Key(*_FRACTION, (CLASSIFIER,), optional=True),
        "resampling": _Key(lambda value: value in RESAMPLINGS, ", ".join(RESAMPLINGS), (CLASSIFIER,), optional=True),
    },
    "outputs": {
        "labels": _Key(lambda value: _is_path(value) and "/" not in value, "a file name in the pack's folder"),
        "background": _Key(_in_range(-1, 2**31, int), "the index of an output", (CLASSIFIER,), optional=True),
    },
}
_TABLES = {"weights": KINDS[:2], "input": KINDS[:2], "outputs": KINDS, "thresholds": (HEAD,)}
"""The tables of a manifest, and the kinds of packs that have each."""
_OPTIONAL_TABLES = ("weights", "thresholds")


def _parse(file: Path) -> dict[str, Any]:
    import tomllib  # imported here because only a process with packs needs it

    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise ModelError(f"{file.name} cannot be read ({error.strerror}); expected the manifest of a pack") from error
    except ValueError as error:  # of UTF-8 and of TOML
        raise ModelError(f"{file.name} is not a TOML file: {error}") from error


def _faults(name: str, document: Mapping[str, Any]) -> Iterator[str]:
    if not re.fullmatch("[a-z][a-z0-9_]*", name):
        yield f"the name of a pack is '{name}'; expected lower-case letters, digits and underscores"
    kind = document.get("kind", CLASSIFIER)
    tables: dict[str, Any] = {"": {key: value for key, value in document.items() if key not in _TABLES}}
    for table, kinds in _TABLES.items():
        is_known = kind in kinds or kind not in KINDS
        if table in document and is_known:
            tables[table] = document[table]
        elif table in document:
            yield f"table [{table}] is unknown for a {kind}; leave it out"
        elif is_known and table not in _OPTIONAL_TABLES:
            yield f"table [{table}] is missing; add it"
    for table, values in tables.items():
        if not isinstance(values, dict):
            yield f"{table} is {values!r}; expected a table [{table}]"
            continue
        keys = _KEYS.get(table) or dict.fromkeys(values, _Key(*_FRACTION))  # thresholds are of any taxa
        yield from _faults_of_table(f"{table}." if table else "", values, keys, kind)


def _faults_of_table(prefix: str, values: Mapping[str, Any], keys: Mapping[str, _Key], kind: object) -> Iterator[str]:
    known = {key: each for key, each in keys.items() if kind in each.kinds or kind not in KINDS}
    for key in values.keys() - known.keys():
        yield f"{prefix}{key} is unknown for a {kind}; expected {', '.join(known)}"
    for key, each in known.items():
        if key not in values:
            if not each.optional and kind in each.kinds:
                yield f"{prefix}{key} is missing; expected {each.expected}"
        elif not each.accepts(values[key]):
            yield f"{prefix}{key} is {values[key]!r}; expected {each.expected}"
