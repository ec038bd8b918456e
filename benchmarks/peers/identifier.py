"""What all servers of the comparison do for a photo: our decoding, the same model, and our answer without a place."""

import json

import numpy as np

from chalicelib.config.settings import PhotoLimits, Settings
from chalicelib.model.session import OUTPUTS, Scores
from chalicelib.model.taxonomy import Taxonomy
from chalicelib.photo.photos import open_photo

LEAST = 0.7
"""Score from which the best animal is the prediction."""
TOP = 5
"""Candidates in an answer, as many as in ours."""


class Identifier:
    """A session of onnxruntime with one thread, and the names of the animals."""

    def __init__(self) -> None:
        import onnxruntime

        settings = Settings()
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        path = settings.model.path
        self._session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        self._taxonomy = Taxonomy.read(path.with_name("labels.csv"), path.with_name("taxa.csv"))
        self._settings, self._limits = settings, PhotoLimits()
        self._size: int = self._session.get_inputs()[0].shape[1]

    def identify(self, photo: bytes) -> bytes:
        """Return the parts of our answer to a photo that do not depend on the place, as JSON."""
        pixels = open_photo(photo, self._limits).pixels(self._size)
        prior = np.ones((1, len(self._taxonomy.animals)), np.float32)
        outputs = self._session.run(list(OUTPUTS), {"image": pixels[np.newaxis], "prior": prior})
        scores = Scores(outputs[0][0], outputs[1][0], float(outputs[2][0]))
        has_animal = scores.animal_probability >= self._settings.thresholds.animal
        best = np.argsort(scores.probabilities)[: -TOP - 1 : -1].tolist()
        candidates = [
            {**self._taxonomy.animals[each].taxon._asdict(), "score": round(float(scores.probabilities[each]), 4)}
            for each in best
        ]
        answer = {
            "prediction": candidates[0] if has_animal and candidates[0]["score"] >= LEAST else None,
            "candidates": candidates,
            "animal_probability": round(scores.animal_probability, 4),
        }
        return json.dumps(answer, separators=(",", ":"), ensure_ascii=False).encode()
