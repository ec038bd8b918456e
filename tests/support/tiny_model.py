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
NODES: list[tuple[tuple[str, list[str], list[str]], dict[str, Any]]] = [
    (("Cast", ["image"], ["float"]), {"to": TensorProto.FLOAT}),
    (("ReduceMean", ["float"], ["colours"]), {"axes": [1, 2], "keepdims": 0}),
    (("Identity", ["colours"], ["features"]), {}),
    (("Gather", ["float", "red"], ["activation_map"]), {"axis": 3}),
    (("Mul", ["colours", "gain"], ["logits"]), {}),
    (("Softmax", ["logits"], ["vision_probabilities"]), {"axis": 1}),
    (("Max", ["prior", "least"], ["positive"]), {}),
    (("Log", ["positive"], ["weights"]), {}),
    (("Add", ["logits", "weights"], ["posterior"]), {}),
    (("Softmax", ["posterior"], ["probabilities"]), {"axis": 1}),
    (("ReduceMax", ["vision_probabilities"], ["animal_probability"]), {"axes": [1], "keepdims": 0}),
]


def tiny_model(
    inputs: dict[str, tuple[int, list[Any]]] | None = None,
    outputs: dict[str, tuple[int, list[Any]]] | None = None,
    nodes: dict[str, tuple[str, list[str]]] | None = None,
    drop: str = "",
    constants: dict[str, Any] | None = None,
) -> ModelProto:
    """Return the model.

    `inputs`, `outputs`: declarations to add or replace, by name. `nodes`: operator and sources to use for a tensor, by
    the name of the tensor. `drop`: name of an output to leave out. `constants`: additional constants by name.
    """
    declared: dict[str, tuple[int, list[Any]]] = {
        "image": (TensorProto.UINT8, ["N", SIZE, SIZE, 3]),
        "prior": (TensorProto.FLOAT, ["N", ANIMALS]),
    }
    declared.update(inputs or {})
    given: dict[str, tuple[int, list[Any]]] = {
        "probabilities": (TensorProto.FLOAT, ["N", ANIMALS]),
        "vision_probabilities": (TensorProto.FLOAT, ["N", ANIMALS]),
        "animal_probability": (TensorProto.FLOAT, ["N"]),
        "features": (TensorProto.FLOAT, ["N", 3]),
        "activation_map": (TensorProto.FLOAT, ["N", SIZE, SIZE]),
    }
    given.update(outputs or {})
    given.pop(drop, None)
    made = []
    for (operator, sources, targets), attributes in NODES:
        if nodes and targets[0] in nodes:
            replaced, operator, sources = operator, *nodes[targets[0]]
            attributes = attributes if operator == replaced else {}
        made.append(helper.make_node(operator, sources, targets, **attributes))
    known = {"gain": np.float32(0.05), "least": np.float32(1e-30), "red": np.int64(0), **(constants or {})}
    model = model_of("tiny", made, declared, given, known)
    helper.set_model_props(model, {"name": "tiny"})
    return model


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
    made = []
    for operator, sources, target, attributes in (
        ("Cast", ["image"], "float", {"to": TensorProto.FLOAT}),
        ("ReduceMean", ["float"], "colours", {"axes": [1, 2], "keepdims": 0}),
        ("Mul", ["colours", "gain"], "logits", {}),
        ("Softmax", ["logits"], output, {"axis": 1}),
    ):
        if nodes and target in nodes:
            made.append(helper.make_node(*nodes[target], [target]))
        else:
            made.append(helper.make_node(operator, sources, [target], **attributes))
    inputs = {"image": (TensorProto.UINT8, list(shape))}
    return model_of("foxes", made, inputs, {output: (TensorProto.FLOAT, ["N", outputs])}, {"gain": np.float32(0.05)})


