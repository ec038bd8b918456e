"""The models: weights to ONNX, labels, packs, model cards, and `python -m model check`."""
