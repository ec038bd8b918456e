"""A small pack that fulfils the contract of docs/how-to/model.md: it tells two species with three outputs by colour.

A red photo is a red fox; a green and a blue one are an Arctic fox, in summer and in winter.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from onnx import ModelProto, TensorProto, helper, numpy_helper

SIZE, OUTPUTS = 8, 3
MANIFEST = """
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
_ARCTIC = (
    "3,vulpes-lagopus,Arctic fox,Vulpes lagopus,species,wild,Chordata,Mammalia,Carnivora,Canidae,Vulpes,Vulpes lagopus"
)
LABELS = f"""output_index,label,id,taxon,name,scientific_name,rank,kind,phylum,class,order,family,genus,species
0,red,10,vulpes-vulpes,red fox,Vulpes vulpes,species,wild,Chordata,Mammalia,Carnivora,Canidae,Vulpes,Vulpes vulpes
1,summer,{_ARCTIC}
2,winter,{_ARCTIC}
"""
TAXA = "scientific_name,rank,name\nCanidae,family,dog or fox\nVulpes,genus,fox\n"


def tiny_pack_model(
    nodes: Mapping[str, tuple[str, list[str]]] | None = None,
    shape: tuple[Any, ...] = ("N", SIZE, SIZE, 3),
    outputs: int = OUTPUTS,
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
    graph = helper.make_graph(
        made,
        "foxes",
        [helper.make_tensor_value_info("image", TensorProto.UINT8, list(shape))],
        [helper.make_tensor_value_info(output, TensorProto.FLOAT, ["N", outputs])],
        [numpy_helper.from_array(np.array(0.05, np.float32), "gain")],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def write_pack(
    folder: Path, model: ModelProto | None = None, manifest: str = MANIFEST, labels: str = LABELS, name: str = "foxes"
) -> Path:
    """Write the pack to `packs` in a folder, and return the path of its manifest."""
    packs = folder / "packs"
    packs.mkdir(exist_ok=True)
    (packs / f"{name}.onnx").write_bytes((model or tiny_pack_model()).SerializeToString())
    (packs / "foxes.csv").write_text(labels)
    (packs / "taxa.csv").write_text(TAXA)
    (packs / f"{name}.toml").write_text(manifest)
    return packs / f"{name}.toml"
