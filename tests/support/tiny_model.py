"""A small model of three animals, a pack and a detector that fulfil the contract of docs/how-to/model.md.

The model scores the photo's colours: its first animal is likely in a red photo, the second in a green one, the third in
a blue one; its features are the means of the colours, and its map is the red of each pixel. The pack has two species
and three outputs: a red photo is a red fox; a green and a blue one are an Arctic fox, in summer and in winter. The
detector sees an image of 8 × 8 pixels, each a square of its own: a red one is an animal, a green one a person, a blue
one a vehicle, each with a box of 2 × 2 pixels around it.

Tests change one part of a model to get a model that breaks the contract.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper

ANIMALS = 3
SIZE = 8
LABELS = """id,taxon,output_index,wnid,name,scientific_name,rank,kind,phylum,class,order,family,genus,species
10,vulpes-vulpes,0,n1,red fox,Vulpes vulpes,species,wild,Chordata,Mammalia,Carnivora,Canidae,Vulpes,Vulpes vulpes
20,hyla-arborea,1,n2,tree frog,Hyla arborea,species,wild,Chordata,Amphibia,Anura,Hylidae,Hyla,Hyla arborea
30,canis-familiaris,2,n3,dog,Canis familiaris,species,dog,Chordata,Mammalia,,Canidae,Canis,Canis familiaris
"""
TAXA = """scientific_name,rank,name
Animalia,kingdom,animal
Chordata,phylum,vertebrate
Mammalia,class,mammal
Carnivora,order,carnivore
Canidae,family,dog or fox
Vulpes,genus,fox
Vulpes vulpes,species,red fox
Amphibia,class,amphibian
Anura,order,frog
Hylidae,family,tree frog
Hyla,genus,tree frog
Hyla arborea,species,tree frog
Canis,genus,dog or wolf
Canis familiaris,species,dog
"""
PACK_MANIFEST = """
kind = "classifier"
enabled = true
taxa = ["Mammalia"]
gate = 0.5
temperature = 1.0
licence = "CC0-1.0"
author = "these tests"

[input]
size = 8

[outputs]
labels = "foxes.csv"
"""
ARCTIC = (
    "3,vulpes-lagopus,Arctic fox,Vulpes lagopus,species,wild,Chordata,Mammalia,Carnivora,Canidae,Vulpes,Vulpes lagopus"
)
PACK_LABELS = f"""output_index,label,id,taxon,name,scientific_name,rank,kind,phylum,class,order,family,genus,species
0,red,10,vulpes-vulpes,red fox,Vulpes vulpes,species,wild,Chordata,Mammalia,Carnivora,Canidae,Vulpes,Vulpes vulpes
1,summer,{ARCTIC}
2,winter,{ARCTIC}
"""
PACK_TAXA = "scientific_name,rank,name\nCanidae,family,dog or fox\nVulpes,genus,fox\n"
DETECTOR_MANIFEST = """
kind = "detector"
enabled = true
licence = "CC0-1.0"
author = "these tests"

[input]
size = 8

[outputs]
labels = "colours.csv"
"""
DETECTOR_LABELS = "output_index,label,subject\n0,red,animal\n1,green,person\n2,blue,vehicle\n"
type Tensors = Mapping[str, tuple[int, list[Any]]]
"""Type and shape of each tensor, by name."""
NODES: dict[str, tuple[str, list[str], dict[str, Any]]] = {
    "float": ("Cast", ["image"], {"to": TensorProto.FLOAT}),
    "colours": ("ReduceMean", ["float"], {"axes": [1, 2], "keepdims": 0}),
    "features": ("Identity", ["colours"], {}),
    "activation_map": ("Gather", ["float", "red"], {"axis": 3}),
    "logits": ("Mul", ["colours", "gain"], {}),
    "vision_probabilities": ("Softmax", ["logits"], {"axis": 1}),
    "positive": ("Max", ["prior", "least"], {}),
    "weights": ("Log", ["positive"], {}),
    "posterior": ("Add", ["logits", "weights"], {}),
    "probabilities": ("Softmax", ["posterior"], {"axis": 1}),
    "animal_probability": ("ReduceMax", ["vision_probabilities"], {"axes": [1], "keepdims": 0}),
}
"""Operator, sources and attributes, by the tensor that a node makes."""


def tiny_model(
    inputs: Tensors | None = None,
    outputs: Tensors | None = None,
    nodes: Mapping[str, tuple[str, list[str]]] | None = None,
    drop: str = "",
    constants: Mapping[str, Any] | None = None,
) -> ModelProto:
    """Return the model.

    `inputs`, `outputs`: declarations to add or replace, by name. `nodes`: operator and sources to use for a tensor, by
    the name of the tensor. `drop`: name of an output to leave out. `constants`: additional constants by name.
    """
    number = TensorProto.FLOAT
    declared: Tensors = {"image": (TensorProto.UINT8, ["N", SIZE, SIZE, 3]), "prior": (number, ["N", ANIMALS])}
    given: dict[str, tuple[int, list[Any]]] = {
        "probabilities": (number, ["N", ANIMALS]),
        "vision_probabilities": (number, ["N", ANIMALS]),
        "animal_probability": (number, ["N"]),
        "features": (number, ["N", 3]),
        "activation_map": (number, ["N", SIZE, SIZE]),
        **(outputs or {}),
    }
    given.pop(drop, None)
    known = {"gain": np.float32(0.05), "least": np.float32(1e-30), "red": np.int64(0), **(constants or {})}
    model = model_of("tiny", _nodes(NODES, nodes or {}), {**declared, **(inputs or {})}, given, known)
    helper.set_model_props(model, {"name": "tiny"})
    return model


def _nodes(
    table: Mapping[str, tuple[str, list[str], dict[str, Any]]], changed: Mapping[str, tuple[str, list[str]]]
) -> list[NodeProto]:
    made = []
    for target, (operator, sources, attributes) in table.items():
        other, others = changed.get(target, (operator, sources))
        made.append(helper.make_node(other, others, [target], **(attributes if other == operator else {})))
    return made


def failing_model() -> ModelProto:
    """Return a model that loads and fulfils the contract, but fails in every run."""
    tenth = np.array([9], np.int64)  # an index out of range, because there is only one photo
    return tiny_model(nodes={"posterior": ("Gather", ["logits", "tenth"])}, constants={"tenth": tenth})


def write(folder: Path, model: ModelProto, labels: str = LABELS) -> Path:
    """Write the model with its labels and taxa to a folder; return the model's path."""
    (folder / "labels.csv").write_text(labels)
    (folder / "taxa.csv").write_text(TAXA)
    path = folder / "tiny.onnx"
    path.write_bytes(model.SerializeToString())
    return path


