"""Build the packs of model/packs that are enabled: get their weights, check them, and convert them to ONNX.

FAUNALENS_WEIGHTS=FOLDER takes the weights from a folder instead of the network. If weights cannot be had, the app runs
without that pack, and the exit code is 3. A wrong checksum is an error.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import onnx
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]

from chalicelib.errors import ModelError
from chalicelib.model.manifest import DETECTOR, Manifest, Weights
from model import detector_graph, tflite_to_onnx
from model.pack_weights import HOST, HostUnreachable, WeightsUnavailable, address_of, get
from model.tflite_network import read_network

PACKS = Path(__file__).parent / "packs"
CACHE = Path(__file__).parents[1] / ".local" / "weights"
VARIABLE = "FAUNALENS_WEIGHTS"
INCOMPLETE = 3
"""Exit code if a pack is missing because its weights cannot be had."""


def convert(manifest: Manifest, weights: Weights, file: Path) -> bytes:
    """Return the ONNX file of a pack. `file`: its weights. Equal arguments give equal bytes."""
    metadata = {
        "name": manifest.name,
        "source": f"{weights.repository} at {weights.commit}: {weights.path}, SHA-256 {weights.sha256}",
        "author": manifest.author,
        "licence": manifest.licence,
    }
    if manifest.kind == DETECTOR:
        try:
            network = onnx.load(file)
        except DecodeError as error:
            raise ModelError(f"{weights.path} is no ONNX file: {error}") from error
        model = detector_graph.convert(network, manifest.size, metadata)
    else:
        model = tflite_to_onnx.convert(
            read_network(file), temperature=manifest.temperature, background=manifest.background, metadata=metadata
        )
    return bytes(model.SerializeToString(deterministic=True))


def build(folder: Path, cache: Path, source: Path | None, host: str) -> dict[str, str]:
    """Build every pack of a folder that is enabled and has `weights`; return why packs are missing, by name.

    Afterwards a pack has an ONNX file only if it was made from these weights. Raise `ModelError` if a manifest is
    malformed, weights have a wrong SHA-256, or they cannot be converted.
    """
    missing: dict[str, str] = {}
    unreachable = ""
    for manifest in [Manifest.read(file) for file in sorted(folder.glob("*.toml"))]:
        if manifest.weights is None:
            continue  # a pack whose ONNX file lies beside its manifest
        manifest.model.unlink(missing_ok=True)
        if not manifest.enabled:
            continue
        cached = (cache / manifest.weights.sha256).is_file()
        if unreachable and not cached:  # one time limit is enough to wait for
            missing[manifest.name] = unreachable
            continue
        if not cached:
            print(f"packs: getting {manifest.name} from {source or address_of(manifest.weights, host)}", flush=True)
        try:
            weights = get(manifest.weights, cache, source, host)
        except WeightsUnavailable as error:
            missing[manifest.name] = str(error)
            unreachable = str(error) if isinstance(error, HostUnreachable) else unreachable
            continue
        data = convert(manifest, manifest.weights, weights)
        partial = manifest.model.with_suffix(f".{os.getpid()}")
        partial.write_bytes(data)
        partial.replace(manifest.model)
        print(f"packs: {manifest.name} built, {len(data) / 1e6:.1f} MB", flush=True)
    return missing


def main(arguments: Sequence[str] | None = None) -> int:
    """Build the packs. Return 0, 3 if weights cannot be had, or 1 after printing an error."""
    parser = argparse.ArgumentParser(prog="python -m model packs", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--folder", type=Path, default=PACKS, metavar="FOLDER", help="the packs (default: model/packs)")
    parser.add_argument(
        "--cache", type=Path, default=CACHE, metavar="FOLDER", help="keeps the weights (default: .local/weights)"
    )
    parser.add_argument("--host", default=HOST, metavar="URL", help="a mirror of %(default)s")
    options = parser.parse_args(arguments)
    variable = os.environ.get(VARIABLE, "")
    source = Path(variable) if variable else None
    try:
        if source is not None and not source.is_dir():
            raise ModelError(f"{VARIABLE} is '{source}', which is no folder; expected one with the weights")
        missing = build(options.folder, options.cache, source, options.host)
    except (ModelError, OSError) as error:
        print(f"error: the packs were not built: {error}", file=sys.stderr)
        return 1
    if missing:
        names, reasons = ", ".join(missing), "; ".join(dict.fromkeys(missing.values()))
        print(
            f"packs: the general model works alone, without {names}: {reasons}; for the packs, run it again with a "
            f"network, or set {VARIABLE} to a folder with their files",
            file=sys.stderr,
        )
    return INCOMPLETE if missing else 0


if __name__ == "__main__":
    sys.exit(main())
