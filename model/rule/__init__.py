"""The rule that turns scores and a place into an answer, as ONNX graphs for runtimes without Python."""
