"""The animals of a cell: lookup, cache keys and codec, warming, seasons."""
