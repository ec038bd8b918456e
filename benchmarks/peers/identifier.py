"""What all servers of the comparison do for a photo: our decoding, the same model, and our answer without a place.

`identify_alone` does the same without a server, as fast as possible.
"""

import json
import os
from itertools import cycle, pairwise
from pathlib import Path
from time import perf_counter

import numpy as np

from benchmarks.peers.client import Load
from chalicelib.config.settings import PhotoLimits, Settings
from chalicelib.model.session import OUTPUTS, Scores
from chalicelib.model.taxonomy import Taxonomy
from chalicelib.photo.decode import open_photo

THREADS = int(os.environ.get("PEER_THREADS", "1"))
"""Threads of one inference."""
LEAST = 0.7
"""Score from which the best animal is the prediction."""
TOP = 5
"""Candidates in an answer, as many as in ours."""


class Identifier:
    """A session of onnxruntime with `THREADS` threads, and the names of the animals."""

    def __init__(self) -> None:
        import onnxruntime

        settings = Settings()
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = THREADS
        # As in our server: idle threads must not spin while other threads need the processors.
        options.add_session_config_entry("session.force_spinning_stop", "1")
        options.add_session_config_entry("session.intra_op.spin_duration_us", "2000")
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


def identify_alone(folder: Path, seconds: float) -> Load:
    """Identify the photos of a folder in turn for some seconds, and return the figures of this process."""
    identifier, photos = Identifier(), [path.read_bytes() for path in sorted(folder.iterdir())]
    for photo in photos:
        identifier.identify(photo)
    ends, begin = [], perf_counter()
    for photo in cycle(photos):
        identifier.identify(photo)
        ends.append(perf_counter())
        if ends[-1] - begin > seconds:
            break
    each = [end - start for start, end in pairwise([begin, *ends])]
    return Load(rate=len(ends) / (ends[-1] - begin), seconds=each, answered=len(ends) + len(photos), failed=0)
