"""A small model of three animals that fulfils the contract of docs/how-to/model.md. It scores the photo's colours.

Tests change one part of the model to get a model that breaks the contract.
"""

from pathlib import Path
from typing import Any

import numpy as np
from onnx import ModelProto, TensorProto, helper, numpy_helper

ANIMALS = 3
SIZE = 8
LABELS = """id,taxon,output_index,wnid,name,scientific_name,rank,kind,phylum,class,order,family,genus,species
10,vulpes-vulpes,0,n1,red fox,Vulpes vulpes,species,wild,Chordata,Mammalia,Carnivora,Canidae,Vulpes,Vulpes vulpes
20,hyla-arborea,1,n2,tree frog,Hyla arborea,species,wild,Chordata,Amphibia,Anura,Hylidae,Hyla,Hyla arborea
30,canis-familiaris,2,n3,dog,Canis familiaris,species,domestic,Chordata,Mammalia,,Canidae,Canis,Canis familiaris
"""
TAXA = """scientific_name,rank,name
Animalia,kingdom,animal
Chordata,phylum,vertebrates
Mammalia,class,mammals
Carnivora,order,carnivores
Canidae,family,dogs and foxes
Vulpes,genus,foxes
Vulpes vulpes,species,red fox
Amphibia,class,amphibians
Anura,order,frogs
Hylidae,family,tree frogs
Hyla,genus,tree frogs
Hyla arborea,species,tree frog
Canis,genus,dogs and wolves
Canis familiaris,species,dog
"""

# The first animal is likely in a red photo, the second in a green one, the third in a blue one.
NODES: list[tuple[tuple[str, list[str], list[str]], dict[str, Any]]] = [
    (("Cast", ["image"], ["float"]), {"to": TensorProto.FLOAT}),
    (("ReduceMean", ["float"], ["colours"]), {"axes": [1, 2], "keepdims": 0}),
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
    }
    given.update(outputs or {})
    given.pop(drop, None)
    made = []
    for (operator, sources, targets), attributes in NODES:
        if nodes and targets[0] in nodes:
            replaced, operator, sources = operator, *nodes[targets[0]]
            attributes = attributes if operator == replaced else {}
        made.append(helper.make_node(operator, sources, targets, **attributes))
    known = {"gain": np.float32(0.05), "least": np.float32(1e-30), **(constants or {})}
    graph = helper.make_graph(
        made,
        "tiny",
        [helper.make_tensor_value_info(name, *each) for name, each in declared.items()],
        [helper.make_tensor_value_info(name, *each) for name, each in given.items()],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in known.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
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
