"""The ONNX session, packs, the recogniser, the prior, relatives and the taxonomy."""
