"""Build the packs of model/packs that are enabled: get their weights, check them, and convert them to ONNX.

FAUNALENS_WEIGHTS=FOLDER takes the weights from a folder instead of the network. If a pack's weights are unavailable, it
is left out, the app runs without it, and the exit code is 3. Every file is checked by its SHA-256; a wrong file is an
error, never a reason to leave out the pack.
"""

import argparse
import hashlib
import os
import sys
from collections.abc import Sequence
from http.client import HTTPException
from pathlib import Path
from urllib.error import HTTPError
from urllib.parse import quote
from urllib.request import Request, urlopen

import onnx
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]

from chalicelib.errors import ModelError
from chalicelib.model.manifest import DETECTOR, Manifest, Weights
from model import detector_graph, tflite_to_onnx
from model.network import read_checkpoint
from model.quantize import read_ranges

PACKS = Path(__file__).parent / "packs"
CHECKPOINT = ".pth"
"""Ending of weights that PyTorch wrote."""
CACHE = Path(__file__).parents[1] / ".local" / "weights"
VARIABLE = "FAUNALENS_WEIGHTS"
INCOMPLETE = 3
"""Exit code if a pack is missing because its weights are unavailable."""
HOST = "https://raw.githubusercontent.com"
"""The host that serves the files of public repositories by repository, commit and path."""
LARGEST = 200_000_000
"""Maximum number of bytes of a file, so that a wrong address cannot fill the disk."""
_TIMEOUT = 10.0
_CHUNK = 2**16
_TENTHS = 10


class WeightsUnavailable(Exception):  # not a `ModelError`: setup continues without the pack
    """The weights cannot be read or downloaded at the moment, for example because their file does not exist."""


class HostUnreachable(WeightsUnavailable):
    """The host of the weights cannot be reached: there is no network, or the host did not answer in time."""


def convert(manifest: Manifest, weights: Weights, file: Path) -> bytes:
    """Return the bytes of a pack's ONNX file. `file`: path of its weights. Equal arguments give equal bytes."""
    metadata = {
        "name": manifest.name,
        "source": f"{weights.repository} at {weights.commit}: {weights.path}, SHA-256 {weights.sha256}",
        "author": manifest.author,
        "licence": manifest.licence,
    }
    if manifest.kind == DETECTOR:
        model = detector_graph.convert(_detector_of(manifest, weights, file), manifest.size, metadata)
    else:
        operators = tflite_to_onnx.read_network(file)
        model = tflite_to_onnx.convert(operators, manifest.temperature, manifest.background, metadata)
    return bytes(model.SerializeToString(deterministic=True))


def _detector_of(manifest: Manifest, weights: Weights, file: Path) -> onnx.ModelProto:
    """Return the network of a detector as its authors export it."""
    if weights.path.endswith(CHECKPOINT):
        checkpoint, ranges = read_checkpoint(file), read_ranges(activations_of(manifest.name))
        return detector_graph.yolox_tiny(checkpoint, manifest.size, ranges)[0]
    try:
        return onnx.load(file)
    except DecodeError as error:
        raise ModelError(f"{weights.path} is not an ONNX file: {error}") from error


def activations_of(pack: str) -> Path:
    """Return the CSV file of the activation ranges from which a pack with float weights becomes int8."""
    return Path(__file__).with_name(f"{pack}_activations.csv")


def build(folder: Path, cache: Path, source: Path | None, host: str) -> dict[str, str]:
    """Build every enabled pack of a folder that names `weights`. Return, by name, why packs are missing.

    Afterwards a pack has an ONNX file only if it was made from these weights. Raise `ModelError` if a manifest is
    malformed, weights have a wrong SHA-256, or they cannot be converted.
    """
    missing, unreachable = dict[str, str](), ""
    for manifest in [Manifest.read(file) for file in sorted(folder.glob("*.toml"))]:
        if manifest.weights is None:
            continue  # a pack whose ONNX file lies beside its manifest
        manifest.model.unlink(missing_ok=True)
        if not manifest.enabled:
            continue
        if not (cache / manifest.weights.sha256).is_file():
            if unreachable:  # do not wait for another timeout
                missing[manifest.name] = unreachable
                continue
            print(f"packs: getting {manifest.name} from {source or address_of(manifest.weights, host)}", flush=True)
        try:
            weights = get_weights(manifest.weights, cache, source, host)
        except WeightsUnavailable as error:
            missing[manifest.name] = str(error)
            unreachable = str(error) if isinstance(error, HostUnreachable) else unreachable
            continue
        data = convert(manifest, manifest.weights, weights)
        _write(manifest.model, data)
        print(f"packs: {manifest.name} built, {len(data) / 1e6:.1f} MB", flush=True)
    return missing


