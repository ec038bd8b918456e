"""Our HTTP server compared with servers for machine learning, all with the same model: `python -m benchmarks.peers`."""