def write_pack(
    folder: Path,
    model: ModelProto | None = None,
    manifest: str = PACK_MANIFEST,
    labels: str = PACK_LABELS,
    name: str = "foxes",
) -> Path:
    """Write the pack to `packs` in a folder, and return the path of its manifest."""
    packs = folder / "packs"
    packs.mkdir(exist_ok=True)
    (packs / f"{name}.onnx").write_bytes((model or tiny_pack_model()).SerializeToString())
    (packs / "foxes.csv").write_text(labels)
    (packs / "taxa.csv").write_text(PACK_TAXA)
    (packs / f"{name}.toml").write_text(manifest)
    return packs / f"{name}.toml"


def tiny_detector_model(size: int = SIZE) -> ModelProto:
    """Return the model. Its scores are the share of a channel in 255 that is above that of the two others."""
    squares = size * size
    rows, columns = np.divmod(np.arange(squares), size)
    boxes = np.stack([columns + 0.5, rows + 0.5, np.full(squares, 2), np.full(squares, 2)], axis=1)
    mixed = (1.5 * np.eye(3) - 0.5) / 255
    constants: dict[str, Any] = {
        "all_boxes": boxes[np.newaxis].astype(np.float32),
        "mixed": mixed.astype(np.float32),
        "shape": np.array([1, squares, 3], np.int64),
    }
    nodes = [
        helper.make_node("Cast", ["image"], ["float"], to=TensorProto.FLOAT),
        helper.make_node("Reshape", ["float", "shape"], ["pixels"]),
        helper.make_node("MatMul", ["pixels", "mixed"], ["differences"]),
        helper.make_node("Relu", ["differences"], ["scores"]),
        helper.make_node("Identity", ["all_boxes"], ["boxes"]),
    ]
    outputs = {name: (TensorProto.FLOAT, [1, squares, width]) for name, width in (("boxes", 4), ("scores", 3))}
    return model_of("colours", nodes, {"image": (TensorProto.UINT8, [1, size, size, 3])}, outputs, constants)


def write_detector(
    folder: Path,
    model: ModelProto | None = None,
    labels: str = DETECTOR_LABELS,
    *,
    name: str = "colours",
    manifest: str = DETECTOR_MANIFEST,
) -> Path:
    """Write the detector to `packs` in a folder, and return the path of its manifest."""
    packs = folder / "packs"
    packs.mkdir(exist_ok=True)
    (packs / f"{name}.onnx").write_bytes((model or tiny_detector_model()).SerializeToString())
    (packs / f"{name}.csv").write_text(labels)
    (packs / f"{name}.toml").write_text(manifest.replace("colours", name))
    return packs / f"{name}.toml"


def write_camera_trap_detector(folder: Path, size: int = SIZE) -> Path:
    """Write a detector for camera traps: to it, whatever is red, green or blue is an animal. `size`: of its image."""
    labels = DETECTOR_LABELS.replace("person", "animal").replace("vehicle", "animal")
    manifest = DETECTOR_MANIFEST.replace("enabled", "camera_traps = true\nenabled").replace("= 8", f"= {size}")
    return write_detector(folder, tiny_detector_model(size), labels, name="traps", manifest=manifest)


def model_of(
    name: str,
    nodes: Iterable[NodeProto],
    inputs: Mapping[str, tuple[int, list[Any]]],
    outputs: Mapping[str, tuple[int, list[Any]]],
    constants: Mapping[str, Any],
) -> ModelProto:
    """Return a model. `inputs`, `outputs`: types and shapes by name."""
    declared, given = ([helper.make_tensor_value_info(*each) for each in _listed(some)] for some in (inputs, outputs))
    known = [numpy_helper.from_array(np.asarray(value), each) for each, value in constants.items()]
    graph = helper.make_graph(list(nodes), name, declared, given, known)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def _listed(tensors: Mapping[str, tuple[int, list[Any]]]) -> list[tuple[str, int, list[Any]]]:
    return [(name, kind, shape) for name, (kind, shape) in tensors.items()]
