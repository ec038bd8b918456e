"""The work that all peers do for a photo: our decoding, the same model, and our answer without a place."""

import json
import os
from collections.abc import Sequence
from dataclasses import asdict

import numpy as np
from numpy.typing import NDArray

from chalicelib.api.answers import candidates_of, message_of, predicted_taxon
from chalicelib.config.settings import Settings
from chalicelib.features.features import NO_LOCATION
from chalicelib.model.relatives import Relatives
from chalicelib.model.session import OUTPUTS, Scores
from chalicelib.model.taxonomy import Taxonomy
from chalicelib.photo.decode import Limits, open_photo

WORKERS = int(os.environ.get("PEER_WORKERS", "2"))
"""Photos that the peer identifies at the same time."""
THREADS = int(os.environ.get("PEER_THREADS", "1"))
"""Threads of one inference."""
BATCH = int(os.environ.get("PEER_BATCH", "1"))
"""Most photos in one inference."""
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
        path = settings.model_path
        self._session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        self._taxonomy = Taxonomy.read(path.with_name("labels.csv"), path.with_name("taxa.csv"))
        self._relatives = Relatives(path.with_name("relatives.csv"))
        self._settings, self._limits = settings, Limits()
        self._size: int = self._session.get_inputs()[0].shape[1]

    def decode(self, photo: bytes) -> NDArray[np.uint8]:
        """Return the pixels of a photo."""
        return open_photo(photo, self._limits).pixels(self._size)

    def score(self, pixels: Sequence[NDArray[np.uint8]]) -> list[Scores]:
        """Return the scores of a batch of photos, from one inference."""
        prior = np.ones((len(pixels), len(self._taxonomy.animals)), np.float32)
        image = pixels[0][np.newaxis] if len(pixels) == 1 else np.stack(pixels)
        outputs = self._session.run(list(OUTPUTS), {"image": image, "prior": prior})
        return [
            Scores(probabilities, vision, float(animal)) for probabilities, vision, animal in zip(*outputs, strict=True)
        ]

    def answer(self, scores: Scores) -> bytes:
        """Return the parts of our answer that do not depend on the place, as JSON."""
        has_animal = scores.animal_probability >= self._settings.animal_threshold
        found = self._taxonomy.roll_up(scores.probabilities, self._settings.rank_threshold) if has_animal else None
        prediction = predicted_taxon(found, NO_LOCATION, self._relatives)
        answer = {
            "message": message_of(prediction, NO_LOCATION),
            "prediction": asdict(prediction) if prediction else None,
            "candidates": [asdict(each) for each in candidates_of(scores, NO_LOCATION, self._taxonomy, TOP)],
            "animal_probability": round(scores.animal_probability, 4),
        }
        return json.dumps(answer, separators=(",", ":"), ensure_ascii=False).encode()

    def identify(self, photo: bytes) -> bytes:
        """Return the answer for a photo."""
        return self.answer(self.score([self.decode(photo)])[0])
