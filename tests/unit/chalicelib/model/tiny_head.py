"""A small head behind the tiny model: to it, red is an Arctic fox, green a raccoon, and blue any other animal.

Its features are the mean colours of the crops.
"""

from pathlib import Path

import numpy as np
from onnx import ModelProto, TensorProto, helper

from chalicelib.model.session import version_of
from tests.support.tiny_model import ARCTIC, model_of

HEAD_MANIFEST = """
kind = "head"
enabled = true
licence = "CC0-1.0"
author = "these tests"
general = "GENERAL"

[outputs]
labels = "own.csv"

[thresholds]
vulpes-lagopus = 0.6
"""
HEAD_LABELS = f"""output_index,label,id,taxon,name,scientific_name,rank,kind,phylum,class,order,family,genus,species
0,fox,{ARCTIC}
1,coon,4,procyon-lotor,raccoon,Procyon lotor,species,wild,Chordata,Mammalia,Carnivora,Procyonidae,Procyon,Procyon lotor
"""


def tiny_head_model(gain: float = 0.05, outputs: int = 3) -> ModelProto:
    """Return the model: the softmax of the mean colours of the crops."""
    nodes = [
        helper.make_node("Mul", ["features", "gain"], ["logits"]),
        helper.make_node("ReduceMean", ["logits"], ["mean"], axes=[0]),
        helper.make_node("Softmax", ["mean"], ["probabilities"], axis=1),
    ]
    given = {"probabilities": (TensorProto.FLOAT, [1, outputs])}
    return model_of("own", nodes, {"features": (TensorProto.FLOAT, ["N", 3])}, given, {"gain": np.float32(gain)})


def write_head(folder: Path, model: Path, more: str = "", gain: float = 0.05, name: str = "own") -> Path:
    """Write the head to a folder, and return the path of its manifest. `model`: the general one.

    `more`: lines of the manifest before its tables.
    """
    folder.mkdir(exist_ok=True)
    (folder / f"{name}.onnx").write_bytes(tiny_head_model(gain).SerializeToString())
    (folder / "own.csv").write_text(HEAD_LABELS)
    manifest = HEAD_MANIFEST.replace("GENERAL", version_of(model)).replace("\n[outputs]", f"{more}\n[outputs]")
    (folder / f"{name}.toml").write_text(manifest)
    return folder / f"{name}.toml"