def tiny_pack_model(
    nodes: Mapping[str, tuple[str, list[str]]] | None = None,
    shape: tuple[Any, ...] = ("N", SIZE, SIZE, 3),
    outputs: int = 3,
    output: str = "probabilities",
) -> ModelProto:
    """Return the model. `nodes`: operator and sources to use for a tensor, by the name of the tensor."""
    table = {name: NODES[name] for name in ("float", "colours", "logits")} | {
        output: ("Softmax", ["logits"], {"axis": 1})
    }
    inputs, given = {"image": (TensorProto.UINT8, list(shape))}, {output: (TensorProto.FLOAT, ["N", outputs])}
    return model_of("foxes", _nodes(table, nodes or {}), inputs, given, {"gain": np.float32(0.05)})


def write_pack(
    folder: Path,
    model: ModelProto | None = None,
    manifest: str = PACK_MANIFEST,
    labels: str = PACK_LABELS,
    name: str = "foxes",
) -> Path:
    """Write the pack to `packs` in a folder, and return the path of its manifest."""
    path = _written(folder, name, model or tiny_pack_model(), manifest)
    path.with_name("foxes.csv").write_text(labels)
    path.with_name("taxa.csv").write_text(PACK_TAXA)
    return path


def _written(folder: Path, name: str, model: ModelProto, manifest: str) -> Path:
    path = folder / "packs" / f"{name}.toml"
    path.parent.mkdir(exist_ok=True)
    path.with_suffix(".onnx").write_bytes(model.SerializeToString())
    path.write_text(manifest)
    return path


def tiny_detector_model(size: int = SIZE) -> ModelProto:
    """Return the model. Its scores are the share of a channel in 255 that is above that of the two others."""
    squares = size * size
    rows, columns = np.divmod(np.arange(squares), size)
    boxes = np.stack([columns + 0.5, rows + 0.5, np.full(squares, 2), np.full(squares, 2)], axis=1)
    constants = {
        "all_boxes": boxes[np.newaxis].astype(np.float32),
        "mixed": ((1.5 * np.eye(3) - 0.5) / 255).astype(np.float32),
        "shape": np.array([1, squares, 3], np.int64),
    }
    table = {
        "float": NODES["float"],
        "pixels": ("Reshape", ["float", "shape"], {}),
        "differences": ("MatMul", ["pixels", "mixed"], {}),
        "scores": ("Relu", ["differences"], {}),
        "boxes": ("Identity", ["all_boxes"], {}),
    }
    outputs = {name: (TensorProto.FLOAT, [1, squares, width]) for name, width in (("boxes", 4), ("scores", 3))}
    inputs = {"image": (TensorProto.UINT8, [1, size, size, 3])}
    return model_of("colours", _nodes(table, {}), inputs, outputs, constants)


def write_detector(
    folder: Path,
    model: ModelProto | None = None,
    labels: str = DETECTOR_LABELS,
    *,
    name: str = "colours",
    manifest: str = DETECTOR_MANIFEST,
) -> Path:
    """Write the detector to `packs` in a folder, and return the path of its manifest."""
    path = _written(folder, name, model or tiny_detector_model(), manifest.replace("colours", name))
    path.with_suffix(".csv").write_text(labels)
    return path


def write_camera_trap_detector(folder: Path, size: int = SIZE) -> Path:
    """Write a detector for camera traps: to it, whatever is red, green or blue is an animal. `size`: of its image."""
    labels = DETECTOR_LABELS.replace("person", "animal").replace("vehicle", "animal")
    manifest = DETECTOR_MANIFEST.replace("enabled", "camera_traps = true\nenabled").replace("= 8", f"= {size}")
    return write_detector(folder, tiny_detector_model(size), labels, name="traps", manifest=manifest)


def write_all(folder: Path, model: ModelProto | None = None) -> Path:
    """Write a model with both detectors; to the one for camera traps, all colours are animals. Return its path."""
    write_detector(folder)
    write_camera_trap_detector(folder)
    return write(folder, model or tiny_model())


def model_of(
    name: str, nodes: Iterable[NodeProto], inputs: Tensors, outputs: Tensors, constants: Mapping[str, Any]
) -> ModelProto:
    declared, given = (
        [helper.make_tensor_value_info(each, *tensors[each]) for each in tensors] for tensors in (inputs, outputs)
    )
    known = [numpy_helper.from_array(np.asarray(value), each) for each, value in constants.items()]
    graph = helper.make_graph(list(nodes), name, declared, given, known)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
