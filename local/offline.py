"""`make offline`: write to `model/offline/` the files that a browser needs to identify photos without a network.

They are the models of this checkout, ONNX graphs that combine their scores with the place, the ranges of all animals,
and ONNX Runtime's WebAssembly, which `npm ci` installs. `chalicelib/api/page.py` serves them.
"""

import gzip
import json
import subprocess
import sys
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import numpy as np

from chalicelib.api.page import OFFLINE_FOLDER, OFFLINE_LIST, OFFLINE_PART_BYTES, OFFLINE_PREFIX
from chalicelib.config.settings import ROOT
from chalicelib.model.manifest import CLASSIFIER, DETECTOR, read_manifests

RUNTIME: Final = ROOT / "faunalens/web/page/node_modules/onnxruntime-web/dist/ort-wasm-simd-threaded.wasm"
"""onnxruntime for browsers: the build that also runs on one thread, without WebGPU, which would double its size."""
LEVEL: Final = 6
"""Compression level of gzip. The highest level takes twice as long, and saves only 0.2 %."""


def contents() -> dict[str, bytes]:
    """Return the content of each offline file, by name. Raises `OSError` if a model or the runtime is missing."""
    with ProcessPoolExecutor(1) as beside:  # the ranges take most of the time, and npm the rest of a first run's
        ranges = beside.submit(packed_ranges)
        if not RUNTIME.is_file():
            subprocess.run(["npm", "ci", "--prefer-offline"], cwd=ROOT / "faunalens/web/page", check=True)
        from model.rule.build import RuleFiles

        model = ROOT / "model"
        # A detector for camera traps would make the files larger than 20 MB, and heads see what it finds.
        wanted = (CLASSIFIER, DETECTOR)
        manifests = [each for each in read_manifests(model / "packs") if each.kind in wanted and not each.camera_traps]
        return {
            "runtime.wasm": RUNTIME.read_bytes(),
            "general.onnx": without_casts(model / "faunalens.onnx"),
            **{each.model.name: each.model.read_bytes() for each in manifests},
            **RuleFiles.of_release().files,
            "ranges.bin": ranges.result(),
        }


def packed_ranges() -> bytes:
    """Return the packed file (faunalens/data/packed.py) of this checkout's ranges."""
    from faunalens.data.dataset import read_dataset
    from faunalens.data.packed import pack

    return pack(read_dataset())


def without_casts(path: Path) -> bytes:
    """Return a model with its Cast nodes, which browsers compile slowly, replaced by nodes with the same result.

    `model/rule/formula.py` says why. The input of each Cast is 8-bit integers.
    """
    import onnx

    model = onnx.load(path)
    one = onnx.numpy_helper.from_array(np.array(1, np.float32), "one")
    for node in model.graph.node:
        if node.op_type == "Cast":
            node.CopyFrom(onnx.helper.make_node("DequantizeLinear", [node.input[0], one.name], node.output, node.name))
    model.graph.initializer.append(one)
    data: bytes = model.SerializeToString(deterministic=True)
    return data


def write(files: Mapping[str, bytes], folder: Path) -> dict[str, Any]:
    """Write files in parts, and then their list, into a folder. Delete all other files there. Return the list."""
    folder.mkdir(parents=True, exist_ok=True)
    listed, compressed_bytes, written = list[dict[str, Any]](), 0, {OFFLINE_LIST}
    for name, data in files.items():
        digest, compressed = sha256(data).hexdigest(), gzip.compress(data, LEVEL, mtime=0)
        pieces = [
            compressed[start : start + OFFLINE_PART_BYTES] for start in range(0, len(compressed), OFFLINE_PART_BYTES)
        ]
        parts = [f"{digest[:16]}-{number}" for number in range(len(pieces))]
        for part, piece in zip(parts, pieces, strict=True):
            (folder / part).write_bytes(piece)
        written.update(parts)
        compressed_bytes += len(compressed)
        listed.append({"name": name, "sha256": digest, "bytes": len(data), "parts": parts})
    offer = {
        "version": sha256(json.dumps(listed, allow_nan=False).encode()).hexdigest()[:12],
        "bytes": sum(map(len, files.values())),
        "gzip_bytes": compressed_bytes,
        "parts_prefix": OFFLINE_PREFIX,
        "files": listed,
    }
    (folder / OFFLINE_LIST).write_text(json.dumps(offer, separators=(",", ":"), allow_nan=False), encoding="utf-8")
    for path in folder.iterdir():
        if path.name not in written:  # of an earlier version
            path.unlink()
    return offer


def main() -> int:
    """Write the files for offline use, and print their sizes."""
    try:
        offer = write(contents(), ROOT / "model" / OFFLINE_FOLDER)
    except OSError as error:
        print(f"offline: {error.filename} is missing; run `make setup`", file=sys.stderr)
        return 1
    size, compressed = offer["bytes"] / 1e6, offer["gzip_bytes"] / 1e6
    print(f"offline: {len(offer['files'])} files, {compressed:.1f} MB to download, {size:.1f} MB unpacked")
    return 0


if __name__ == "__main__":
    sys.exit(main())