def get_weights(weights: Weights, cache: Path, folder: Path | None = None, host: str = HOST) -> Path:
    """Return the path of the weights in `cache`, where files are named by their SHA-256; put them there if need be.

    `folder`: if given, the weights are read from this folder, and nothing is downloaded. `host`: see `HOST`. Raise
    `WeightsUnavailable` if the file cannot be read or downloaded, and `ModelError` if it has another SHA-256.
    """
    cached, name = cache / weights.sha256, Path(weights.path).name
    if cached.is_file() and hashlib.sha256(cached.read_bytes()).hexdigest() == weights.sha256:
        return cached
    if folder is not None:
        source = str(folder / name)
        try:
            data = Path(source).read_bytes()
        except OSError as error:
            raise WeightsUnavailable(f"{source} cannot be read ({error.strerror})") from error
    else:
        source = address_of(weights, host)
        data = _download(source, name)
    found = hashlib.sha256(data).hexdigest()
    if found != weights.sha256:
        why = "it is another file than the pack was made for, so do not use it"
        raise ModelError(f"{source} has SHA-256 {found}, expected {weights.sha256}; {why}")
    cache.mkdir(parents=True, exist_ok=True)
    _write(cached, data)
    return cached


def _write(file: Path, data: bytes) -> None:
    partial = file.with_name(f"{file.name}.{os.getpid()}")
    partial.write_bytes(data)
    partial.replace(file)  # another setup may write the same file


def address_of(weights: Weights, host: str = HOST) -> str:
    """Return the URL of a weights file in its repository.

    >>> address_of(Weights("owner/name", "c0ffee", "models/a b.tflite", ""))
    'https://raw.githubusercontent.com/owner/name/c0ffee/models/a%20b.tflite'
    """
    return f"{host}/{weights.repository}/{weights.commit}/{quote(weights.path)}"


def _download(address: str, name: str) -> bytes:
    """Download the file at an address. Prints a line with `name` for each tenth of the file."""
    try:
        with urlopen(Request(address), timeout=_TIMEOUT) as response:  # noqa: S310 - the host is ours to choose
            size = int(response.headers.get("Content-Length") or 0)
            data = bytearray()
            while chunk := response.read(_CHUNK):
                before = len(data)
                data += chunk
                if len(data) > LARGEST:
                    raise ModelError(f"{address} has more than {LARGEST / 1e6:.0f} MB; check the address")
                if size and before * _TENTHS // size < len(data) * _TENTHS // size:
                    print(f"  {name}: {len(data) / 1e6:.1f} of {size / 1e6:.1f} MB", file=sys.stderr, flush=True)
    except HTTPError as error:
        raise WeightsUnavailable(f"{address} answers {error.code} {error.reason}") from error
    except (OSError, HTTPException) as error:
        reason = getattr(error, "reason", None) or str(error) or type(error).__name__
        raise HostUnreachable(f"{address} cannot be reached ({reason})") from error
    if len(data) < size:  # `read` with a limit does not notice that the connection was closed too early
        raise WeightsUnavailable(f"{address} ended after {len(data):,} of {size:,} bytes")
    return bytes(data)


def main(arguments: Sequence[str] | None = None) -> int:
    """Build the packs. Return 0, `INCOMPLETE` if weights are unavailable, or 1 after printing an error."""
    parser = argparse.ArgumentParser(prog="python -m model packs", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--folder", type=Path, default=PACKS, metavar="FOLDER", help="the packs (default: model/packs)")
    text = "folder for the weights (default: .local/weights)"
    parser.add_argument("--cache", type=Path, default=CACHE, metavar="FOLDER", help=text)
    parser.add_argument("--host", default=HOST, metavar="URL", help="mirror of %(default)s to download from")
    options = parser.parse_args(arguments)
    variable = os.environ.get(VARIABLE, "")
    source = Path(variable) if variable else None
    try:
        if source is not None and not source.is_dir():
            raise ModelError(f"{VARIABLE} is '{source}', which is not a folder; expected one with the packs' weights")
        missing = build(options.folder, options.cache, source, options.host)
    except (ModelError, OSError) as error:
        print(f"error: the packs were not built: {error}", file=sys.stderr)
        return 1
    if missing:
        names, reasons = ", ".join(missing), "; ".join(dict.fromkeys(missing.values()))
        advice = f"for the packs, run it again with a network, or set {VARIABLE} to a folder with their files"
        print(f"packs: the general model works alone, without {names}: {reasons}; {advice}", file=sys.stderr)
    return INCOMPLETE if missing else 0


if __name__ == "__main__":
    sys.exit(main())
