"""All tests: `unit` and `integration` mirror the tree, `faults` breaks servers, `end_to_end` runs all of Faunalens."""
